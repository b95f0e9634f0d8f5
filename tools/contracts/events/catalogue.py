"""docs/events.md: every event, who tells it, who reads it, and what it says."""

import json
from collections.abc import Iterator

from shared.events import PERSONAL
from tools.contracts.events.contracts import Contract, contracts
from tools.contracts.openapi.schemas import REFERENCE, Schema
from tools.contracts.template import subscriptions
from tools.settings import REPOSITORY

PAGE = REPOSITORY / "docs" / "events.md"

# Reads nearly all: the page says so once.
_ARCHIVE = "archive.functions.store_events"

_PREFACE = """\
# Events

Made by `make events` from the services' payload classes (`services/<name>/<name>/domain/events.py`) and the
subscriptions in `template.yaml`; a test fails when it is out of date.

Every event travels on one SNS topic in the same envelope. Whoever reads it subscribes an SQS queue of its own with a
filter on `event_type`. Delivery is at least once and in no order: `event_id` is the same at every delivery, and
`aggregate_version` tells an older fact of the same thing from a newer one.

| Of the envelope | Is |
|---|---|
| `event_id` | the aggregate's id, its version and the type: the same change always makes the same id |
| `event_type`, `event_version` | which contract below `data` keeps to |
| `occurred_at` | when, in UTC to the millisecond |
| `aggregate_id`, `aggregate_version` | of what, and after how many changes of it |
| `correlation_id` | of the request that set it all off, on every message and log line that follows from it |
| `causation_id` | what caused this event: the event, request or step before it |
| `data` | what has happened, below |

`archive.store_events` stores every event except those about users, for good, without the *personal* fields below. The
table names the other readers. A service that stores a personal field erases it on `user.deleted`.

**Versions.** A released version of an event only grows: it may tell more, but never stops telling what it told, nor
tells it in another form. `make test` compares with the last release (`tests/contracts/events.released.json`). Whoever
reads an event puts up with properties that it does not know. What would break a reader becomes a new version: a second
payload class, published beside the first until nobody reads that any more.

"""


def catalogue() -> str:
    """The page."""
    known = contracts()
    readers = subscriptions()
    return _PREFACE + "\n".join([*_overview(known, readers), "", *_details(known)]) + "\n"


def _overview(known: list[Contract], readers: dict[str, list[str]]) -> Iterator[str]:
    yield "| Event | Told by | Read by |"
    yield "|---|---|---|"
    for contract in known:
        others = [reader for reader in readers.get(contract.event_type, []) if reader != _ARCHIVE]
        read_by = ", ".join(f"`{reader}`" for reader in others)
        anchor = contract.name.replace(".", "")
        yield f"| [`{contract.name}`](#{anchor}) | {contract.service} | {read_by or 'nobody yet'} |"


def _details(known: list[Contract]) -> Iterator[str]:
    for contract in known:
        yield f"## {contract.name}"
        yield ""
        yield f"{contract.meaning}\n"
        yield f"Schema: [`events/schemas/{contract.file_name}`](../events/schemas/{contract.file_name})"
        yield ""
        yield "| Of `data` | Type | Is |"
        yield "|---|---|---|"
        schema, definitions = contract.data()
        yield from _rows(schema, definitions, "")
        yield ""
        yield "```json"
        yield json.dumps(contract.example()["data"], indent=2, ensure_ascii=False)
        yield "```"
        yield ""


def _rows(schema: Schema, definitions: dict[str, Schema], within: str) -> Iterator[str]:
    for name, part in schema["properties"].items():
        place = f"{within}{name}"
        whole = _whole(part, definitions)
        optional = "" if name in schema.get("required", []) else ", or absent"
        personal = ", *personal*" if _is_personal(whole) else ""
        description = part.get("description") or whole.get("description", "")
        yield f"| `{place}` | {_type_of(whole)}{optional}{personal} | {' '.join(description.split())} |"
        inner = _whole(whole.get("items", {}), definitions) if whole.get("type") == "array" else whole
        if "properties" in inner:
            yield from _rows(inner, definitions, f"{place}{'[]' if inner is not whole else ''}.")


def _is_personal(schema: Schema) -> bool:
    """Whether the payload class says that what the schema describes is personal."""
    return schema.items() >= PERSONAL.items()


def _whole(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """`schema` with what it refers to, and without the null of what may be absent."""
    if "$ref" in schema:
        return {**definitions[schema["$ref"].removeprefix(REFERENCE)], **schema, "$ref": ""}
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    return _whole(options[0], definitions) if len(options) == 1 else schema


def _type_of(schema: Schema) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    return str(schema.get("type", "anything"))

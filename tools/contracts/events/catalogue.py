"""docs/events.md: every event, its publisher, its consumers and its data."""

import json
from collections.abc import Iterator

from shared.record import PERSONAL
from tools.contracts.events.contracts import Contract, contracts
from tools.contracts.openapi.schemas import REFERENCE, Schema
from tools.contracts.template import subscriptions
from tools.settings import REPOSITORY

PAGE = REPOSITORY / "docs" / "events.md"

# It consumes nearly all events: the page says so once.
_ARCHIVE = "archive.functions.store_events"

_PREFACE = """\
# Events

`make events` makes this page from the services' payload classes (`services/<name>/<name>/domain/events.py`) and the
subscriptions in `template.yaml`. A test fails if the page is out of date.

All events have the same envelope. Those about users travel on an SNS topic of their own, all others on one. Each
service's relay publishes the events about its own aggregate alone. The catalogue's relay publishes the image
processor's events, which the catalogue checks before. Each consumer subscribes its own SQS queue with a filter on
`event_type`. Events arrive at least once and in no order: `event_id` is the same at every delivery, and
`aggregate_version` orders the events of one aggregate.

| In the envelope | Meaning |
|---|---|
| `event_id` | the aggregate's id, its version and the type: the same change always makes the same id |
| `event_type`, `event_version` | the contract of `data`, below |
| `occurred_at` | the time of the change, in UTC to the millisecond |
| `aggregate_id`, `aggregate_version` | the aggregate that changed, and the number of its changes so far |
| `correlation_id` | identifies the first request; all messages and log lines that follow from it carry it |
| `causation_id` | the direct cause: the event, the request or the step before this event |
| `data` | the facts, below |

`archive.store_events` stores every event except those about users, for good, without the *personal* fields below. The
table names the other readers. A service that stores a personal field erases it on `user.deleted`.

**Versions.** A released version of an event only grows: it may get new data, but keeps all data in the same form.
`make test` compares it with the last release (`tests/contracts/events.released.json`). A consumer ignores unknown
properties. A change that would break a consumer becomes a new version: a second payload class, published beside the
first until the last consumer has moved on.

Release 0.5.0 dropped version 1 of `order.placed`, which had the address and the payment token. Consumers still read it:
it may wait in a queue or among the dead letters, and the archive has it without its personal fields.

"""


def catalogue() -> str:
    """The page."""
    known = contracts()
    readers = subscriptions(contract.event_type for contract in known)
    return _PREFACE + "\n".join([*_overview(known, readers), "", *_details(known)]) + "\n"


def _overview(known: list[Contract], readers: dict[str, list[str]]) -> Iterator[str]:
    yield "| Event | Published by | Consumed by |"
    yield "|---|---|---|"
    for contract in known:
        others = [reader for reader in readers.get(contract.event_type, []) if reader != _ARCHIVE]
        read_by = ", ".join(f"`{reader}`" for reader in others)
        anchor = contract.name.replace(".", "")
        yield f"| [`{contract.name}`](#{anchor}) | {contract.service} | {read_by or 'none yet'} |"


def _details(known: list[Contract]) -> Iterator[str]:
    for contract in known:
        yield f"## {contract.name}"
        yield ""
        yield f"{contract.meaning}\n"
        yield f"Schema: [`events/schemas/{contract.file_name}`](../events/schemas/{contract.file_name})"
        yield ""
        yield "| In `data` | Type | Meaning |"
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
    """Whether the payload class marks the value as personal."""
    return schema.items() >= PERSONAL.items()


def _whole(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """`schema` with its reference replaced by the target, and without the null of an optional value."""
    if "$ref" in schema:
        return {**definitions[schema["$ref"].removeprefix(REFERENCE)], **schema, "$ref": ""}
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    return _whole(options[0], definitions) if len(options) == 1 else schema


def _type_of(schema: Schema) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    return str(schema.get("type", "anything"))

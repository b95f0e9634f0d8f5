"""The JSON Schema of every event, made from the payload classes in each service's `events` module.

It depends on the code alone: the same code gives the same schemas, byte for byte.
"""

import inspect
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pydantic import TypeAdapter

from shared.events import Event, Payload
from tools.contracts.openapi.schemas import REFERENCE, Schema, example_of, redirected, tidy
from tools.settings import REPOSITORY

SCHEMAS = REPOSITORY / "events" / "schemas"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True)
class Contract:
    """One type of event at one version: the service that publishes it, and its payload."""

    service: str
    payload: type[Payload]

    @property
    def event_type(self) -> str:
        """`order.placed`."""
        return self.payload.event_type

    @property
    def name(self) -> str:
        """The type with its version, `order.placed.v1`."""
        return f"{self.payload.event_type}.v{self.payload.event_version}"

    @property
    def file_name(self) -> str:
        """Its schema's name in events/schemas/."""
        return f"{self.name}.json"

    @property
    def meaning(self) -> str:
        """What has happened when the service publishes it."""
        return inspect.getdoc(self.payload) or ""

    def schema(self) -> Schema:
        """The JSON Schema of the whole event, envelope and data; a consumer ignores other properties."""
        envelope, definitions = self._described()
        return {
            "$schema": _DIALECT,
            "$id": f"urn:cartwright:event:{self.name}",
            "title": self.name,
            "description": self.meaning,
            **redirected(envelope, _within),
            **({"$defs": redirected(definitions, _within)} if definitions else {}),
        }

    def example(self) -> dict[str, Any]:
        """An event that the schema describes, from the examples of its parts and the payload's own `example`."""
        envelope, definitions = self._described()
        made: dict[str, Any] = example_of(envelope, definitions)
        made["data"] |= self.payload.example
        made["event_id"] = f"{made['aggregate_id']}:{made['aggregate_version']}:{self.event_type}"
        return made

    def data(self) -> tuple[Schema, dict[str, Schema]]:
        """The schema of its data, and the schemas that this refers to by name."""
        return _described_by(self.payload)

    def _described(self) -> tuple[Schema, dict[str, Schema]]:
        envelope, definitions = _described_by(Event)
        data, more = self.data()
        properties = {
            **envelope["properties"],
            "event_type": {**envelope["properties"]["event_type"], "const": self.event_type},
            "event_version": {"type": "integer", "const": self.payload.event_version},
            "data": data,
        }
        required = [name for name in properties if name != "causation_id"]
        return {**envelope, "properties": properties, "required": required}, {**definitions, **more}


def contracts() -> list[Contract]:
    """Every type of event at every version, by service in the order of their folders, then as its module has them."""
    return [
        Contract(service, payload)
        for service in sorted(
            folder.name for folder in (REPOSITORY / "services").iterdir() if folder.is_dir()
        )
        if (REPOSITORY / "services" / service / service / "domain" / "events.py").exists()
        for payload in _payloads_in(f"{service}.domain.events")
    ]


def schemas() -> dict[str, Schema]:
    """The schema of every contract, by its name."""
    return {contract.name: contract.schema() for contract in contracts()}


def written(value: Mapping[str, Any]) -> str:
    """The text of `value` in a committed file."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _payloads_in(module_name: str) -> Iterator[type[Payload]]:
    for value in vars(import_module(module_name)).values():
        if (
            isinstance(value, type)
            and issubclass(value, Payload)
            and value.__module__ == module_name
            and hasattr(value, "event_type")
        ):
            yield value


def _described_by(model: type[Payload] | type[Event]) -> tuple[Schema, dict[str, Schema]]:
    schema = TypeAdapter(model).json_schema(ref_template=REFERENCE + "{model}")
    tidy(schema)
    definitions = schema.pop("$defs", {})
    for described in (schema, *definitions.values()):
        # The publisher sends nothing else today, but a consumer of this version must be ready for more.
        if described.get("additionalProperties") is False:
            del described["additionalProperties"]
    schema.pop("description", None)
    return schema, definitions


def _within(reference: str) -> str:
    return reference.replace(REFERENCE, "#/$defs/")

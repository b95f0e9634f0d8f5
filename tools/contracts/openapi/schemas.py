"""JSON schemas from pydantic: walking through them, tidying them for readers, making examples from them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/"

_NULL: Schema = {"type": "null"}
_SCHEMAS_BY_NAME = ("properties", "patternProperties", "$defs")
_LISTS_OF_SCHEMAS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE_SCHEMAS = ("items", "additionalProperties", "propertyNames", "not", "contains")
_LIMITS_OF_NUMBERS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


class NoExample(Exception):
    """A value has no example, and none follows from its parts; the message says where."""


def subschemas(schema: Schema) -> Iterator[Schema]:
    """The schemas directly within `schema`."""
    for key in _SCHEMAS_BY_NAME:
        yield from schema.get(key, {}).values()
    for key in _LISTS_OF_SCHEMAS:
        yield from schema.get(key, [])
    for key in _SINGLE_SCHEMAS:
        if isinstance(schema.get(key), dict):
            yield schema[key]


def tidy(schema: Schema) -> None:
    """Removes noise, in place and at every depth.

    Noise is a title that repeats the Python name, and the point in limits of whole numbers (pydantic's `999.0`).
    """
    schema.pop("title", None)
    for key in _LIMITS_OF_NUMBERS:
        limit = schema.get(key)
        if isinstance(limit, float) and limit.is_integer():
            schema[key] = int(limit)
    for inner in subschemas(schema):
        tidy(inner)


def without_null(schema: Schema) -> Schema:
    """`schema` for a parameter, which cannot be null: there `str | None` means that it is optional."""
    if "anyOf" not in schema:
        return schema
    others = {key: value for key, value in schema.items() if key != "anyOf"}
    options = [option for option in schema["anyOf"] if option != _NULL]
    return {**options[0], **others} if len(options) == 1 else {**others, "anyOf": options}


def references_in(node: Any) -> Iterator[str]:
    """Every `$ref` in `node`, however deep."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from references_in(value)


def redirected(node: Any, target: Callable[[str], str]) -> Any:
    """`node` with every `$ref` replaced by its `target`."""
    if isinstance(node, dict):
        changed = {key: redirected(value, target) for key, value in node.items()}
        if isinstance(node.get("$ref"), str):
            changed["$ref"] = target(node["$ref"])
        return changed
    if isinstance(node, list):
        return [redirected(value, target) for value in node]
    return node


def needed(roots: Any, schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    """The part of `schemas` that `roots` refer to, at any depth, by name."""
    reached: dict[str, Schema] = {}
    waiting = [reference.removeprefix(REFERENCE) for reference in references_in(roots)]
    while waiting:
        name = waiting.pop()
        if name not in reached and name in schemas:
            reached[name] = schemas[name]
            waiting += [reference.removeprefix(REFERENCE) for reference in references_in(schemas[name])]
    return dict(sorted(reached.items()))


def example_of(schema: Schema, schemas: Mapping[str, Schema], where: str = "") -> Any:
    """A value that `schema` describes, from the examples of its parts; raises NoExample."""
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].removeprefix(REFERENCE)], schemas, where)
    for given in ("default", "const"):
        if schema.get(given) is not None:
            return schema[given]
    if "enum" in schema:
        return schema["enum"][0]
    return _composed(schema, schemas, where)


def _composed(schema: Schema, schemas: Mapping[str, Schema], where: str) -> Any:
    if "properties" not in schema and ("anyOf" in schema or "oneOf" in schema):
        options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        first = next(option for option in options if option != _NULL)
        return example_of(first, schemas, where)
    match schema.get("type"):
        case "object" if "properties" in schema:
            return _object(schema, schemas, where)
        case "array":
            return [example_of(schema["items"], schemas, f"{where}/0")]
        case "boolean":
            return True
    raise NoExample(where or "/")


def _object(schema: Schema, schemas: Mapping[str, Schema], where: str) -> dict[str, Any]:
    """An example with every property, except the optional ones without an example."""
    made: dict[str, Any] = {}
    for name, part in schema["properties"].items():
        try:
            made[name] = example_of(part, schemas, f"{where}/{name}")
        except NoExample:
            if name in schema.get("required", []):
                raise
    return made

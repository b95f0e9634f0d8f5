"""Values that a request model accepts, made from the JSON schema that the API publishes."""

from typing import Any

from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

_MOST_ENTRIES = 3


def accepted[Model](model: type[Model]) -> st.SearchStrategy[Model]:
    """Models of that class, each from a request that the class accepts."""
    adapter = TypeAdapter(model)
    schema = adapter.json_schema()
    return (
        _values(schema, schema.get("$defs", {})).map(lambda value: _read(adapter, value)).filter(bool)  # type: ignore[return-value]
    )


def _read[Model](adapter: TypeAdapter[Model], value: Any) -> Model | None:
    try:
        return adapter.validate_python(value)
    except ValidationError:
        # A rule beyond the schema, such as a week that the calendar lacks.
        return None


def _values(schema: dict[str, Any], defs: dict[str, Any]) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0911 - a case a keyword
    if "$ref" in schema:
        return _values(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return st.one_of([_values(choice, defs) for choice in schema[keyword]])
    match schema["type"]:
        case "object":
            return _objects(schema, defs)
        case "array":
            most = min(schema.get("maxItems", _MOST_ENTRIES), _MOST_ENTRIES)
            entries = _values(schema["items"], defs)
            return st.lists(entries, min_size=schema.get("minItems", 0), max_size=most)
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "string" if schema.get("format") == "date":
            return st.dates().map(str)
        case "string":
            return _texts(schema)
    raise NotImplementedError(schema)


def _objects(schema: dict[str, Any], defs: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    fields = {name: _values(field, defs) for name, field in schema.get("properties", {}).items()}
    needed = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: values for name, values in fields.items() if name in needed},
        optional={name: values for name, values in fields.items() if name not in needed},
    )


def _texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if "pattern" not in schema:
        return st.text(min_size=least, max_size=most)
    texts = st.from_regex(schema["pattern"], fullmatch=True)
    return texts.filter(lambda text: least <= len(text) and (most is None or len(text) <= most))

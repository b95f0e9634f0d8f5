"""Whether a JSON Schema contains another one: every value of the inner schema must fit the outer schema.

For input (a request) the inner schema is the old one, and the outer is the new one. For output (an answer, an event) it
is the other way round. Each difference breaks a client.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
Schema = Mapping[str, Any]

_LOWER_LIMITS = (
    "minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains",
)  # fmt: skip
_UPPER_LIMITS = (
    "maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains",
)  # fmt: skip
_EXACT = ("pattern", "format", "multipleOf", "uniqueItems", "contentMediaType", "contentEncoding")


@dataclass(frozen=True, order=True)
class Break:
    """One thing that no longer works for a client; `where` names the operation and the place in it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Containment:
    """Compares schemas of two documents, which resolve their references; `is_output` chooses the direction."""

    def __init__(self, inner_document: Document, outer_document: Document, *, is_output: bool) -> None:
        self._inner_document = inner_document
        self._outer_document = outer_document
        self._is_output = is_output
        self._under_way: set[tuple[str, str]] = set()

    def breaks(self, place: str, *, inner: Schema, outer: Schema) -> Iterator[Break]:
        """The differences that keep `inner` from fitting into `outer`; their places begin with `place`."""
        names = (inner.get("$ref", ""), outer.get("$ref", ""))
        if all(names):
            if names in self._under_way:  # A schema that contains itself is being compared already.
                return
            self._under_way.add(names)
        inner_options = _options(inner, self._inner_document)
        outer_options = _options(outer, self._outer_document)
        for option in inner_options:
            yield from self._best_match(place, option, outer_options)
        self._under_way.discard(names)

    def _best_match(self, place: str, inner: Schema, options: list[Schema]) -> Iterator[Break]:
        """The differences to the option of the outer schema that has the fewest."""
        found = [list(self._differences(place, inner, outer)) for outer in options]
        yield from min(found, key=len)

    def _differences(self, place: str, inner: Schema, outer: Schema) -> Iterator[Break]:
        wrong_type = self._type(place, inner, outer)
        if wrong_type:
            yield wrong_type
            return
        yield from self._values(place, inner, outer)
        yield from self._limits(place, inner, outer)
        yield from self._properties(place, inner, outer)
        if "items" in outer:
            yield from self.breaks(f"{place}/*", inner=inner.get("items", {}), outer=outer["items"])

    def _type(self, place: str, inner: Schema, outer: Schema) -> Break | None:
        allowed, possible = outer.get("type"), inner.get("type")
        if allowed in (None, possible) or (possible, allowed) == ("integer", "number"):
            return None
        return self._differs(place, "type", possible, allowed)

    def _values(self, place: str, inner: Schema, outer: Schema) -> Iterator[Break]:
        allowed, possible = _enumerated(outer), _enumerated(inner)
        if allowed is None:
            return
        if possible is None:
            yield self._differs(place, "enum", "anything", ", ".join(map(str, allowed)))
        elif more := [value for value in possible if value not in allowed]:
            listed = ", ".join(map(str, more))
            yield Break(place, f"can be {listed} now" if self._is_output else f"can no longer be {listed}")

    def _limits(self, place: str, inner: Schema, outer: Schema) -> Iterator[Break]:
        for keyword in (*_LOWER_LIMITS, *_UPPER_LIMITS, *_EXACT):
            if keyword not in outer:
                continue
            possible, allowed = inner.get(keyword), outer[keyword]
            if possible is None or not _within(keyword, possible, allowed):
                yield self._differs(place, keyword, possible, allowed)

    def _properties(self, place: str, inner: Schema, outer: Schema) -> Iterator[Break]:
        had, has = inner.get("properties", {}), outer.get("properties", {})
        for name in outer.get("required", []):
            if name not in inner.get("required", []):
                said = (
                    "may be missing, and was always there" if self._is_output else "is required, and was not"
                )
                yield Break(f"{place}/{name}", said)
        for name, part in had.items():
            if name in has:
                yield from self.breaks(f"{place}/{name}", inner=part, outer=has[name])
            elif not self._is_output and outer.get("additionalProperties") is False:
                yield Break(f"{place}/{name}", "is no longer accepted")
        if self._is_output:
            for name in has.keys() - had.keys():
                yield Break(f"{place}/{name}", "is gone")
        yield from self._additional(place, inner, outer)

    def _additional(self, place: str, inner: Schema, outer: Schema) -> Iterator[Break]:
        """The differences in properties that the schemas do not name: a map's values, or a ban on any others."""
        possible, allowed = (schema.get("additionalProperties", True) for schema in (inner, outer))
        if isinstance(allowed, Mapping) and possible is not False:
            given = possible if isinstance(possible, Mapping) else {}
            yield from self.breaks(f"{place}/*", inner=given, outer=allowed)
        elif allowed is False and possible is not False and not self._is_output:
            yield Break(place, "properties that it does not name are no longer accepted")

    def _differs(self, place: str, keyword: str, inner: Any, outer: Any) -> Break:
        now, was = (inner, outer) if self._is_output else (outer, inner)
        return Break(place, f"{keyword} is {_said(now)}, was {_said(was)}")


def _within(keyword: str, possible: Any, allowed: Any) -> bool:
    if keyword in _LOWER_LIMITS:
        return bool(possible >= allowed)
    if keyword in _UPPER_LIMITS:
        return bool(possible <= allowed)
    return bool(possible == allowed)


def _options(schema: Schema, document: Document) -> list[Schema]:
    """The alternatives of a schema, with references resolved: of its `anyOf`, or one for each of its types."""
    whole = resolved(schema, document)
    for keyword in ("anyOf", "oneOf"):
        if keyword in whole:
            common = {key: value for key, value in whole.items() if key != keyword}
            choices = [resolved(choice, document) for choice in whole[keyword]]
            possible = [_both(common, choice) for choice in choices if not _exclude(common, choice)]
            return [option for choice in possible for option in _options(choice, document)]
    types = whole.get("type")
    if isinstance(types, list):
        return [{**whole, "type": one} for one in types]
    return [whole]


def _exclude(common: Schema, choice: Schema) -> bool:
    """Whether no value fits both, because they demand different types."""
    types = {schema["type"] for schema in (common, choice) if isinstance(schema.get("type"), str)}
    return len(types) == 2 and types != {"integer", "number"}


def _both(common: Schema, choice: Schema) -> Schema:
    """One schema for values that fit both; if both have a keyword, `choice` is the narrower one."""
    merged = {**common, **choice}
    names = [*common.get("properties", {}), *choice.get("properties", {})]
    if names:
        had, has = common.get("properties", {}), choice.get("properties", {})
        merged["properties"] = {name: {**had.get(name, {}), **has.get(name, {})} for name in names}
    if "required" in common or "required" in choice:
        merged["required"] = [*common.get("required", []), *choice.get("required", [])]
    return merged


def resolved(node: Schema, document: Document) -> Schema:
    """`node` with its reference replaced by the target; keywords beside the reference hold as well."""
    while "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _enumerated(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values: list[Any] | None = schema.get("enum")
    return values


def _said(value: Any) -> str:
    return "not given" if value is None else str(value)

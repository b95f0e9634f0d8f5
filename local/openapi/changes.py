"""What a new version of the OpenAPI document breaks for clients that were written against an old one.

Requests and answers are looked at from opposite sides. A request that was right must stay right: what the API accepts
may grow and not shrink. An answer must stay what was described: it may say more exactly what it is, and it may have
properties that are new, but nothing that a client reads may go, and nothing may come that it was told would not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.openapi.document import operations_of
from shared.access import Access

Document = Mapping[str, Any]
Schema = Mapping[str, Any]

_LOWER_LIMITS = (
    "minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains",
)  # fmt: skip
_UPPER_LIMITS = (
    "maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains",
)  # fmt: skip
_EXACT = ("pattern", "format", "multipleOf", "uniqueItems", "contentMediaType", "contentEncoding")

# Who is let through by each, beside those whom it names itself.
_LETS_THROUGH = {
    Access.ANYONE: frozenset(Access),
    Access.SIGNED_IN: frozenset({Access.CUSTOMER, Access.OWNER, Access.ADMIN}),
}


@dataclass(frozen=True, order=True)
class Break:
    """One thing that no longer works for a client; `where` is the operation and the place in it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def breaking_changes(old: Document, new: Document) -> list[Break]:
    """What clients of `old` can no longer rely on in `new`, in the order of the document."""
    return list(dict.fromkeys(_breaks(old, new)))


def _breaks(old: Document, new: Document) -> Iterator[Break]:
    still_there = {(method, path): operation for method, path, operation in operations_of(new)}
    for method, path, before in operations_of(old):
        where = f"{method.upper()} {path}"
        after = still_there.get((method, path))
        if after is None:
            yield Break(where, "is gone")
        else:
            yield from _Operation(where, old, new).breaks(before, after)


@dataclass(frozen=True)
class _Operation:
    where: str
    old: Document
    new: Document

    def breaks(self, before: Schema, after: Schema) -> Iterator[Break]:
        if before["operationId"] != after["operationId"]:
            yield Break(self.where, f"operationId is {after['operationId']}, was {before['operationId']}")
        yield from self._access(before, after)
        yield from self._parameters(before, after)
        yield from self._body(before, after)
        yield from self._responses(before, after)

    def _access(self, before: Schema, after: Schema) -> Iterator[Break]:
        was, now = (Access(operation["x-access"]) for operation in (before, after))
        if was is not now and was not in _LETS_THROUGH.get(now, frozenset()):
            yield Break(self.where, f"x-access is {now}, was {was}")

    def _parameters(self, before: Schema, after: Schema) -> Iterator[Break]:
        was, now = (
            {(parameter["in"], parameter["name"]): parameter for parameter in operation.get("parameters", [])}
            for operation in (before, after)
        )
        for key, parameter in now.items():
            if parameter.get("required") and not was.get(key, {}).get("required"):
                yield Break(self.where, f"the {key[0]} parameter {key[1]} is required, and was not")
        for key, parameter in was.items():
            place = f"{self.where} {key[0]} {key[1]}"
            if key in now:
                yield from self._sent(place, parameter["schema"], now[key]["schema"])
            else:
                yield Break(place, "is gone")

    def _body(self, before: Schema, after: Schema) -> Iterator[Break]:
        was, now = before.get("requestBody", {}), after.get("requestBody", {})
        place = f"{self.where} body"
        if now.get("required") and not was.get("required"):
            yield Break(place, "is required, and was not")
        for media_type, content in was.get("content", {}).items():
            accepted = now.get("content", {}).get(media_type)
            if accepted is None:
                yield Break(place, f"{media_type} is no longer accepted")
            else:
                yield from self._sent(place, content["schema"], accepted["schema"])

    def _responses(self, before: Schema, after: Schema) -> Iterator[Break]:
        for status, response in before["responses"].items():
            place = f"{self.where} {status}"
            if status in after["responses"]:
                was = _resolved(response, self.old)
                yield from self._response(place, was, _resolved(after["responses"][status], self.new))
            else:
                yield Break(place, "is gone")

    def _response(self, place: str, was: Schema, now: Schema) -> Iterator[Break]:
        for header in was.get("headers", {}).keys() - now.get("headers", {}).keys():
            yield Break(place, f"the header {header} is gone")
        for media_type, content in was.get("content", {}).items():
            answered = now.get("content", {}).get(media_type)
            if answered is None:
                yield Break(place, f"is no longer {media_type}")
            else:
                yield from self._answered(place, content["schema"], answered["schema"])

    def _sent(self, place: str, was: Schema, now: Schema) -> Iterator[Break]:
        """What was right to send and is not any more."""
        yield from _Containment(self.old, self.new, answers=False).breaks(place, inner=was, outer=now)

    def _answered(self, place: str, was: Schema, now: Schema) -> Iterator[Break]:
        """What can be answered now and was not to be expected."""
        yield from _Containment(self.new, self.old, answers=True).breaks(place, inner=now, outer=was)


class _Containment:
    """Whether all that an inner schema describes is described by an outer one too.

    For requests the inner is the old and the outer the new; for answers the other way round.
    """

    def __init__(self, inner_document: Document, outer_document: Document, *, answers: bool) -> None:
        self._inner_document = inner_document
        self._outer_document = outer_document
        self._answers = answers
        self._under_way: set[tuple[str, str]] = set()

    def breaks(self, place: str, *, inner: Schema, outer: Schema) -> Iterator[Break]:
        """Where `inner` describes what `outer` does not; `place` is put in front."""
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
        """The differences to that option of the outer schema to which there are the fewest."""
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
            yield Break(place, f"can be {listed} now" if self._answers else f"can no longer be {listed}")

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
                said = "may be missing, and was always there" if self._answers else "is required, and was not"
                yield Break(f"{place}/{name}", said)
        for name, part in had.items():
            if name in has:
                yield from self.breaks(f"{place}/{name}", inner=part, outer=has[name])
            elif not self._answers and outer.get("additionalProperties") is False:
                yield Break(f"{place}/{name}", "is no longer accepted")
        if self._answers:
            for name in has.keys() - had.keys():
                yield Break(f"{place}/{name}", "is gone")
        yield from self._additional(place, inner, outer)

    def _additional(self, place: str, inner: Schema, outer: Schema) -> Iterator[Break]:
        """What holds of properties that the schemas do not name: of a map's values, or that there are none."""
        possible, allowed = (schema.get("additionalProperties", True) for schema in (inner, outer))
        if isinstance(allowed, Mapping) and possible is not False:
            given = possible if isinstance(possible, Mapping) else {}
            yield from self.breaks(f"{place}/*", inner=given, outer=allowed)
        elif allowed is False and possible is not False and not self._answers:
            yield Break(place, "properties that it does not name are no longer accepted")

    def _differs(self, place: str, keyword: str, inner: Any, outer: Any) -> Break:
        now, was = (inner, outer) if self._answers else (outer, inner)
        return Break(place, f"{keyword} is {_said(now)}, was {_said(was)}")


def _within(keyword: str, possible: Any, allowed: Any) -> bool:
    if keyword in _LOWER_LIMITS:
        return bool(possible >= allowed)
    if keyword in _UPPER_LIMITS:
        return bool(possible <= allowed)
    return bool(possible == allowed)


def _options(schema: Schema, document: Document) -> list[Schema]:
    """The schemas one of which a value fits, references resolved: those of `anyOf`, or one for each of its types."""
    resolved = _resolved(schema, document)
    for keyword in ("anyOf", "oneOf"):
        if keyword in resolved:
            common = {key: value for key, value in resolved.items() if key != keyword}
            choices = [_both(common, _resolved(choice, document)) for choice in resolved[keyword]]
            return [option for choice in choices for option in _options(choice, document)]
    types = resolved.get("type")
    if isinstance(types, list):
        return [{**resolved, "type": one} for one in types]
    return [resolved]


def _both(common: Schema, choice: Schema) -> Schema:
    """One schema for what fits both; where both say the same thing, `choice` says it more exactly."""
    merged = {**common, **choice}
    names = [*common.get("properties", {}), *choice.get("properties", {})]
    if names:
        had, has = common.get("properties", {}), choice.get("properties", {})
        merged["properties"] = {name: {**had.get(name, {}), **has.get(name, {})} for name in names}
    if "required" in common or "required" in choice:
        merged["required"] = [*common.get("required", []), *choice.get("required", [])]
    return merged


def _resolved(node: Schema, document: Document) -> Schema:
    """`node` with what it refers to in the place of the reference; keywords beside the reference hold as well."""
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

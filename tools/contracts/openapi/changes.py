"""The breaking changes between two versions of the OpenAPI document, for clients of the old one.

Requests and answers follow opposite rules. A valid request must stay valid: the API may accept more, and never less. An
answer must keep to its old description: it may become narrower, and it may get new properties. But a property may not
disappear, and a value may not appear that the old description ruled out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.access import Access
from tools.contracts.containment import Break, Containment, Document, Schema, resolved
from tools.contracts.openapi.document import operations_of

# The other callers that each one admits.
_LETS_THROUGH = {
    Access.ANYONE: frozenset(Access),
    Access.SIGNED_IN: frozenset({Access.CUSTOMER, Access.OWNER, Access.ADMIN}),
}


def breaking_changes(old: Document, new: Document) -> list[Break]:
    """What `new` breaks for clients of `old`, in the order of the document."""
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
                was = resolved(response, self.old)
                yield from self._response(place, was, resolved(after["responses"][status], self.new))
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
        """The requests that were valid and are not any more."""
        yield from Containment(self.old, self.new, is_output=False).breaks(place, inner=was, outer=now)

    def _answered(self, place: str, was: Schema, now: Schema) -> Iterator[Break]:
        """The answers that are possible now and contradict the old description."""
        yield from Containment(self.new, self.old, is_output=True).breaks(place, inner=now, outer=was)

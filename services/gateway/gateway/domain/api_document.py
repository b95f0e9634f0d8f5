"""The OpenAPI document, and the methods that it lists for a path."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

_METHODS = frozenset({"delete", "get", "head", "options", "patch", "post", "put"})


class ApiDocument:
    """The API's description."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def served_from(self, base_url: str | None) -> dict[str, Any]:
        """The document with `base_url` as its one server. Without a URL the server stays relative to the document."""
        return {**self._document, **({"servers": [{"url": base_url}]} if base_url else {})}

    def methods_of(self, path: str) -> frozenset[str]:
        """The methods, in capitals, of the resource at `path`; none if there is no such resource.

        As in API Gateway, the most specific resource wins: `/users/me` is not `/users/{user_id}`.
        """
        segments = _segments(path)
        for template in self._templates_by_specificity:
            if _matches(template, segments):
                described = self._document["paths"]["/" + "/".join(template)]
                return frozenset(method.upper() for method in _METHODS & described.keys())
        return frozenset()

    @cached_property
    def _templates_by_specificity(self) -> list[tuple[str, ...]]:
        """The segments of every path. Literal segments come before parameters."""
        templates = [tuple(_segments(path)) for path in self._document["paths"]]
        return sorted(templates, key=lambda template: [_is_parameter(segment) for segment in template])


def _matches(template: tuple[str, ...], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        _is_parameter(expected) or expected == given
        for expected, given in zip(template, segments, strict=True)
    )


def _is_parameter(segment: str) -> bool:
    return segment.startswith("{")


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]

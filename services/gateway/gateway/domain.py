"""The API's reference: the committed OpenAPI document, and what it says about any path. No AWS, no HTTP."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_DOCUMENT = Path(__file__).parents[1] / "openapi.json"
_METHODS = frozenset({"delete", "get", "head", "options", "patch", "post", "put"})


@cache
def document() -> Mapping[str, Any]:
    """The OpenAPI document, read and parsed once, when it is first asked for."""
    parsed: dict[str, Any] = json.loads(_DOCUMENT.read_bytes())
    return parsed


def served_from(base_url: str | None) -> dict[str, Any]:
    """The document with `base_url` as its one server; without one it stays relative to where it was read from."""
    own = document()
    return {**own, "servers": [{"url": base_url}]} if base_url else dict(own)


def methods_of(path: str) -> frozenset[str]:
    """The methods, in capitals, of the resource that `path` names; none where there is no such resource.

    As API Gateway does, it looks for the most specific resource: `/users/me` is not `/users/{user_id}`.
    """
    segments = _segments(path)
    for template in _by_specificity():
        if _matches(template, segments):
            described = document()["paths"]["/" + "/".join(template)]
            return frozenset(method.upper() for method in _METHODS & described.keys())
    return frozenset()


@cache
def _by_specificity() -> tuple[tuple[str, ...], ...]:
    """Every path of the document in segments, those with literal segments in front of those with parameters."""
    templates = [tuple(_segments(path)) for path in document()["paths"]]
    return tuple(sorted(templates, key=lambda template: [_is_parameter(segment) for segment in template]))


def _matches(template: tuple[str, ...], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        _is_parameter(wanted) or wanted == given for wanted, given in zip(template, segments, strict=True)
    )


def _is_parameter(segment: str) -> bool:
    return segment.startswith("{")


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]

"""A resource's version as its entity tag: conditional changes and reads (RFC 9110, sections 8.8.3 and 13.1)."""

import re
from collections.abc import Mapping

from shared.errors import PreconditionFailed, PreconditionRequired

# Versions count from 1. More digits than these no version ever has.
_VERSION_TAG = re.compile(r'"(?P<version>[1-9][0-9]{0,15})"')


class NotModified(Exception):
    """The client has the latest version; the answer is a 304 with `headers`."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__(f"version {headers['ETag']}")
        self.headers = dict(headers)


def etag_of(version: int) -> str:
    """The strong entity tag of a version, as the header `ETag` holds it."""
    return f'"{version}"'


def expected_version(if_match: str | None) -> int:
    """The version that the header `If-Match` asks for.

    Raises PreconditionRequired without the header. Raises PreconditionFailed for a weak tag, a list, or `*`: none of
    them names the version that a change is based on.
    """
    if if_match is None:
        raise PreconditionRequired(
            "Send the `ETag` that you read as `If-Match`, so that no change gets lost."
        )
    found = _VERSION_TAG.fullmatch(if_match.strip())
    if found is None:
        raise PreconditionFailed("`If-Match` is not an `ETag` that this resource has had.")
    return int(found["version"])


def expected_version_if_any(if_match: str | None) -> int | None:
    """As `expected_version`, for a change that may come without the header; None if it does."""
    return None if if_match is None else expected_version(if_match)


def require_change(if_none_match: str | None, version: int, headers: Mapping[str, str] | None = None) -> None:
    """Raises NotModified if the header `If-None-Match` names the version; `headers` are the 304's own.

    The comparison is weak, with a list or with `*` (RFC 9110, section 13.1.2).
    """
    if if_none_match is None:
        return
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    if not known.isdisjoint({"*", etag_of(version)}):
        raise NotModified({"ETag": etag_of(version), **(headers or {})})

"""Optimistic locking over HTTP: a resource's version as its entity tag (RFC 9110, sections 8.8.3 and 13.1.1)."""

import re

from shared.errors import PreconditionFailed, PreconditionRequired

# Versions count from 1. More digits than these no version ever has.
_VERSION_TAG = re.compile(r'"(?P<version>[1-9][0-9]{0,15})"')


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

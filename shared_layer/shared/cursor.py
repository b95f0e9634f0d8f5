"""Opaque cursors: the position where the next page starts, in a form that a client only sends back."""

import base64
import binascii
import json

from shared.errors import BadRequest, FieldError


class InvalidCursor(BadRequest):
    """The cursor did not come from an earlier page of the same list."""

    code = "invalid-cursor"

    def __init__(self) -> None:
        super().__init__(
            "This list did not issue the cursor.",
            [FieldError("/query/cursor", "take it unchanged from the `next` of an earlier page")],
        )


def encode_cursor(position: dict[str, str]) -> str:
    """`position` as a URL-safe string."""
    return base64.urlsafe_b64encode(json.dumps(position, sort_keys=True).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, fields: set[str]) -> dict[str, str]:
    """The position in `cursor`, which must have exactly `fields`, all strings; raises InvalidCursor."""
    try:
        position = json.loads(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor from error
    if not isinstance(position, dict) or set(position) != fields:
        raise InvalidCursor
    # A lone surrogate passes as JSON, but no database takes it.
    if not all(isinstance(value, str) and value and _is_unicode(value) for value in position.values()):
        raise InvalidCursor
    return position


def _is_unicode(value: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in value)

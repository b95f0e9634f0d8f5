"""What a route reads as its body: JSON in UTF-8 (RFC 8259, section 8.1), up to a size."""

import base64
import codecs
from email.message import Message

from aws_lambda_powertools.utilities.data_classes.common import BaseProxyEvent

from shared.errors import MalformedJson, PayloadTooLarge, UnsupportedMediaType

MAX_BODY_BYTES = 64 * 1024

# API Gateway puts it in the place of bytes that are no UTF-8, and does not say so.
_REPLACEMENT_CHARACTER = "\N{REPLACEMENT CHARACTER}"


def require_readable(event: BaseProxyEvent) -> None:
    """Raises PayloadTooLarge, UnsupportedMediaType or MalformedJson for a body that no route reads."""
    body = event.body or ""
    encoded = body.encode("utf-8", "surrogatepass")
    payload = base64.b64decode(encoded) if event.is_base64_encoded else encoded
    if len(payload) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"A body has {MAX_BODY_BYTES // 1024} KiB at most.")
    if not payload:
        return
    _require_json(event.headers.get("Content-Type", "application/json"))
    # A client can send the character itself as the escape `\ufffd`.
    if not _is_utf_8(payload) or (not event.is_base64_encoded and _REPLACEMENT_CHARACTER in body):
        raise MalformedJson("The body is not UTF-8, as JSON is.")


def _require_json(content_type: str) -> None:
    """Raises UnsupportedMediaType unless it is JSON in UTF-8; media types and charsets know no case (RFC 9110, 8.3)."""
    header = Message()
    header["Content-Type"] = content_type
    charset = header.get_param("charset", "utf-8")
    if header.get_content_type() != "application/json" or not _means_utf_8(charset):
        raise UnsupportedMediaType("Send the body as application/json in UTF-8.")


def _means_utf_8(charset: object) -> bool:
    """Whether it names UTF-8. A mail may encode the name, which is then no text; HTTP has no such form."""
    try:
        return isinstance(charset, str) and charset.isascii() and codecs.lookup(charset).name == "utf-8"
    except (LookupError, ValueError):
        return False


def _is_utf_8(payload: bytes) -> bool:
    try:
        payload.decode("utf-8", "strict")
    except UnicodeDecodeError:
        return False
    return True

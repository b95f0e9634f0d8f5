"""The loopback stands for AWS's HTTPS endpoints, so policies see `aws:SecureTransport` as true.

MiniStack says false, because it serves plain HTTP. It would then refuse what a policy allows over TLS alone.
"""

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack import app  # type: ignore[import-not-found]

from . import settings


def install() -> None:
    """Has each request count as one over TLS, unless the setting `plain_http` is on."""
    pin = app.pin_request_origin

    def pin_request_origin(source_ip: str, secure_transport: bool) -> None:
        pin(source_ip, secure_transport or not settings.is_on("plain_http"))

    app.pin_request_origin = pin_request_origin

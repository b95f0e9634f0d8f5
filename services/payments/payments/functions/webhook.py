"""Where the payment provider tells what happened to payments: POST /payments/webhook.

The provider is the only client, so the route is not in the customers' API reference. It is open to anyone, and believes
nobody without the provider's signature on the very bytes that came.
"""

import base64
import time
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header
from pydantic import BaseModel, Field, ValidationError

from payments.dependencies import observer, signing_secrets
from payments.domain.observation import Observation, ProviderEvent
from payments.domain.observer import Noted
from payments.domain.signature import InvalidSignature, verify
from shared.access import Access
from shared.api import MAX_BODY_BYTES, api_handler, api_resolver, contract
from shared.errors import PayloadTooLarge, Unprocessable
from shared.observability import count, logger

app = api_resolver()

_METRICS = {
    Noted.FITS: "ProviderEventsNoted",
    Noted.DIFFERS: "ProviderDiffers",
    Noted.LATECOMER: "ProviderEventsLate",
    Noted.REPEATED: "ProviderEventsRepeated",
}

Signature = Annotated[
    str,
    Header(
        alias="Stripe-Signature",
        max_length=4096,
        description="`t=<Unix seconds>,v1=<HMAC-SHA256 of t.body>`; one v1 for each valid secret",
        examples=["t=1772443800,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd"],
    ),
]


class Received(BaseModel):
    """The event was heard; the provider need not send it again."""

    received: bool = Field(description="Always true", examples=[True])


class UnreadableEvent(Unprocessable):
    """The event is signed, and cannot be read."""

    code = "unreadable-event"


@app.post(
    "/payments/webhook",
    **contract(
        Access.ANYONE,
        tag="payments",
        raises=(InvalidSignature, UnreadableEvent),
        answers="Heard, or of no interest",
    ),
)
def receive_provider_event(signature: Signature = "") -> Received:
    """Hears an event from the payment provider."""
    payload = _payload()
    try:
        verify(payload, signature, signing_secrets(), int(time.time()))
    except InvalidSignature:
        count("WebhookSignaturesRefused")
        raise
    try:
        event = ProviderEvent.model_validate_json(payload)
        seen = Observation.in_event(event)
    except ValidationError as error:
        logger.error("provider event cannot be read", problems=[entry["loc"] for entry in error.errors()])
        raise UnreadableEvent("The event does not look like one of the provider's.") from error
    if seen is None:
        count("ProviderEventsIgnored")
        logger.info("provider event ignored", event_id=event.id, event_type=event.type)
        return Received(received=True)
    noted = observer().note(event, seen, int(time.time()))
    count(_METRICS[noted])
    log = logger.warning if noted is Noted.DIFFERS else logger.info
    log(
        "provider event noted",
        event_id=event.id,
        event_type=event.type,
        order_id=seen.order_id,
        provider_reference=seen.reference,
        provider_status=seen.provider_status.value,
        noted=noted.value,
    )
    return Received(received=True)


def _payload() -> bytes:
    """The body as it was sent, byte for byte: what the signature is over. Raises PayloadTooLarge."""
    event = app.current_event
    body = (event.body or "").encode("utf-8", "surrogatepass")
    payload = base64.b64decode(body) if event.is_base64_encoded else body
    if len(payload) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"A body has {MAX_BODY_BYTES // 1024} KiB at most.")
    return payload


handler = api_handler(app)

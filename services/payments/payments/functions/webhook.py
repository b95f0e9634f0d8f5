"""Receives the payment provider's events: POST /payments/webhook.

The provider is the only client, so the route is not in the customers' API reference. The route takes no token; it
accepts a request only if the provider's signature fits the bytes of the body.
"""

import base64
import time
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Header
from pydantic import BaseModel, Field, ValidationError

from payments.dependencies import provider_event_recorder, signing_secrets
from payments.domain.observation import Observation
from payments.domain.provider_event import ProviderEvent
from payments.domain.provider_event_recorder import Recorded
from payments.domain.provider_report import ProviderReport
from payments.domain.signature import InvalidSignature, verify
from shared.access import Access
from shared.api import api_handler, api_resolver, contract
from shared.bodies import MAX_BODY_BYTES
from shared.errors import PayloadTooLarge, Unprocessable
from shared.observability import count, logger
from shared.validation import reason_of

app = api_resolver()

_METRICS = {
    Recorded.FITS: "ProviderEventsRecorded",
    Recorded.DIFFERS: "ProviderDiffers",
    Recorded.LATE: "ProviderEventsLate",
    Recorded.REPEATED: "ProviderEventsRepeated",
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
    """The service has received the event; the provider need not send it again."""

    received: bool = Field(description="Always true", examples=[True])


class UnreadableEvent(Unprocessable):
    """The event is signed by the provider, but cannot be read."""

    code = "unreadable-event"


@app.post(
    "/payments/webhook",
    **contract(
        Access.ANYONE,
        tag="payments",
        raises=(InvalidSignature, UnreadableEvent),
        answers="Received, and recorded or ignored",
    ),
)
def receive_provider_event(signature: Signature = "") -> Received:
    """Receives an event from the payment provider."""
    payload = _payload()
    _verify(payload, signature)
    try:
        event = ProviderEvent.model_validate_json(payload)
        observation, report = Observation.in_event(event), ProviderReport.in_event(event)
    except ValidationError as error:
        logger.error("provider event cannot be read", reason=reason_of(error))
        raise UnreadableEvent("The body is not an event in the provider's format.") from error
    if observation is not None:
        outcome = provider_event_recorder().record(event, observation, int(time.time()))
        _tell(event, outcome, observation.reference, observation.order_id, observation.provider_status.value)
    elif report is not None:
        outcome = provider_event_recorder().report(report)
        _tell(event, outcome, report.reference, report.order_id, report.report.status)
    else:
        count("ProviderEventsIgnored")
        logger.info("provider event ignored", event_id=event.id, event_type=event.type)
    return Received(received=True)


def _verify(payload: bytes, signature: str) -> None:
    """Accepts what the provider signed, also with a secret that was rotated a moment ago; raises InvalidSignature."""
    now = int(time.time())
    try:
        verify(payload, signature, signing_secrets(), now)
    except InvalidSignature:
        try:
            verify(payload, signature, signing_secrets(renewed=True), now)
        except InvalidSignature:
            count("WebhookSignaturesRefused")
            raise


def _tell(event: ProviderEvent, outcome: Recorded, reference: str, order_id: str | None, status: str) -> None:
    """Counts and logs the outcome; an alarm rings for `ProviderDiffers`."""
    count(_METRICS[outcome])
    log = logger.warning if outcome is Recorded.DIFFERS else logger.info
    log(
        "provider event recorded",
        event_id=event.id,
        event_type=event.type,
        order_id=order_id,
        provider_reference=reference,
        provider_status=status,
        outcome=outcome.value,
    )


def _payload() -> bytes:
    """The body byte for byte, as the provider signed it; raises PayloadTooLarge."""
    event = app.current_event
    body = (event.body or "").encode("utf-8", "surrogatepass")
    payload = base64.b64decode(body) if event.is_base64_encoded else body
    if len(payload) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"The body must not exceed {MAX_BODY_BYTES // 1024} KiB.")
    return payload


handler = api_handler(app, calls=["dynamodb"])

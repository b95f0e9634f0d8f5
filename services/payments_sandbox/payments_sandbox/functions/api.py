"""The sandbox provider's HTTP interface: Stripe's payment intents and refunds, as far as the shop uses them.

POST /v1/payment_intents · GET /v1/payment_intents/search · GET /v1/payment_intents/{id} · POST …/{id}/confirm,
…/capture, …/cancel · POST /v1/refunds. Requests are form-encoded; answers and errors are Stripe-shaped JSON.
"""

import json
import re
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.utilities.typing import LambdaContext

from payments_sandbox.dependencies import environment, idempotent_requests, intent_store, is_api_key
from payments_sandbox.domain.errors import ApiError
from payments_sandbox.domain.intent import Answer
from shared.observability import entry_point, logger

# Stripe's search language (https://docs.stripe.com/search), as far as the sandbox speaks it.
_BY_ORDER = re.compile(r"""metadata\[(['"])order_id\1\]\s*:\s*(['"])(?P<order_id>[^'"]+)\2""")

app = APIGatewayRestResolver()


def _only_with_key(app: APIGatewayRestResolver, next_middleware: NextMiddleware) -> Response[str]:
    """Refuses a request without the secret key as its bearer token."""
    scheme, _, key = _header("Authorization").partition(" ")
    if scheme.lower() != "bearer" or not is_api_key(key):
        raise ApiError(HTTPStatus.UNAUTHORIZED, "invalid_request_error", "Invalid API Key provided.")
    response: Response[str] = next_middleware(app)
    return response


app.use(middlewares=[_only_with_key])


@app.post("/v1/payment_intents")
def open_intent() -> Response[str]:
    """Opens an intent: amount, currency, payment_method, capture_method=manual, metadata[…]."""
    return _answered(idempotent_requests().open(_form(), _idempotency_key()))


@app.get("/v1/payment_intents/search")
def search_intents() -> Response[str]:
    """The intents of an order: ?query=metadata['order_id']:'…'."""
    match = _BY_ORDER.fullmatch((app.current_event.get_query_string_value("query") or "").strip())
    if match is None:
        raise ApiError.invalid("The sandbox searches by metadata['order_id']:'…' only.", param="query")
    found = [intent.as_json() for intent in intent_store().of_order(match["order_id"])]
    body = {"object": "search_result", "url": "/v1/payment_intents/search", "has_more": False, "data": found}
    return _json(HTTPStatus.OK, body)


@app.get("/v1/payment_intents/<intent_id>")
def read_intent(intent_id: str) -> Response[str]:
    """One intent; ?expand[]=latest_charge shows its charge in full, latest_charge.refunds its refunds as well."""
    intent = idempotent_requests().read(intent_id)
    expanded = (app.current_event.query_string_parameters or {}).get("expand[]")
    body = intent.as_json(
        with_charge=expanded == "latest_charge", with_refunds=expanded == "latest_charge.refunds"
    )
    return _answered(Answer(HTTPStatus.OK, body, late=intent.answers_late))


@app.post("/v1/payment_intents/<intent_id>/confirm")
def confirm_intent(intent_id: str) -> Response[str]:
    """Holds the intent's money, or has the effect of its test payment method."""
    return _answered(idempotent_requests().confirm(intent_id, _form(), _idempotency_key()))


@app.post("/v1/payment_intents/<intent_id>/cancel")
def cancel_intent(intent_id: str) -> Response[str]:
    """Releases the held money and closes the intent permanently."""
    return _answered(idempotent_requests().cancel(intent_id, _form(), _idempotency_key()))


@app.post("/v1/payment_intents/<intent_id>/capture")
def capture_intent(intent_id: str) -> Response[str]:
    """Takes the money that the intent holds."""
    return _answered(idempotent_requests().capture(intent_id, _form(), _idempotency_key()))


@app.post("/v1/refunds")
def refund_intent() -> Response[str]:
    """Gives captured money back: payment_intent, amount (by default the rest), metadata[…]."""
    return _answered(idempotent_requests().refund(_form(), _idempotency_key()))


@app.exception_handler(ApiError)
def _refused(error: ApiError) -> Response[str]:
    return _json(error.status, error.body)


@app.not_found
def _no_route(_: Exception) -> Response[str]:
    error = {
        "type": "invalid_request_error",
        "message": f"Unrecognized request URL ({app.current_event.path}).",
    }
    return _json(HTTPStatus.NOT_FOUND, {"error": error})


def _answered(answer: Answer) -> Response[str]:
    shown = answer.body.get("error", answer.body)
    # An error shows the whole intent; a refund has its id alone.
    within = shown.get("payment_intent")
    intent = within if isinstance(within, dict) else shown
    metadata = intent.get("metadata", {})
    logger.debug(
        "sandbox answers",
        status=int(answer.status),
        object_id=intent.get("id"),
        object_status=intent.get("status"),
        late=answer.late,
        order_id=metadata.get("order_id"),
        correlation_id=metadata.get("correlation_id"),
    )
    if answer.late:
        # The purpose of this payment method: the effect is there, and the caller no longer waits for the answer.
        time.sleep(environment().lost_answer_delay_seconds)
    return _json(answer.status, answer.body)


def _json(status: int, body: object) -> Response[str]:
    return Response(status_code=int(status), content_type="application/json", body=json.dumps(body))


def _form() -> dict[str, str]:
    return dict(parse_qsl(app.current_event.decoded_body or "", keep_blank_values=True))


def _idempotency_key() -> str | None:
    return _header("Idempotency-Key") or None


def _header(name: str) -> str:
    headers = {given.lower(): value for given, value in (app.current_event.headers or {}).items()}
    return headers.get(name.lower()) or ""


@entry_point
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers one request. The API imitates another company's: our access rules and problem details do not apply."""
    return app.resolve(event, context)

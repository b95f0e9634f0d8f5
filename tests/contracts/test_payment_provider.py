"""One client, two providers: the sandbox of the stack, and localstripe, a Stripe server that nobody here wrote.

Both are reached over HTTP on loopback, through a relay that can lose answers. Every test holds for both unless it says
what localstripe 1.15.10 does instead; there the client is left as Stripe documents its API:

- Optional parameters that localstripe does not know are refused by it: `error_on_requires_action` and
  `cancellation_reason` (https://docs.stripe.com/api/payment_intents/confirm, …/cancel). The relay takes them out.
- Idempotency keys are ignored (https://docs.stripe.com/api/idempotent_requests). A repeated command is another command.
- Every error has the type `invalid_request_error`, a declined card too (https://docs.stripe.com/api/errors:
  `card_error`), and an unknown payment method is a bare 404.
- Capturing an unconfirmed intent is a 500, and refunding more than was taken is accepted.
- A refund without an amount is one of the whole charge, also after a part of it (Stripe: of the rest).
"""

import importlib
import json
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import requests

from payments.adapters.payment_store import PaymentStore
from payments.adapters.provider import StripeProvider
from payments.adapters.transport import Timeouts, Transport
from payments.domain.intent import ProviderStatus
from payments.domain.payment import (
    AlreadyCaptured,
    AlreadyVoided,
    CardDeclined,
    PaymentRefused,
    PaymentStatus,
    ProviderUnavailable,
)
from payments.domain.payment_service import PaymentService
from shared.aws import client
from shared.clock import utc_now
from shared.dynamo import from_item
from shared.money import Money
from tests.component.payments.provider_server import (
    KEY,
    HttpAnswer,
    HttpRequest,
    payments_tables,
    sandbox_handler,
    serving,
    serving_sandbox,
)
from tests.component.rest_events import rest_event
from tests.component.saga_orders import saga_order, token_of

AMOUNT = Money(amount=2000, currency="EUR")
UNKNOWN_TO_LOCALSTRIPE = {"error_on_requires_action", "cancellation_reason"}
# Its own command listens on every address of the machine and keeps its records in /tmp; this one does neither.
LOCALSTRIPE = """
import socket
from aiohttp import web
from localstripe.resources import store
from localstripe.server import app
store.dump_to_disk = lambda: None
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
web.run_app(app, sock=listening, print=None, access_log=None)
"""
ORDER = saga_order()


@dataclass
class Side:
    """A provider under test. Answers to paths that end in one of `losing` are lost, after their effect."""

    name: str
    url: str
    losing: set[str] = field(default_factory=set)
    requests: list[HttpRequest] = field(default_factory=list)
    provider: StripeProvider = field(init=False)

    @property
    def is_localstripe(self) -> bool:
        return self.name == "localstripe"

    def provider_with(self, key: str) -> StripeProvider:
        """The client as `payments` uses it, but never waiting between its tries."""
        timeouts = Timeouts(connect=2.0, read=5.0, budget=20.0, lookup=8.0)
        return StripeProvider(Transport(self.url, lambda: key, timeouts=timeouts, sleep=lambda _: None))

    def opened(self, method: str = "pm_card_visa", key: str = "order-1:open") -> str:
        return self.provider.open(AMOUNT, method, {"order_id": "order-1"}, key)

    def held(self) -> str:
        reference = self.opened()
        self.provider.confirm(reference, "order-1:authorize")
        return reference

    def captured(self) -> str:
        reference = self.held()
        self.provider.capture(reference, "order-1:capture")
        return reference

    def refund_part(self, reference: str, amount: int, return_id: str, *, asked_before: bool = False) -> None:
        self.provider.refund_part(
            reference,
            Money(amount=amount, currency=AMOUNT.currency),
            {"order_id": "order-1", "return_id": return_id},
            f"{return_id}:refund",
            asked_before=asked_before,
        )

    def refunded(self, reference: str) -> int:
        return self.provider.retrieve(reference).amount_refunded

    def status(self, reference: str) -> str:
        return self.provider.retrieve(reference).status


@contextmanager
def relayed(name: str, target: str) -> Iterator[Side]:
    """A side whose requests go through the relay to `target`."""
    side = Side(name, "")

    def relay(request: HttpRequest) -> HttpAnswer | None:
        side.requests.append(request)
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        if side.is_localstripe:
            form = {name: text for name, text in form.items() if name not in UNKNOWN_TO_LOCALSTRIPE}
        kept = {"Authorization", "Idempotency-Key", "Stripe-Version", "Content-Type"}
        answer = requests.request(
            request.method,
            target + request.path,
            params=request.query,
            data=urlencode(form) or None,
            headers={name: text for name, text in request.headers.items() if name in kept},
            timeout=10,
        )
        if any(request.path.endswith(end) for end in side.losing):
            return None
        return HttpAnswer(answer.status_code, answer.content)

    with serving(relay) as url:
        side.url = url
        side.provider = side.provider_with(KEY)
        yield side


@pytest.fixture(scope="module")
def localstripe() -> Iterator[str]:
    """The URL of a localstripe of this module's own."""
    process = subprocess.Popen(  # noqa: S603 - this module's own text
        [sys.executable, "-c", LOCALSTRIPE], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        # Its first line is its port, written once it listens.
        port = process.stdout.readline().strip()
        assert port.isdigit(), "localstripe did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(params=["sandbox", "localstripe"])
def side(
    request: pytest.FixtureRequest,
    aws: None,
    monkeypatch: pytest.MonkeyPatch,
    lambda_context: Any,
) -> Iterator[Side]:
    """Each provider in turn."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    if request.param == "localstripe":
        with relayed("localstripe", request.getfixturevalue("localstripe")) as relayed_side:
            yield relayed_side
        return
    with (
        sandbox_handler(monkeypatch) as handler,
        serving_sandbox(handler, lambda_context) as url,
        relayed("sandbox", url) as relayed_side,
    ):
        yield relayed_side


def test_money_is_held_taken_and_given_back(side: Side) -> None:
    reference = side.opened()
    assert side.status(reference) == "requires_confirmation"
    side.provider.confirm(reference, "order-1:authorize")
    assert side.status(reference) == ProviderStatus.HELD
    side.provider.capture(reference, "order-1:capture")
    taken = side.provider.retrieve(reference)
    assert (taken.status, taken.amount, taken.amount_refunded, taken.refunded) == (
        ProviderStatus.TAKEN,
        2000,
        0,
        False,
    )
    side.provider.refund(reference, "order-1:refund")
    given_back = side.provider.retrieve(reference)
    assert (given_back.status, given_back.amount_refunded, given_back.refunded) == (
        ProviderStatus.TAKEN,
        2000,
        True,
    )


def test_held_money_is_released_for_good(side: Side) -> None:
    reference = side.held()
    side.provider.cancel(reference, "order-1:void")
    assert side.status(reference) == ProviderStatus.CANCELED
    with pytest.raises(PaymentRefused):
        side.provider.confirm(reference, "another key")
    with pytest.raises(PaymentRefused):
        side.provider.capture(reference, "order-1:capture")
    assert side.status(reference) == ProviderStatus.CANCELED


def test_an_intent_that_was_never_confirmed_can_be_cancelled(side: Side) -> None:
    reference = side.opened()
    side.provider.cancel(reference, "order-1:void")
    with pytest.raises(PaymentRefused, match="canceled"):
        side.provider.confirm(reference, "order-1:authorize")


@pytest.mark.parametrize("again", ["the same key", "another key"])
def test_doing_it_again_is_fine(side: Side, again: str) -> None:
    def twice(command: Callable[[str, str], None], reference: str, key: str) -> None:
        command(reference, key)
        command(reference, key if again == "the same key" else f"{key}:again")

    reference = side.opened()
    twice(side.provider.confirm, reference, "order-1:authorize")
    twice(side.provider.capture, reference, "order-1:capture")
    twice(side.provider.refund, reference, "order-1:refund")
    # Stripe refunds a charge once, whatever the key; localstripe does it as often as it is asked.
    assert side.provider.retrieve(reference).amount_refunded == (4000 if side.is_localstripe else 2000)
    other = side.opened(key="order-2:open")
    twice(side.provider.cancel, other, "order-2:void")


def test_captured_money_is_not_released_but_refunded(side: Side) -> None:
    reference = side.captured()
    with pytest.raises(AlreadyCaptured):
        side.provider.cancel(reference, "order-1:void")
    side.provider.refund(reference, "order-1:refund")
    assert side.provider.retrieve(reference).refunded


def test_a_charge_is_refunded_in_parts_up_to_all_of_it(side: Side) -> None:
    reference = side.captured()
    for return_id, amount, provider_status in (
        ("ret_1", 500, ProviderStatus.PARTIALLY_REFUNDED),
        ("ret_2", 700, ProviderStatus.PARTIALLY_REFUNDED),
        ("ret_3", 800, ProviderStatus.REFUNDED),
    ):
        side.refund_part(reference, amount, return_id)
        assert side.provider.retrieve(reference).provider_status is provider_status
    assert side.refunded(reference) == 2000


def test_more_than_what_is_left_is_refused(side: Side) -> None:
    reference = side.captured()
    side.refund_part(reference, 500, "ret_1")
    if side.is_localstripe:
        # It gives back more than it took; Stripe refuses.
        side.refund_part(reference, 1501, "ret_2")
    else:
        with pytest.raises(PaymentRefused):
            side.refund_part(reference, 1501, "ret_2")
        assert side.refunded(reference) == 500


def test_the_rest_goes_back_after_a_part(side: Side) -> None:
    reference = side.captured()
    side.refund_part(reference, 500, "ret_1")
    side.provider.refund(reference, "order-1:refund")
    # localstripe takes a refund without an amount for one of the whole charge.
    assert side.refunded(reference) == (2500 if side.is_localstripe else 2000)


def test_a_part_whose_answer_is_lost_every_time_is_found_by_asking(side: Side) -> None:
    reference = side.captured()
    side.refund_part(reference, 300, "ret_1")
    side.losing = {"/v1/refunds"}
    if not side.is_localstripe:
        side.refund_part(reference, 500, "ret_2")
        assert side.refunded(reference) == 800
        return
    # It knows no keys, so each of the client's tries is a refund there.
    side.refund_part(reference, 500, "ret_2")
    assert (side.refunded(reference) - 300) % 500 == 0


def test_a_part_that_went_back_before_is_found_and_not_repeated_under_any_key(side: Side) -> None:
    reference = side.captured()
    side.refund_part(reference, 500, "ret_1")
    side.requests.clear()
    # As a day later, when the provider has forgotten the key: localstripe knows none.
    side.refund_part(reference, 500, "ret_1", asked_before=True)
    side.refund_part(reference, 500, "ret_2", asked_before=True)
    assert side.refunded(reference) == 1000
    assert [request.method for request in side.requests] == ["GET", "GET", "POST", "GET"]


def test_a_part_is_found_among_more_refunds_than_a_charge_shows(side: Side) -> None:
    reference = side.captured()
    for number in range(12):
        side.refund_part(reference, 100, f"ret_{number}")
    for number in (0, 11):
        side.refund_part(reference, 100, f"ret_{number}", asked_before=True)
    assert side.refunded(reference) == 1200


def test_a_refused_card_holds_nothing(side: Side) -> None:
    reference = side.opened("pm_card_chargeCustomerFail")
    # Stripe types a decline `card_error`; localstripe says `invalid_request_error` with the code of a decline.
    with pytest.raises(PaymentRefused if side.is_localstripe else CardDeclined) as refused:
        side.provider.confirm(reference, "order-1:authorize")
    assert "card_declined" in str(refused.value) or "generic_decline" in str(refused.value)
    assert side.status(reference) == "requires_payment_method"


def test_an_unknown_payment_method_is_refused_when_the_intent_is_opened(side: Side) -> None:
    # Stripe names the parameter, by which the client knows whose fault it is; localstripe says 404 alone.
    with pytest.raises(PaymentRefused if side.is_localstripe else CardDeclined):
        side.opened("pm_nobody_knows")


def test_nothing_can_be_captured_before_it_is_held(side: Side) -> None:
    reference = side.opened()
    # Stripe refuses with payment_intent_unexpected_state; localstripe falls over.
    with pytest.raises(ProviderUnavailable if side.is_localstripe else PaymentRefused):
        side.provider.capture(reference, "order-1:capture")
    assert side.status(reference) == "requires_confirmation"


def test_nothing_can_be_refunded_before_it_is_captured(side: Side) -> None:
    reference = side.held()
    if side.is_localstripe:
        # It gives back what was never taken; Stripe refuses.
        side.provider.refund(reference, "order-1:refund")
    else:
        with pytest.raises(PaymentRefused):
            side.provider.refund(reference, "order-1:refund")
    assert not side.provider.retrieve(reference).refunded


def test_the_same_key_opens_one_intent(side: Side) -> None:
    first, second = side.opened(), side.opened()
    # localstripe knows no idempotency keys.
    assert (first == second) is not side.is_localstripe


def test_a_key_is_good_for_one_request(side: Side) -> None:
    side.opened()
    another = Money(amount=1, currency="EUR")
    if side.is_localstripe:
        side.provider.open(another, "pm_card_visa", {}, "order-1:open")
    else:
        with pytest.raises(PaymentRefused, match="idempotency_error"):
            side.provider.open(another, "pm_card_visa", {}, "order-1:open")


def test_a_wrong_key_is_refused(side: Side) -> None:
    with pytest.raises(PaymentRefused, match="HTTP 401"):
        side.provider_with("wrong").open(AMOUNT, "pm_card_visa", {}, "k")


def test_an_intent_that_is_not_there_is_refused(side: Side) -> None:
    with pytest.raises(PaymentRefused, match="HTTP 404"):
        side.provider.retrieve("pi_none")


@pytest.mark.parametrize(
    ("verb", "before", "status"),
    [
        ("confirm", "opened", ProviderStatus.HELD),
        ("capture", "held", ProviderStatus.TAKEN),
        ("cancel", "held", ProviderStatus.CANCELED),
        ("refund", "captured", ProviderStatus.TAKEN),
    ],
)
def test_an_answer_that_is_lost_every_time_is_found_by_asking(
    side: Side, verb: str, before: str, status: str
) -> None:
    reference = getattr(side, before)()
    side.losing = {"/v1/refunds" if verb == "refund" else f"/{verb}"}
    side.requests.clear()
    getattr(side.provider, verb)(reference, f"order-1:{verb}")
    assert side.status(reference) == status
    assert side.provider.retrieve(reference).refunded is (verb == "refund")
    # All tries of a command carry one key.
    keys = {request.headers["Idempotency-Key"] for request in side.requests if request.method == "POST"}
    assert keys == {f"order-1:{verb}"}


def test_the_payment_service_takes_an_order_through_all_of_it(side: Side) -> None:
    payments_tables()
    payment_service = PaymentService(PaymentStore(client("dynamodb"), "payments"), side.provider, utc_now)
    authorized = payment_service.authorize(ORDER, token_of)
    assert side.status(authorized.reference) == ProviderStatus.HELD
    assert payment_service.capture("order-1").status is PaymentStatus.CAPTURED
    assert payment_service.void(ORDER).status is PaymentStatus.REFUNDED
    assert side.provider.retrieve(authorized.reference).refunded
    with pytest.raises(AlreadyVoided):
        payment_service.authorize(ORDER, token_of)


def test_the_payment_service_refunds_returns_once_whatever_answers_were_lost(side: Side) -> None:
    payments_tables()
    payment_service = PaymentService(PaymentStore(client("dynamodb"), "payments"), side.provider, utc_now)
    authorized = payment_service.authorize(ORDER, token_of)
    payment_service.capture("order-1")
    side.losing = {authorized.reference, "/v1/refunds"}
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            payment_service.refund_return("order-1", "ret_1", Money(amount=700, currency="EUR"))
    side.losing = set()
    given_back = side.refunded(authorized.reference)
    payment_service.refund_return("order-1", "ret_1", Money(amount=700, currency="EUR"))

    # The second call looked first, and got no answer; the third one found the refund.
    assert side.refunded(authorized.reference) == given_back
    assert side.is_localstripe or given_back == 700
    assert payment_service.complete("order-1").status is PaymentStatus.CAPTURED  # type: ignore[union-attr]


@pytest.mark.parametrize("lost", ["/confirm", "/capture", "/cancel"])
def test_the_payment_service_undoes_an_order_whichever_answers_were_lost(side: Side, lost: str) -> None:
    payments_tables()
    payment_service = PaymentService(PaymentStore(client("dynamodb"), "payments"), side.provider, utc_now)
    side.losing = {lost}
    authorized = payment_service.authorize(ORDER, token_of)
    if lost == "/capture":
        payment_service.capture("order-1")
    undone = payment_service.void(ORDER).status
    assert undone is (PaymentStatus.REFUNDED if lost == "/capture" else PaymentStatus.VOIDED)
    intent = side.provider.retrieve(authorized.reference)
    assert intent.refunded or intent.status == ProviderStatus.CANCELED


@pytest.mark.parametrize("parameter", sorted(UNKNOWN_TO_LOCALSTRIPE))
def test_localstripe_still_refuses_what_the_relay_takes_out(localstripe: str, parameter: str) -> None:
    bearer = {"Authorization": f"Bearer {KEY}"}
    form = {"amount": "2000", "currency": "eur", "payment_method": "pm_card_visa"}
    opened = requests.post(f"{localstripe}/v1/payment_intents", data=form, headers=bearer, timeout=10).json()
    verb = {"error_on_requires_action": "confirm", "cancellation_reason": "cancel"}[parameter]
    url = f"{localstripe}/v1/payment_intents/{opened['id']}/{verb}"
    refused = requests.post(url, data={parameter: "true"}, headers=bearer, timeout=10)
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, f"Unexpected {parameter}")


def test_the_webhook_accepts_events_that_localstripe_signs(
    aws: None,
    localstripe: str,
    lambda_context: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("TABLE_NAME", "payments")
    monkeypatch.setenv("OBSERVATIONS_TABLE_NAME", "observations")
    monkeypatch.setenv("PAYMENT_WEBHOOK_SECRET", "webhook-secrets")
    client("secretsmanager").create_secret(
        Name="webhook-secrets", SecretString=json.dumps({"current": "whsec_1"})
    )
    payments_tables()
    dependencies = importlib.import_module("payments.dependencies")
    for cached in (dependencies.provider_event_recorder, dependencies._secrets):
        cached.cache_clear()
    handler = importlib.import_module("payments.functions.webhook").handler
    deliveries: queue.Queue[tuple[str, int]] = queue.Queue()

    def receive(request: HttpRequest) -> HttpAnswer:
        event = rest_event(request.method, request.path, body=request.body.decode(), headers=request.headers)
        answer = handler(event, lambda_context)
        deliveries.put((json.loads(request.body)["data"]["object"]["id"], answer["statusCode"]))
        return HttpAnswer(answer["statusCode"], answer["body"].encode())

    with serving(receive) as url, relayed("localstripe", localstripe) as side:
        hook = {"url": f"{url}/payments/webhook", "secret": "whsec_1"}
        requests.post(f"{localstripe}/_config/webhooks/payments", json=hook, timeout=10).raise_for_status()
        reference = side.captured()
        # It sends a second later; events of earlier tests may come in between.
        while (delivery := deliveries.get(timeout=15))[0] != reference:
            pass
    assert delivery == (reference, 200)
    item = client("dynamodb").get_item(TableName="observations", Key={"pk": {"S": f"intent#{reference}"}})
    observed = from_item(item["Item"])
    assert (observed["provider_status"], observed["order_id"]) == ("succeeded", "order-1")
    # No payment of ours knows of this money.
    assert observed["differs_from"] == "none"

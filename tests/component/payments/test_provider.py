"""The provider's client against a real HTTP server that answers by script, on a clock that only sleeping moves."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from payments.adapters.provider import StripeProvider
from payments.adapters.transport import API_VERSION, Timeouts, Transport
from payments.domain.intent import Intent
from payments.domain.payment import AlreadyCaptured, CardDeclined, PaymentRefused, ProviderUnavailable
from shared.money import Money


def intent(status: str, refunded: int = 0) -> dict[str, Any]:
    """An intent of 2000 as the provider shows it, with its charge expanded."""
    return {"id": "pi_1", "status": status, "amount": 2000, "latest_charge": {"amount_refunded": refunded}}


HELD = intent("requires_capture")
UNCONFIRMED = intent("requires_confirmation")
UNEXPECTED = {"error": {"type": "invalid_request_error", "code": "payment_intent_unexpected_state"}}
READ_TIMEOUT = 0.1


@dataclass
class Reply:
    """An answer of the server; a `silent` server receives the request and does not answer."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False


@dataclass
class Request:
    """A request that the server received."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, list[str]]


class ScriptedServer:
    """Answers requests with `script`, one by one; the last reply is repeated."""

    def __init__(self) -> None:
        self.script: deque[Reply] = deque()
        self.received: list[Request] = []
        self.closing = threading.Event()
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                scripted.received.append(Request(self.command, self.path, headers, parse_qs(body)))
                reply = scripted.script.popleft() if len(scripted.script) > 1 else scripted.script[0]
                if reply.silent:
                    scripted.closing.wait()
                    return
                content = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content.encode())))
                self.end_headers()
                self.wfile.write(content.encode())

            do_GET = do_POST = _serve  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Keeps the test's output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class FakeTime:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def provider(server: ScriptedServer, time: FakeTime) -> StripeProvider:
    return provider_at(server.url, time)


def provider_at(
    url: str,
    time: FakeTime,
    jitter: Callable[[float, float], float] = lambda _, ceiling: ceiling,
    renewed_api_key: Callable[[], str] | None = None,
) -> StripeProvider:
    timeouts = Timeouts(connect=1.0, read=READ_TIMEOUT, budget=8.0, lookup=2.5)
    return StripeProvider(
        Transport(
            url,
            lambda: "sk_test",
            renewed_api_key=renewed_api_key,
            timeouts=timeouts,
            clock=lambda: time.now,
            sleep=time.sleep,
            jitter=jitter,
        )
    )


def asked(server: ScriptedServer) -> list[str]:
    """The requests that the server received, in order."""
    return [f"{request.method} {request.path}" for request in server.received]


def test_an_intent_is_opened_as_stripe_expects(provider: StripeProvider, server: ScriptedServer) -> None:
    server.script.append(Reply(body={"id": "pi_1", "status": "requires_confirmation"}))
    reference = provider.open(
        Money(amount=2000, currency="EUR"), "pm_card_visa", {"order_id": "order-1"}, "order-1:open"
    )
    [request] = server.received
    assert reference == "pi_1"
    assert (request.method, request.path) == ("POST", "/v1/payment_intents")
    assert request.headers["authorization"] == "Bearer sk_test"
    assert request.headers["idempotency-key"] == "order-1:open"
    assert request.headers["stripe-version"] == API_VERSION
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.form == {
        "amount": ["2000"],
        "currency": ["eur"],
        "payment_method": ["pm_card_visa"],
        "payment_method_types[]": ["card"],
        "capture_method": ["manual"],
        "metadata[order_id]": ["order-1"],
    }


@pytest.mark.parametrize("status", [409, 429, 500, 502, 503])
def test_a_passing_failure_is_repeated_with_the_same_key(
    provider: StripeProvider, server: ScriptedServer, time: FakeTime, status: int
) -> None:
    server.script.extend([Reply(status, {}), Reply(status, "<html>"), Reply(body=HELD)])
    provider.confirm("pi_1", "order-1:authorize")
    assert [request.headers["idempotency-key"] for request in server.received] == ["order-1:authorize"] * 3
    assert time.slept == [0.2, 0.4]


def test_the_wait_is_a_full_jitter_below_a_growing_ceiling(server: ScriptedServer, time: FakeTime) -> None:
    jittered: list[tuple[float, float]] = []

    def jitter(low: float, high: float) -> float:
        jittered.append((low, high))
        return low

    server.script.append(Reply(500, {}))
    with pytest.raises(ProviderUnavailable):
        provider_at(server.url, time, jitter).retrieve("pi_1")
    assert jittered[:3] == [(0.0, 0.2), (0.0, 0.4), (0.0, 0.8)]
    assert len(server.received) == 4


def test_the_provider_says_how_long_to_wait(
    provider: StripeProvider, server: ScriptedServer, time: FakeTime
) -> None:
    server.script.extend([Reply(429, {}, {"Retry-After": "3"}), Reply(body=HELD)])
    provider.confirm("pi_1", "k")
    assert time.slept == [3.0]


def test_a_wait_longer_than_the_budget_is_not_begun(
    provider: StripeProvider, server: ScriptedServer, time: FakeTime
) -> None:
    server.script.append(Reply(503, {}, {"Retry-After": "60"}))
    with pytest.raises(ProviderUnavailable, match="HTTP 503"):
        provider.retrieve("pi_1")
    assert time.slept == []
    assert len(server.received) == 1


def test_a_lost_answer_is_asked_for_again(provider: StripeProvider, server: ScriptedServer) -> None:
    server.script.extend([Reply(silent=True), Reply(body=HELD)])
    provider.confirm("pi_1", "k")
    assert asked(server) == ["POST /v1/payment_intents/pi_1/confirm"] * 2


@pytest.mark.parametrize(
    ("operation", "status", "refunded"),
    [
        ("confirm", "requires_capture", 0),
        ("capture", "succeeded", 0),
        ("cancel", "canceled", 0),
        ("refund", "succeeded", 2000),
    ],
)
def test_a_command_that_is_never_answered_is_looked_up_at_the_intent(
    provider: StripeProvider, server: ScriptedServer, operation: str, status: str, refunded: int
) -> None:
    server.script.extend([*[Reply(500, {})] * 4, Reply(body=intent(status, refunded))])
    getattr(provider, operation)("pi_1", "k")
    assert asked(server)[4:] == ["GET /v1/payment_intents/pi_1?expand%5B%5D=latest_charge"]


@pytest.mark.parametrize(
    ("operation", "status", "refunded"),
    [
        ("confirm", "requires_confirmation", 0),
        ("capture", "requires_capture", 0),
        ("cancel", "requires_capture", 0),
        ("refund", "succeeded", 0),
        ("refund", "succeeded", 1999),
        ("refund", "canceled", 2000),
    ],
)
def test_a_command_without_answer_or_effect_is_worth_another_try(
    provider: StripeProvider, server: ScriptedServer, operation: str, status: str, refunded: int
) -> None:
    server.script.extend([*[Reply(500, {})] * 4, Reply(body=intent(status, refunded))])
    with pytest.raises(ProviderUnavailable, match="HTTP 500"):
        getattr(provider, operation)("pi_1", "k")


def test_no_try_begins_after_the_budget_is_spent(server: ScriptedServer, time: FakeTime) -> None:
    def two_seconds_pass(low: float, _: float) -> float:
        time.now += 2.0
        return low

    server.script.append(Reply(500, {}))
    with pytest.raises(ProviderUnavailable, match="HTTP 500"):
        provider_at(server.url, time, two_seconds_pass).confirm("pi_1", "k")
    assert asked(server).count("POST /v1/payment_intents/pi_1/confirm") == 3
    assert time.now - 1000.0 <= 8.0


def test_a_server_that_is_not_there_is_unavailable(time: FakeTime) -> None:
    gone = ScriptedServer()
    gone.close()
    with pytest.raises(ProviderUnavailable, match="ConnectionError"):
        provider_at(gone.url, time).retrieve("pi_1")
    assert len(time.slept) == 3


def test_a_declined_card_is_not_tried_again(provider: StripeProvider, server: ScriptedServer) -> None:
    error = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}
    server.script.append(Reply(402, {"error": error}))
    with pytest.raises(CardDeclined, match="insufficient_funds"):
        provider.confirm("pi_1", "k")
    assert len(server.received) == 1


def test_an_unknown_payment_method_is_the_customers_to_mend(
    provider: StripeProvider, server: ScriptedServer
) -> None:
    error = {"type": "invalid_request_error", "code": "resource_missing", "param": "payment_method"}
    server.script.append(Reply(400, {"error": error}))
    with pytest.raises(CardDeclined, match="resource_missing"):
        provider.open(Money(amount=1, currency="EUR"), "pm_nope", {}, "k")


def test_a_wrong_key_is_ours_to_mend(provider: StripeProvider, server: ScriptedServer) -> None:
    server.script.append(
        Reply(401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key"}})
    )
    with pytest.raises(PaymentRefused, match="HTTP 401"):
        provider.confirm("pi_1", "k")


def test_a_request_with_a_key_that_was_rotated_meanwhile_is_repeated_with_the_new_one(
    server: ScriptedServer, time: FakeTime
) -> None:
    server.script += [Reply(401, {"error": {"type": "invalid_request_error"}}), Reply(body=HELD)]
    provider_at(server.url, time, renewed_api_key=lambda: "sk_new").confirm("pi_1", "order-1:confirm")
    first, second = server.received
    assert [request.headers["authorization"] for request in (first, second)] == [
        "Bearer sk_test",
        "Bearer sk_new",
    ]
    assert (second.path, second.form) == (first.path, first.form)
    assert second.headers["idempotency-key"] == first.headers["idempotency-key"] == "order-1:confirm"


def test_a_redirection_is_not_followed_so_the_key_goes_to_the_provider_alone(
    provider: StripeProvider, server: ScriptedServer
) -> None:
    elsewhere = {"Location": f"{server.url}/elsewhere"}
    server.script.append(Reply(307, {"error": {"type": "api_error"}}, headers=elsewhere))
    with pytest.raises(PaymentRefused, match="HTTP 307"):
        provider.retrieve("pi_1")
    assert asked(server) == ["GET /v1/payment_intents/pi_1?expand%5B%5D=latest_charge"]


def test_a_renewed_key_that_is_refused_as_well_is_ours_to_mend(
    server: ScriptedServer, time: FakeTime
) -> None:
    server.script.append(Reply(401, {"error": {"type": "invalid_request_error"}}))
    with pytest.raises(PaymentRefused, match="HTTP 401"):
        provider_at(server.url, time, renewed_api_key=lambda: "sk_new").open(
            Money(amount=1, currency="EUR"), "pm_card_visa", {}, "k"
        )
    assert len(server.received) == 2


def test_an_intent_in_another_status_after_its_confirmation_is_refused(
    provider: StripeProvider, server: ScriptedServer
) -> None:
    server.script.append(Reply(body=intent("processing")))
    with pytest.raises(PaymentRefused, match="processing"):
        provider.confirm("pi_1", "k")


@pytest.mark.parametrize(
    ("operation", "status", "refunded"),
    [
        ("confirm", "requires_capture", 0),
        ("capture", "succeeded", 0),
        ("cancel", "canceled", 0),
        ("refund", "succeeded", 2000),
    ],
)
def test_doing_what_is_done_is_fine(
    provider: StripeProvider, server: ScriptedServer, operation: str, status: str, refunded: int
) -> None:
    server.script.extend([Reply(400, UNEXPECTED), Reply(body=intent(status, refunded))])
    getattr(provider, operation)("pi_1", "k")
    assert asked(server)[1:] == ["GET /v1/payment_intents/pi_1?expand%5B%5D=latest_charge"]


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ("confirm", "canceled"),
        ("capture", "canceled"),
        ("capture", "requires_confirmation"),
        ("refund", "requires_capture"),
        ("refund", "succeeded"),
    ],
)
def test_a_command_that_cannot_be_done_says_in_which_status_the_intent_is(
    provider: StripeProvider, server: ScriptedServer, operation: str, status: str
) -> None:
    server.script.extend([Reply(400, UNEXPECTED), Reply(body=intent(status))])
    with pytest.raises(PaymentRefused, match=f"unexpected_state.*{status}"):
        getattr(provider, operation)("pi_1", "k")


def test_captured_money_cannot_be_cancelled(provider: StripeProvider, server: ScriptedServer) -> None:
    server.script.extend([Reply(400, UNEXPECTED), Reply(body=intent("succeeded"))])
    with pytest.raises(AlreadyCaptured):
        provider.cancel("pi_1", "k")


def test_a_refund_names_its_intent(provider: StripeProvider, server: ScriptedServer) -> None:
    server.script.append(Reply(body={"id": "re_1", "status": "pending"}))
    provider.refund("pi_1", "order-1:refund", {"order_id": "order-1"})
    [request] = server.received
    assert (request.method, request.path) == ("POST", "/v1/refunds")
    assert request.form == {"payment_intent": ["pi_1"], "metadata[order_id]": ["order-1"]}
    assert request.headers["idempotency-key"] == "order-1:refund"


def test_a_refund_that_failed_is_refused(provider: StripeProvider, server: ScriptedServer) -> None:
    server.script.append(Reply(body={"id": "re_1", "status": "failed"}))
    with pytest.raises(PaymentRefused, match="failed"):
        provider.refund("pi_1", "k")


RETURN = {"order_id": "order-1", "return_id": "ret_1"}


def with_refund(status: str | None, **metadata: str) -> Reply:
    """The intent, whose charge has this one refund."""
    refund = {"id": "re_1", "amount": 700, "status": status, "metadata": metadata}
    shown = intent("succeeded", 700)
    shown["latest_charge"]["refunds"] = {"data": [refund], "has_more": False}
    return Reply(body=shown)


def refund_part(provider: StripeProvider, *, asked_before: bool) -> None:
    provider.refund_part(
        "pi_1", Money(amount=700, currency="EUR"), RETURN, "ret_1:refund", asked_before=asked_before
    )


def test_a_part_names_its_amount_its_return_and_a_key_of_the_return(
    provider: StripeProvider, server: ScriptedServer
) -> None:
    server.script.append(Reply(body={"id": "re_1", "status": "succeeded"}))
    refund_part(provider, asked_before=False)
    [request] = server.received
    assert (request.method, request.path) == ("POST", "/v1/refunds")
    assert request.form == {
        "payment_intent": ["pi_1"],
        "amount": ["700"],
        "metadata[order_id]": ["order-1"],
        "metadata[return_id]": ["ret_1"],
    }
    assert request.headers["idempotency-key"] == "ret_1:refund"


@pytest.mark.parametrize(
    ("status", "metadata", "is_it"),
    [
        ("succeeded", RETURN, True),
        ("pending", RETURN, True),
        # It may still succeed, without another request of ours.
        ("requires_action", RETURN, True),
        (None, RETURN, True),
        ("succeeded", {**RETURN, "note": "by hand"}, True),
        ("failed", RETURN, False),
        ("canceled", RETURN, False),
        ("succeeded", {**RETURN, "return_id": "ret_2"}, False),
        ("succeeded", {"order_id": "order-1"}, False),
    ],
)
def test_a_part_is_asked_for_again_only_if_no_refund_of_its_return_stands(
    provider: StripeProvider,
    server: ScriptedServer,
    status: str | None,
    metadata: dict[str, str],
    is_it: bool,
) -> None:
    server.script.extend([with_refund(status, **metadata), Reply(body={"id": "re_2", "status": "succeeded"})])
    refund_part(provider, asked_before=True)
    assert [request.method for request in server.received] == (["GET"] if is_it else ["GET", "POST"])


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_part_that_fails_at_once_is_refused(
    provider: StripeProvider, server: ScriptedServer, status: str
) -> None:
    server.script.append(Reply(body={"id": "re_1", "status": status}))
    with pytest.raises(PaymentRefused, match=status):
        refund_part(provider, asked_before=False)


def test_a_part_that_is_refused_since_it_was_made_before_is_made(
    provider: StripeProvider, server: ScriptedServer
) -> None:
    server.script.extend([Reply(400, UNEXPECTED), with_refund("succeeded", **RETURN)])
    refund_part(provider, asked_before=False)


def test_a_part_that_is_refused_and_was_not_made_before_is_refused(
    provider: StripeProvider, server: ScriptedServer
) -> None:
    server.script.extend([Reply(400, UNEXPECTED), with_refund("failed", **RETURN)])
    with pytest.raises(PaymentRefused):
        refund_part(provider, asked_before=False)


def test_an_intent_is_read_with_what_was_refunded(provider: StripeProvider, server: ScriptedServer) -> None:
    server.script.extend(
        [Reply(body=intent("succeeded", 500)), Reply(body={**UNCONFIRMED, "latest_charge": None})]
    )
    assert provider.retrieve("pi_1") == Intent("pi_1", "succeeded", 2000, 500)
    assert provider.retrieve("pi_1") == Intent("pi_1", "requires_confirmation", 2000, 0)


def fail_until_open(provider: StripeProvider, server: ScriptedServer) -> None:
    """Five calls without an answer: twice a command and its question, and one more question."""
    server.script.append(Reply(500, {}))
    for _ in range(2):
        with pytest.raises(ProviderUnavailable, match="HTTP 500"):
            provider.confirm("pi_1", "k")
    with pytest.raises(ProviderUnavailable, match="HTTP 500"):
        provider.retrieve("pi_1")


def test_a_provider_that_gives_no_answers_is_not_asked_for_money(
    provider: StripeProvider, server: ScriptedServer
) -> None:
    fail_until_open(provider, server)
    received = len(server.received)
    for ask in (
        lambda: provider.open(Money(amount=1, currency="EUR"), "pm_card_visa", {}, "k"),
        lambda: provider.confirm("pi_1", "k"),
        lambda: provider.capture("pi_1", "k"),
    ):
        with pytest.raises(ProviderUnavailable, match="not asked"):
            ask()
    assert len(server.received) == received


def test_a_provider_that_gives_no_answers_is_still_asked_to_give_money_back(
    provider: StripeProvider, server: ScriptedServer
) -> None:
    fail_until_open(provider, server)
    server.script.clear()
    server.script.append(Reply(body=intent("canceled")))
    provider.cancel("pi_1", "k")
    server.script.append(Reply(body={"status": "succeeded"}))
    server.script.popleft()
    provider.refund("pi_1", "k")


def test_an_answered_probe_closes_the_circuit(
    provider: StripeProvider, server: ScriptedServer, time: FakeTime
) -> None:
    fail_until_open(provider, server)
    time.now += 5.0
    server.script.clear()
    server.script.append(Reply(body=HELD))
    provider.confirm("pi_1", "k")
    provider.confirm("pi_1", "k")


@pytest.mark.parametrize("status", [400, 401, 402, 404])
def test_a_refusal_is_an_answer_to_the_circuit(
    provider: StripeProvider, server: ScriptedServer, status: int
) -> None:
    server.script.append(Reply(status, {"error": {"type": "card_error"}}))
    for _ in range(10):
        with pytest.raises(CardDeclined):
            provider.confirm("pi_1", "k")
    assert len(server.received) == 10

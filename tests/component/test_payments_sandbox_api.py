"""The sandbox provider through its handler, on a real table; and `payments` against it, over HTTP."""

import importlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from payments.domain import CardDeclined, ProviderUnavailable
from shared.aws import client
from tests.component.rest_events import json_body, rest_event

EVENTS = Path(__file__).parents[2] / "events"
KEY = "sandbox-key"
FORM = {
    "amount": "2000",
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "capture_method": "manual",
    "metadata[order_id]": "order-1",
}
Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def sandbox(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, Any]]]:
    """The sandbox's handler, with its table and its key in place."""
    monkeypatch.setenv("TABLE_NAME", "sandbox")
    monkeypatch.setenv("LOST_ANSWER_DELAY_SECONDS", "0")
    monkeypatch.setenv("PAYMENT_PROVIDER_SECRET", "provider-key")
    client("secretsmanager").create_secret(Name="provider-key", SecretString=KEY)
    client("dynamodb").create_table(
        TableName="sandbox",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "order_id", "AttributeType": "S"},
        ],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-order",
                "KeySchema": [{"AttributeName": "order_id", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    resources = importlib.import_module("payments_sandbox.resources")
    made = (resources.environment, resources.books, resources.desk, resources._secrets)
    for cached in made:
        cached.cache_clear()
    # Reads the environment while it still names the sandbox's table, not that of `payments`.
    resources.environment()
    yield importlib.import_module("payments_sandbox.api").handler
    for cached in made:
        cached.cache_clear()


@pytest.fixture
def call(sandbox: Callable[..., dict[str, Any]], lambda_context: Any) -> Call:
    """Sends one request; answers with status and body."""

    def send(
        method: str,
        path: str,
        form: dict[str, str] | None = None,
        *,
        key: str | None = None,
        bearer: str = KEY,
        query: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/x-www-form-urlencoded"}
        if key:
            headers["Idempotency-Key"] = key
        event = rest_event(method, path, body=urlencode(form or {}), headers=headers, query=query)
        answer = sandbox(event, lambda_context)
        return answer["statusCode"], json_body(answer)

    return send


def opened(call: Call, method: str = "pm_card_visa") -> str:
    status, intent = call("POST", "/v1/payment_intents", {**FORM, "payment_method": method})
    assert status == 200
    return str(intent["id"])


def test_nobody_gets_in_without_the_key(call: Call) -> None:
    status, body = call("GET", "/v1/payment_intents/pi_1", bearer="wrong")
    assert status == 401
    assert body["error"]["type"] == "invalid_request_error"


def test_an_intent_is_opened_confirmed_read_and_cancelled(call: Call) -> None:
    path = f"/v1/payment_intents/{opened(call)}"
    assert call("POST", f"{path}/confirm")[1]["status"] == "requires_capture"
    assert call("GET", path)[1]["amount_capturable"] == 2000
    assert call("POST", f"{path}/cancel")[1]["status"] == "canceled"
    status, body = call("POST", f"{path}/cancel")
    assert (status, body["error"]["code"]) == (400, "payment_intent_unexpected_state")


def test_the_same_key_gets_the_same_answer_and_one_intent(call: Call) -> None:
    first = call("POST", "/v1/payment_intents", FORM, key="k")
    assert call("POST", "/v1/payment_intents", dict(reversed(FORM.items())), key="k") == first
    _, found = call("GET", "/v1/payment_intents/search", query={"query": "metadata['order_id']:'order-1'"})
    assert [intent["id"] for intent in found["data"]] == [first[1]["id"]]


def test_the_same_key_with_other_parameters_is_refused(call: Call) -> None:
    call("POST", "/v1/payment_intents", FORM, key="k")
    status, body = call("POST", "/v1/payment_intents", {**FORM, "amount": "1"}, key="k")
    assert (status, body["error"]["type"]) == (400, "idempotency_error")


def test_a_decline_is_repeated_under_its_key(call: Call) -> None:
    path = f"/v1/payment_intents/{opened(call, 'pm_card_chargeDeclined')}/confirm"
    first = call("POST", path, key="k")
    assert (first[0], first[1]["error"]["code"]) == (402, "card_declined")
    assert call("POST", path, key="k") == first


def test_a_fault_is_not_remembered_under_its_key(call: Call) -> None:
    path = f"/v1/payment_intents/{opened(call, 'pm_sandbox_flaky')}/confirm"
    assert [call("POST", path, key="k")[0] for _ in range(3)] == [500, 200, 200]


def test_an_unknown_payment_method_is_named(call: Call) -> None:
    status, body = call("POST", "/v1/payment_intents", {**FORM, "payment_method": "tok_visa"})
    assert (status, body["error"]["param"]) == (400, "payment_method")


def test_what_is_not_there_is_not_found(call: Call) -> None:
    assert call("GET", "/v1/payment_intents/pi_none")[1]["error"]["code"] == "resource_missing"
    assert call("GET", "/v1/charges")[0] == 404


def test_two_writers_of_one_intent_are_told_apart(call: Call) -> None:
    store = importlib.import_module("payments_sandbox.store")
    books = importlib.import_module("payments_sandbox.resources").books()
    intent = books.intent(opened(call))
    books.write(intent.changed(), None, 0)
    with pytest.raises(store.Contended):
        books.write(intent.changed(), None, 0)


def test_the_example_event_opens_an_intent(
    sandbox: Callable[..., dict[str, Any]], lambda_context: Any
) -> None:
    event = json.loads((EVENTS / "payments_sandbox.json").read_text())
    event["headers"]["Authorization"] = f"Bearer {KEY}"
    assert json_body(sandbox(event, lambda_context))["status"] == "requires_confirmation"


@pytest.fixture
def steps(
    sandbox: Callable[..., dict[str, Any]], lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], dict[str, Any]]]:
    """Runs a saga step of `payments` (by name, for a payment method) against the sandbox served over HTTP."""

    class Gateway(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            query = dict(parse_qsl(url.query)) or None
            answer = sandbox(
                rest_event(self.command, url.path, body=body, headers=dict(self.headers), query=query),
                lambda_context,
            )
            content = answer["body"].encode()
            if url.path.endswith("/confirm") and '"pm_sandbox_timeout"' in answer["body"]:
                # The caller has stopped waiting: the connection ends without an answer.
                self.close_connection = True
                return
            self.send_response(answer["statusCode"])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keeps the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("TABLE_NAME", "payments")
    monkeypatch.setenv("PAYMENT_PROVIDER_URL", f"http://127.0.0.1:{server.server_address[1]}")
    client("dynamodb").create_table(
        TableName="payments",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    resources = importlib.import_module("payments.resources")
    resources.cashier.cache_clear()
    resources.cashier()._provider._sleep = lambda _: None

    def run(step: str, payment_method: str) -> dict[str, Any]:
        event = json.loads((EVENTS / f"payments_{step}.json").read_text())
        event["order"]["payment_token"] = payment_method
        result: dict[str, Any] = importlib.import_module(f"payments.{step}").handler(event, lambda_context)
        return result

    yield run
    resources.cashier.cache_clear()
    server.shutdown()
    server.server_close()
    thread.join()


def statuses_at_the_provider(call: Call) -> list[str]:
    """The statuses of the example order's intents, as the provider's own books say."""
    order_id = json.loads((EVENTS / "payments_authorize.json").read_text())["order"]["order_id"]
    query = {"query": f"metadata['order_id']:'{order_id}'"}
    _, found = call("GET", "/v1/payment_intents/search", query=query)
    return [intent["status"] for intent in found["data"]]


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_sandbox_flaky"])
def test_the_saga_holds_and_releases_money_at_the_sandbox(steps: Any, call: Call, method: str) -> None:
    first = steps("authorize", method)
    assert steps("authorize", method) == first
    assert statuses_at_the_provider(call) == ["requires_capture"]
    assert steps("void", method) == {"voided": True}
    assert steps("void", method) == {"voided": True}
    assert statuses_at_the_provider(call) == ["canceled"]


@pytest.mark.parametrize("method", ["pm_card_chargeDeclined", "pm_unknown"])
def test_the_saga_sees_a_decline_and_holds_nothing(steps: Any, call: Call, method: str) -> None:
    for _ in range(2):
        with pytest.raises(CardDeclined):
            steps("authorize", method)
    assert steps("void", method) == {"voided": False}
    assert "requires_capture" not in statuses_at_the_provider(call)


def test_money_held_by_a_lost_answer_is_found_and_released(steps: Any, call: Call) -> None:
    with pytest.raises(ProviderUnavailable, match="ConnectionError"):
        steps("authorize", "pm_sandbox_timeout")
    assert statuses_at_the_provider(call) == ["requires_capture"]
    assert steps("void", "pm_sandbox_timeout") == {"voided": True}
    assert statuses_at_the_provider(call) == ["canceled"]


def test_a_provider_that_only_fails_is_unavailable_and_nothing_is_held(steps: Any, call: Call) -> None:
    with pytest.raises(ProviderUnavailable, match="HTTP 500"):
        steps("authorize", "pm_sandbox_error")
    assert steps("void", "pm_sandbox_error") == {"voided": True}
    assert statuses_at_the_provider(call) == ["canceled"]

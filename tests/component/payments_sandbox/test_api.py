"""The sandbox provider through its handler, on a real table; and `payments` against it, over HTTP."""

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from payments.domain.payment import CardDeclined, ProviderUnavailable
from payments_sandbox.adapters import IntentStore
from payments_sandbox.domain.errors import ApiError
from payments_sandbox.domain.idempotent_requests import IdempotentRequests
from shared.aws import client
from shared.versioned_table import WriteConflict
from tests.component.payments.provider_server import KEY, payments_tables, sandbox_handler, serving_sandbox
from tests.component.rest_events import json_body, rest_event
from tests.component.saga_orders import order_records, record_order

EVENTS = Path(__file__).parents[3] / "events"
FORM = {
    "amount": "2000",
    "currency": "eur",
    "payment_method": "pm_card_visa",
    "capture_method": "manual",
    "metadata[order_id]": "order-1",
}
VOIDED = {"voided": True, "status": "voided"}
Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def sandbox(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, Any]]]:
    """The sandbox's handler, with its table and its key in place."""
    with sandbox_handler(monkeypatch) as handler:
        yield handler


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


def test_a_new_key_counts_at_once_and_then_the_old_one_no_longer(call: Call) -> None:
    assert call("GET", "/v1/payment_intents/pi_1")[0] == 404
    client("secretsmanager").put_secret_value(SecretId="provider-key", SecretString="sk_new")
    assert call("GET", "/v1/payment_intents/pi_1", bearer="sk_new")[0] == 404
    assert call("GET", "/v1/payment_intents/pi_1")[0] == 401


def test_an_intent_is_opened_confirmed_read_and_cancelled(call: Call) -> None:
    path = f"/v1/payment_intents/{opened(call)}"
    assert call("POST", f"{path}/confirm")[1]["status"] == "requires_capture"
    assert call("GET", path)[1]["amount_capturable"] == 2000
    assert call("POST", f"{path}/cancel")[1]["status"] == "canceled"
    status, body = call("POST", f"{path}/cancel")
    assert (status, body["error"]["code"]) == (400, "payment_intent_unexpected_state")


def test_an_intent_is_captured_and_refunded(call: Call) -> None:
    intent_id = opened(call)
    path = f"/v1/payment_intents/{intent_id}"
    assert call("POST", f"{path}/capture")[1]["error"]["code"] == "payment_intent_unexpected_state"
    call("POST", f"{path}/confirm")
    captured = call("POST", f"{path}/capture", key="c")
    assert (captured[1]["status"], captured[1]["amount_received"], captured[1]["amount_capturable"]) == (
        "succeeded",
        2000,
        0,
    )
    assert call("POST", f"{path}/capture", key="c") == captured
    form = {"payment_intent": intent_id}
    refunded = call("POST", "/v1/refunds", form, key="r")
    assert (refunded[0], refunded[1]["amount"], refunded[1]["status"]) == (200, 2000, "succeeded")
    assert call("POST", "/v1/refunds", form, key="r") == refunded
    assert call("POST", "/v1/refunds", form)[1]["error"]["code"] == "charge_already_refunded"
    _, shown = call("GET", path, query={"expand[]": "latest_charge"})
    assert shown["latest_charge"]["amount_refunded"] == 2000
    assert call("GET", path)[1]["latest_charge"] == shown["latest_charge"]["id"]


def test_a_refund_of_what_is_not_there_is_refused(call: Call) -> None:
    for form in ({}, {"payment_intent": "pi_none"}):
        assert call("POST", "/v1/refunds", form)[1]["error"]["code"] == "resource_missing"


def test_an_id_longer_than_a_key_may_be_is_not_looked_up(call: Call) -> None:
    intents = IntentStore(client("dynamodb"), "intents-are-not-looked-up")
    requests = IdempotentRequests(intents, now=lambda: 0, new_id=lambda: "1")
    with pytest.raises(ApiError, match="No such payment_intent"):
        requests.read("p" * 256)


@pytest.mark.parametrize(
    ("method", "late"),
    [
        ("pm_sandbox_timeout", ["confirm", "read"]),
        ("pm_sandbox_lost_answer", ["confirm"]),
        ("pm_card_visa", []),
    ],
)
def test_which_answers_come_too_late(
    call: Call, monkeypatch: pytest.MonkeyPatch, method: str, late: list[str]
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("payments_sandbox.functions.api.time.sleep", slept.append)
    path = f"/v1/payment_intents/{opened(call, method)}"
    came_late = []
    for name, verb, end in (
        ("confirm", "POST", "/confirm"),
        ("read", "GET", ""),
        ("cancel", "POST", "/cancel"),
        ("read again", "GET", ""),
    ):
        slept.clear()
        assert call(verb, path + end)[0] == 200
        came_late += [name] * len(slept)
    assert came_late == late


def test_the_same_key_gets_the_same_answer_and_one_intent(call: Call) -> None:
    first = call("POST", "/v1/payment_intents", FORM, key="k")
    assert call("POST", "/v1/payment_intents", dict(reversed(FORM.items())), key="k") == first
    _, found = call("GET", "/v1/payment_intents/search", query={"query": "metadata['order_id']:'order-1'"})
    assert [intent["id"] for intent in found["data"]] == [first[1]["id"]]


def test_the_same_key_with_other_parameters_is_refused(call: Call) -> None:
    call("POST", "/v1/payment_intents", FORM, key="k")
    status, body = call("POST", "/v1/payment_intents", {**FORM, "amount": "1"}, key="k")
    assert (status, body["error"]["type"]) == (400, "idempotency_error")


def test_a_key_is_good_for_one_command_on_one_intent(call: Call) -> None:
    first, second = opened(call), opened(call)
    for verb in ("confirm", "capture"):
        assert call("POST", f"/v1/payment_intents/{first}/{verb}", key=verb)[0] == 200
        status, body = call("POST", f"/v1/payment_intents/{second}/{verb}", key=verb)
        assert (status, body["error"]["type"]) == (400, "idempotency_error")
    assert call("POST", "/v1/refunds", {"payment_intent": first, "amount": "500"}, key="r")[0] == 200
    for form in ({"payment_intent": first, "amount": "501"}, {"payment_intent": second}):
        status, body = call("POST", "/v1/refunds", form, key="r")
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


def test_the_second_of_two_writers_of_one_intent_conflicts(call: Call) -> None:
    intents = IntentStore(client("dynamodb"), "sandbox")
    intent = intents.find(opened(call))
    assert intent is not None
    intents.save(intent.changed(), None, 0)
    with pytest.raises(WriteConflict):
        intents.save(intent.changed(), None, 0)


def test_the_example_event_opens_an_intent(
    sandbox: Callable[..., dict[str, Any]], lambda_context: Any
) -> None:
    event = json.loads((EVENTS / "payments_sandbox_api.json").read_text())
    event["headers"]["Authorization"] = f"Bearer {KEY}"
    assert json_body(sandbox(event, lambda_context))["status"] == "requires_confirmation"


@pytest.fixture
def steps(
    sandbox: Callable[..., dict[str, Any]], lambda_context: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], dict[str, Any]]]:
    """Runs a saga step of `payments` (by name, for a payment method) against the sandbox served over HTTP."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("TABLE_NAME", "payments")
    payments_tables()
    order_records(monkeypatch)
    dependencies = importlib.import_module("payments.dependencies")
    made = (dependencies.payment_service, dependencies._secrets)

    def run(step: str, payment_method: str) -> dict[str, Any]:
        event = json.loads((EVENTS / f"payments_steps_{step}.json").read_text())
        record_order(event["order"]["order_id"], payment_token=payment_method)
        result: dict[str, Any] = importlib.import_module("payments.functions.steps").handler(
            event, lambda_context
        )
        return result

    with serving_sandbox(sandbox, lambda_context) as url:
        monkeypatch.setenv("PAYMENT_PROVIDER_URL", url)
        for cached in made:
            cached.cache_clear()
        dependencies.payment_service()._provider._transport._sleep = lambda _: None
        yield run
        for cached in made:
            cached.cache_clear()


def test_the_saga_pays_with_the_new_key_after_its_rotation(steps: Any, call: Call) -> None:
    steps("authorize", "pm_card_visa")
    client("secretsmanager").put_secret_value(SecretId="provider-key", SecretString="sk_new")
    # The sandbox meets the new key first, so it refuses the old one that payments still keep.
    assert call("GET", "/v1/payment_intents/pi_1", bearer="sk_new")[0] == 404
    assert steps("void", "pm_card_visa") == VOIDED


def intents_at_the_provider(call: Call) -> list[dict[str, Any]]:
    """The example order's intents with their charges, as the provider has them."""
    order_id = json.loads((EVENTS / "payments_steps_authorize.json").read_text())["order"]["order_id"]
    query = {"query": f"metadata['order_id']:'{order_id}'"}
    _, found = call("GET", "/v1/payment_intents/search", query=query)
    expand = {"expand[]": "latest_charge"}
    return [call("GET", f"/v1/payment_intents/{one['id']}", query=expand)[1] for one in found["data"]]


def statuses_at_the_provider(call: Call) -> list[str]:
    """The statuses of the example order's intents."""
    return [intent["status"] for intent in intents_at_the_provider(call)]


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_sandbox_flaky"])
def test_the_saga_holds_and_releases_money_at_the_sandbox(steps: Any, call: Call, method: str) -> None:
    first = steps("authorize", method)
    assert steps("authorize", method) == first
    assert statuses_at_the_provider(call) == ["requires_capture"]
    assert steps("void", method) == VOIDED
    assert steps("void", method) == VOIDED
    assert statuses_at_the_provider(call) == ["canceled"]


@pytest.mark.parametrize("method", ["pm_card_chargeDeclined", "pm_unknown"])
def test_the_saga_sees_a_decline_and_holds_nothing(steps: Any, call: Call, method: str) -> None:
    for _ in range(2):
        with pytest.raises(CardDeclined):
            steps("authorize", method)
    assert steps("void", method) == {"voided": False, "status": "declined"}
    assert "requires_capture" not in statuses_at_the_provider(call)


def test_money_held_by_a_lost_answer_is_found_and_released(steps: Any, call: Call) -> None:
    with pytest.raises(ProviderUnavailable, match="ConnectionError"):
        steps("authorize", "pm_sandbox_timeout")
    assert statuses_at_the_provider(call) == ["requires_capture"]
    assert steps("void", "pm_sandbox_timeout") == VOIDED
    assert statuses_at_the_provider(call) == ["canceled"]


def test_a_lost_answer_is_found_by_asking(steps: Any, call: Call) -> None:
    first = steps("authorize", "pm_sandbox_lost_answer")
    assert statuses_at_the_provider(call) == ["requires_capture"]
    assert steps("authorize", "pm_sandbox_lost_answer") == first


def test_a_captured_payment_is_refunded_by_the_compensation(steps: Any, call: Call) -> None:
    steps("authorize", "pm_card_visa")
    order_id = json.loads((EVENTS / "payments_steps_authorize.json").read_text())["order"]["order_id"]
    payment_service = importlib.import_module("payments.dependencies").payment_service()
    assert payment_service.capture(order_id).status == "captured"
    assert statuses_at_the_provider(call) == ["succeeded"]
    for _ in range(2):
        assert steps("void", "pm_card_visa") == {"voided": True, "status": "refunded"}
    [refunded] = [intent["latest_charge"] for intent in intents_at_the_provider(call)]
    assert refunded["amount_refunded"] == refunded["amount_captured"] == refunded["amount"]


def test_a_provider_that_only_fails_is_unavailable_and_nothing_is_held(steps: Any, call: Call) -> None:
    with pytest.raises(ProviderUnavailable, match="HTTP 500"):
        steps("authorize", "pm_sandbox_error")
    assert steps("void", "pm_sandbox_error") == VOIDED
    assert statuses_at_the_provider(call) == ["canceled"]

"""The webhook through its handler, on real tables: whose events it accepts, and the observations it stores."""

import base64
import hashlib
import hmac
import importlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from payments.adapters.observation_store import EVENT_LIFETIME_SECONDS, ObservationStore
from payments.adapters.payment_store import PaymentStore
from payments.domain.payment import Payment, PaymentStatus
from payments.domain.return_refund import ReturnRefund
from shared.aws import client
from shared.clock import utc_now
from shared.dynamo import from_item
from shared.saga import StepInput
from shared.versioned_table import WriteConflict
from tests.component.rest_events import json_body, rest_event

EVENTS = Path(__file__).parents[3] / "events"
ORDER = StepInput.model_validate_json((EVENTS / "payments_steps_authorize.json").read_text()).order
SECRETS = {"current": "whsec_new", "previous": "whsec_old"}
Post = Callable[..., tuple[int, Any]]


@pytest.fixture
def handler(tables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, Any]]]:
    monkeypatch.setenv("TABLE_NAME", "payments")
    monkeypatch.setenv("OBSERVATIONS_TABLE_NAME", "observations")
    monkeypatch.setenv("PAYMENT_WEBHOOK_SECRET", "webhook-secrets")
    client("secretsmanager").create_secret(Name="webhook-secrets", SecretString=json.dumps(SECRETS))
    dependencies = importlib.import_module("payments.dependencies")
    made = (dependencies.provider_event_recorder, dependencies._secrets)
    for cached in made:
        cached.cache_clear()
    yield importlib.import_module("payments.functions.webhook").handler
    for cached in made:
        cached.cache_clear()


def signed(body: str, key: str = "whsec_new", at: int | None = None) -> str:
    moment = int(time.time()) if at is None else at
    digest = hmac.new(key.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


@pytest.fixture
def post(handler: Callable[..., dict[str, Any]], lambda_context: Any) -> Post:
    """Posts a body with its right signature, or with the one given."""

    def send(body: str, signature: str | None = None, **headers: str) -> tuple[int, Any]:
        header = signed(body) if signature is None else signature
        sent = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": header, **headers}
        answer = handler(rest_event("POST", "/payments/webhook", body=body, headers=sent), lambda_context)
        return answer["statusCode"], json_body(answer)

    return send


def event(
    event_type: str = "payment_intent.amount_capturable_updated",
    *,
    event_id: str = "evt_1",
    created: int | None = None,
    **shown: Any,
) -> str:
    """An event of the example order's intent."""
    about = {"id": "pi_1", "object": "payment_intent", "metadata": {"order_id": ORDER.order_id}, **shown}
    moment = int(time.time()) if created is None else created
    return json.dumps({"id": event_id, "type": event_type, "created": moment, "data": {"object": about}})


def store_payment(status: PaymentStatus, **returned: int) -> None:
    """Stores the example order's payment, with the refunds of these returns, in minor units."""
    payment = Payment.begun(ORDER, utc_now())
    refunds = {return_id: ReturnRefund(amount=amount, is_made=True) for return_id, amount in returned.items()}
    update = {"status": status, "provider_reference": "pi_1", "return_refunds": refunds}
    PaymentStore(client("dynamodb"), "payments").add(payment.model_copy(update=update))


def observed() -> dict[str, Any]:
    item = client("dynamodb").get_item(TableName="observations", Key={"pk": {"S": "intent#pi_1"}})
    return from_item(item["Item"])


def everything_stored() -> list[Any]:
    return [
        sorted(client("dynamodb").scan(TableName=table)["Items"], key=lambda item: item["pk"]["S"])
        for table in ("payments", "observations")
    ]


def test_an_event_that_fits_is_stored_without_a_mark(post: Post) -> None:
    store_payment(PaymentStatus.AUTHORIZED)
    assert post(event()) == (200, {"received": True})
    assert observed()["provider_status"] == "requires_capture"
    assert "differs_from" not in observed()


def test_an_event_that_differs_is_marked_and_leaves_the_payment_as_it_is(
    post: Post, logged: Callable[[str], list[dict[str, Any]]]
) -> None:
    store_payment(PaymentStatus.AUTHORIZED)
    payments, _ = everything_stored()
    assert post(event("payment_intent.canceled"))[0] == 200
    assert observed()["differs_from"] == "authorized"
    assert everything_stored()[0] == payments
    [line] = logged("provider event recorded")
    assert (line["level"], line["order_id"], line["outcome"]) == ("WARNING", ORDER.order_id, "differs")


def test_the_mark_goes_when_a_later_event_fits(post: Post) -> None:
    store_payment(PaymentStatus.CAPTURED)
    now = int(time.time())
    post(event(event_id="evt_1", created=now + 1))
    assert observed()["differs_from"] == "captured"
    post(event("payment_intent.succeeded", event_id="evt_2", created=now + 2))
    assert "differs_from" not in observed()


def test_a_replay_changes_nothing(post: Post, logged: Callable[[str], list[dict[str, Any]]]) -> None:
    store_payment(PaymentStatus.AUTHORIZED)
    body = event()
    assert post(body)[0] == 200
    before = everything_stored()
    assert post(body) == (200, {"received": True})
    assert post(event("payment_intent.canceled", event_id="evt_1", created=int(time.time()) + 9))[0] == 200
    assert everything_stored() == before
    assert [line["outcome"] for line in logged("provider event recorded")] == ["fits", "repeated", "repeated"]


def test_an_event_is_remembered_longer_than_the_provider_repeats_it(post: Post) -> None:
    post(event())
    item = client("dynamodb").get_item(TableName="observations", Key={"pk": {"S": "event#evt_1"}})["Item"]
    assert from_item(item)["expires_at"] >= int(time.time()) + 30 * 24 * 3600
    assert EVENT_LIFETIME_SECONDS > 30 * 24 * 3600


def test_a_late_event_does_not_overwrite_a_later_one_and_is_remembered(post: Post) -> None:
    store_payment(PaymentStatus.CAPTURED)
    now = int(time.time())
    post(event("payment_intent.succeeded", event_id="evt_2", created=now))
    post(event(event_id="evt_1", created=now))
    assert observed()["provider_status"] == "succeeded"
    assert client("dynamodb").scan(TableName="observations")["Count"] == 3


@pytest.mark.parametrize("secret", ["whsec_new", "whsec_old"])
def test_both_secrets_are_accepted_during_a_rotation(post: Post, secret: str) -> None:
    body = event()
    assert post(body, signed(body, secret))[0] == 200


def rotate(**secrets: str) -> None:
    client("secretsmanager").put_secret_value(SecretId="webhook-secrets", SecretString=json.dumps(secrets))


@pytest.fixture
def clock(handler: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the secrets that the function keeps, in seconds; a test moves it."""
    now = [0.0]
    monkeypatch.setattr(importlib.import_module("payments.dependencies")._secrets(), "_clock", lambda: now[0])
    return now


def test_a_secret_that_was_rotated_a_moment_ago_signs_and_the_one_before_it_no_longer(
    post: Post, clock: list[float]
) -> None:
    body = event()
    assert post(body)[0] == 200
    rotate(current="whsec_newest", previous="whsec_new")
    clock[0] = 1
    assert post(body, signed(body, "whsec_newest"))[0] == 200
    assert post(body, signed(body, "whsec_new"))[0] == 200
    assert post(body, signed(body, "whsec_old"))[0] == 400


def test_a_secret_is_over_within_five_minutes_after_its_rotation_ended(
    post: Post, clock: list[float]
) -> None:
    body = event()
    assert post(body, signed(body, "whsec_old"))[0] == 200
    rotate(current="whsec_new")
    clock[0] = 299
    assert post(body, signed(body, "whsec_old"))[0] == 200
    clock[0] = 300
    assert post(body, signed(body, "whsec_old"))[0] == 400


def test_forged_signatures_cause_one_reading_of_the_secret_a_second(
    post: Post, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    post(event())
    kept = importlib.import_module("payments.dependencies")._secrets()
    readings: list[dict[str, str]] = []
    read = kept._secrets_manager.get_secret_value

    def counted(**asked: str) -> Any:
        readings.append(asked)
        return read(**asked)

    monkeypatch.setattr(kept._secrets_manager, "get_secret_value", counted)
    for _ in range(4):
        clock[0] += 0.5
        assert post(event(), signed(event(), "whsec_another"))[0] == 400
    assert len(readings) == 2


@pytest.mark.parametrize(
    "signature",
    [
        lambda _: "",
        lambda _: "nonsense",
        lambda body: signed(body, "whsec_another"),
        lambda body: signed(body + " "),
        lambda _: "t=1,v1=é",
    ],
    ids=["none", "nonsense", "another secret", "another body", "not ascii"],
)
def test_no_other_signature_is_accepted_and_nothing_of_the_body_is_logged(
    post: Post, capsys: pytest.CaptureFixture[str], signature: Callable[[str], str]
) -> None:
    body = event(name="Ada Example")
    status, problem = post(body, signature(body))
    assert (status, problem["type"].rsplit("/")[-1]) == (400, "invalid-signature")
    assert everything_stored() == [[], []]
    assert "Ada Example" not in "".join(capsys.readouterr())


def test_an_old_signature_is_a_replay(post: Post) -> None:
    body = event()
    assert post(body, signed(body, at=int(time.time()) - 301))[0] == 400
    assert post(body, signed(body, at=int(time.time()) - 290))[0] == 200


def test_the_body_is_not_parsed_before_its_signature_is_verified(post: Post) -> None:
    assert post("{not json", "t=1,v1=00")[1]["type"].rsplit("/")[-1] == "invalid-signature"
    assert post("{not json")[0] == 422


def test_the_signature_is_over_the_bytes_as_they_came(
    handler: Callable[..., dict[str, Any]], lambda_context: Any
) -> None:
    body = json.dumps(json.loads(event(name="Zoë")), indent=2, ensure_ascii=False)
    sent = {"Content-Type": "application/json", "Stripe-Signature": signed(body)}
    encoded = rest_event("POST", "/payments/webhook", body=body, headers=sent)
    encoded |= {"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True}
    assert handler(encoded, lambda_context)["statusCode"] == 200


def test_unknown_events_are_received_and_ignored(post: Post) -> None:
    assert post(event("payment_method.attached")) == (200, {"received": True})
    assert post(event(metadata={}))[0] == 200
    assert everything_stored() == [[], []]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '"\\ud800"',
        "[" * 20_000,
        event(created=1, id=None),
        event(created=1, metadata={"order_id": 7}),
        event(created=1, event_id=""),
    ],
    ids=["nothing", "a list", "empty", "surrogate", "deep", "no intent", "odd metadata", "no id"],
)
def test_an_unreadable_event_is_refused_so_that_the_provider_sends_it_again(post: Post, body: str) -> None:
    status, problem = post(body)
    assert (status, problem["type"].rsplit("/")[-1]) == (422, "unreadable-event")


def test_a_body_of_any_size_is_not_read(post: Post) -> None:
    assert post(" " * (64 * 1024 + 1))[0] == 413


def test_of_two_events_at_once_neither_is_lost(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    store_payment(PaymentStatus.CAPTURED)
    now = int(time.time())
    overtake = iter([event("payment_intent.succeeded", event_id="evt_2", created=now)])
    find = PaymentStore.find

    def slow_find(self: PaymentStore, order_id: str) -> Payment | None:
        for other in overtake:
            assert post(other)[0] == 200
        return find(self, order_id)

    monkeypatch.setattr(PaymentStore, "find", slow_find)
    assert post(event(event_id="evt_1", created=now))[0] == 200
    assert observed()["provider_status"] == "succeeded"
    assert client("dynamodb").scan(TableName="observations")["Count"] == 3


def test_an_event_that_keeps_losing_is_to_be_sent_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*_: Any) -> bool:
        raise WriteConflict("evt_1")

    monkeypatch.setattr(ObservationStore, "record", lose)
    assert post(event())[0] == 503


def test_the_example_event_is_received(handler: Callable[..., dict[str, Any]], lambda_context: Any) -> None:
    example = json.loads((EVENTS / "payments_webhook.json").read_text())
    example["headers"]["Stripe-Signature"] = signed(example["body"])
    example["multiValueHeaders"]["Stripe-Signature"] = [signed(example["body"])]
    assert handler(example, lambda_context)["statusCode"] == 200
    assert client("dynamodb").scan(TableName="observations")["Count"] == 2


def report(
    event_type: str = "refund.failed", *, event_id: str = "evt_re", created: int | None = None, **shown: Any
) -> str:
    """An event about a refund of the example order's intent, as Stripe shows it."""
    about = {
        "id": "re_1",
        "object": "refund",
        "amount": ORDER.total.amount,
        "charge": "ch_1",
        "failure_reason": "expired_or_canceled_card",
        "metadata": {"order_id": ORDER.order_id},
        "payment_intent": "pi_1",
        "status": "failed",
        **shown,
    }
    moment = int(time.time()) if created is None else created
    return json.dumps({"id": event_id, "type": event_type, "created": moment, "data": {"object": about}})


def stored_payment() -> dict[str, Any]:
    item = client("dynamodb").get_item(TableName="payments", Key={"pk": {"S": ORDER.order_id}})
    return from_item(item["Item"])


def last_published() -> dict[str, Any]:
    """The event of the payment's last change."""
    [published] = stored_payment()["outbox"]
    event: dict[str, Any] = json.loads(published)
    return event


@pytest.mark.parametrize(
    ("event_type", "status"),
    [
        ("refund.failed", "failed"),
        ("charge.refund.updated", "failed"),
        ("refund.updated", "failed"),
        ("refund.updated", "canceled"),
        ("refund.updated", "requires_action"),
    ],
)
@pytest.mark.parametrize("ours", [PaymentStatus.REFUNDED, PaymentStatus.REFUNDING])
def test_a_refund_that_fails_after_a_cancellation_is_told_by_the_payment_and_by_an_alarm(
    post: Post,
    logged: Callable[[str], list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
    event_type: str,
    status: str,
    ours: PaymentStatus,
) -> None:
    store_payment(ours)

    assert post(report(event_type, status=status)) == (200, {"received": True})

    payment = stored_payment()
    assert (payment["status"], payment["reports"]["re_1"]["status"]) == (ours.value, status)
    published = last_published()
    expected = "refund_requires_action" if status == "requires_action" else "refund_failed"
    assert (published["event_type"], published["data"]["issues"]) == ("payment.issues_changed", [expected])
    [line] = logged("provider event recorded")
    assert (line["level"], line["order_id"], line["outcome"]) == ("WARNING", ORDER.order_id, "differs")
    assert '"ProviderDiffers":[1.0]' in capsys.readouterr().out.replace(" ", "")


def test_a_part_that_went_back_for_a_return_fits_and_leaves_the_payment_captured(post: Post) -> None:
    store_payment(PaymentStatus.CAPTURED, ret_1=700)
    before = stored_payment()
    now = int(time.time())
    for number, (refunded, whole, differs) in enumerate(
        ((700, False, None), (701, False, "captured"), (ORDER.total.amount, True, "captured"))
    ):
        charge = {"payment_intent": "pi_1", "captured": True, "refunded": whole, "amount_refunded": refunded}
        body = event("charge.refunded", event_id=f"evt_{number}", created=now + number, id="ch_1", **charge)
        assert post(body)[0] == 200
        assert observed().get("differs_from") == differs
    assert stored_payment() == before


def test_a_refund_of_a_return_that_fails_later_is_an_issue_until_the_return_has_its_money(post: Post) -> None:
    store_payment(PaymentStatus.CAPTURED, ret_1=700)
    of_return: dict[str, Any] = {
        "amount": 700,
        "metadata": {"order_id": ORDER.order_id, "return_id": "ret_1"},
    }

    assert post(report(**of_return))[0] == 200

    assert stored_payment()["status"] == "captured"
    assert last_published()["data"]["causes"] == ["refund_failed:re_1"]
    assert post(report(event_id="evt_2", id="re_2", status="pending", **of_return))[0] == 200
    assert (last_published()["event_type"], last_published()["data"]["issues"]) == (
        "payment.issues_changed",
        [],
    )


def test_a_repeated_and_an_older_report_change_nothing(
    post: Post, logged: Callable[[str], list[dict[str, Any]]]
) -> None:
    store_payment(PaymentStatus.REFUNDED)
    now = int(time.time())
    failed = report(created=now)
    post(failed)
    before = stored_payment()

    assert post(failed)[0] == 200
    assert post(report("refund.updated", event_id="evt_0", created=now - 60, status="succeeded"))[0] == 200

    assert stored_payment() == before
    assert [line["outcome"] for line in logged("provider event recorded")] == ["differs", "repeated", "late"]


def test_a_dispute_names_no_order_and_finds_it_by_its_intent(post: Post) -> None:
    store_payment(PaymentStatus.CAPTURED)
    post(event("payment_intent.succeeded"))

    opened = report(
        "charge.dispute.created", id="du_1", object="dispute", status="needs_response", metadata={}
    )
    assert post(opened)[0] == 200
    assert last_published()["data"]["issues"] == ["disputed"]

    lost = report(
        "charge.dispute.closed", event_id="evt_2", id="du_1", object="dispute", status="lost", metadata={}
    )
    assert post(lost)[0] == 200
    assert last_published()["data"]["issues"] == ["dispute_lost"]


@pytest.mark.parametrize(
    "shown", [{"metadata": {}}, {"payment_intent": "pi_2"}, {"metadata": {"order_id": "x"}}]
)
def test_a_report_on_money_that_no_payment_names_is_received_and_rings_an_alarm(
    post: Post, logged: Callable[[str], list[dict[str, Any]]], shown: dict[str, Any]
) -> None:
    store_payment(PaymentStatus.REFUNDED)
    before = stored_payment()

    assert post(report(**shown))[0] == 200

    assert stored_payment() == before
    assert [line["outcome"] for line in logged("provider event recorded")] == ["differs"]


def test_a_report_that_loses_a_race_starts_over(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    store_payment(PaymentStatus.REFUNDING)
    save, raced = PaymentStore.save, iter([True])

    def overtaken(self: PaymentStore, payment: Payment, events: Any = None) -> Payment:
        if next(raced, False):
            current = self.find(payment.order_id)
            assert current is not None
            save(self, *current.refund(utc_now()))
        return save(self, payment, events)

    monkeypatch.setattr(PaymentStore, "save", overtaken)

    assert post(report())[0] == 200

    payment = stored_payment()
    assert (payment["status"], payment["version"]) == ("refunded", 3)
    assert last_published()["data"]["issues"] == ["refund_failed"]

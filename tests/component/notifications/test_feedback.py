"""SES's feedback on sent mails: which addresses get no more mail, and for how long."""

import io
import json
from typing import Any

import boto3
import pytest

from notifications.domain.feedback import TOPIC_NOTICE
from shared.observability import logger
from tests.component.batches import failures
from tests.component.notifications.account import (
    BOUNCED,
    CANCELLED,
    COMPLAINED,
    CONFIRMED,
    FULFILLED,
    OPERATORS_MAIL,
    REGISTERED,
    STOCK_LOW,
    Service,
    erased,
    user_event,
)


def changed(
    body: str, *, email: str | None = None, tags: dict[str, Any] | None = None, **details: Any
) -> str:
    """SES's feedback `body` with other details of the bounce or complaint, another address, or other tags."""
    record = json.loads(body)
    record[record["eventType"].lower()].update(details)
    if email:
        record["mail"]["destination"] = [email]
    if tags is not None:
        record["mail"]["tags"] = tags
    return json.dumps(record)


@pytest.mark.parametrize(("body", "because"), [(BOUNCED, "bounce"), (COMPLAINED, "complaint")])
def test_an_address_that_bounced_for_good_or_complained_gets_no_more_mail(
    service: Service, logged: Any, body: str, because: str
):
    service.record_addresses(REGISTERED)

    assert service.record_feedback(body, body) == failures()
    assert service.send_mail(CONFIRMED, CANCELLED) == failures()

    assert (service.mails, service.dead_letters()) == ([], [])
    assert len(logged("mail skipped; the address is suppressed")) == 2
    [item] = service.addresses()
    assert item["suppressed_because"] == {"S": because}


def test_skipped_mails_are_counted(service: Service, capsys: pytest.CaptureFixture[str]):
    service.record_addresses(REGISTERED)
    service.record_feedback(BOUNCED)
    capsys.readouterr()

    service.send_mail(CONFIRMED, FULFILLED)

    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    assert [line["MailsSuppressed"] for line in counted] == [[1.0, 1.0]]


@pytest.mark.parametrize(
    "body",
    [
        changed(BOUNCED, bounceType="Transient", bounceSubType="MailboxFull"),
        changed(BOUNCED, bounceType="Undetermined"),
        changed(COMPLAINED, complaintFeedbackType="not-spam"),
        changed(BOUNCED, tags={"ses:operation": ["SendEmail"]}),
        TOPIC_NOTICE,
    ],
    ids=["transient", "undetermined", "not-spam", "mail of another sender", "the notice of the topic"],
)
def test_feedback_that_is_neither_permanent_nor_a_complaint_suppresses_nothing(service: Service, body: str):
    service.record_addresses(REGISTERED)

    assert service.record_feedback(body) == failures()
    assert service.send_mail(CONFIRMED) == failures()

    assert [to for to, _ in service.mails] == ["ada@example.com"]
    assert service.dead_letters() == []


def test_a_changed_address_is_mailed_again_and_the_old_one_is_not_when_it_comes_back(service: Service):
    service.record_addresses(REGISTERED)
    service.record_feedback(BOUNCED)

    service.record_addresses(user_event(2, "new@example.com"))
    service.send_mail(CONFIRMED)
    service.record_addresses(user_event(3, "ada@example.com"))
    service.send_mail(CANCELLED)

    assert [to for to, _ in service.mails] == ["new@example.com"]


def test_a_changed_name_lifts_no_suppression(service: Service):
    service.record_addresses(REGISTERED)
    service.record_feedback(BOUNCED)

    service.record_addresses(user_event(2, "ada@example.com", name="Ada King"))
    service.send_mail(CONFIRMED)

    assert service.mails == []


def test_a_bounce_of_a_former_address_does_not_suppress_the_new_one(service: Service):
    service.record_addresses(REGISTERED, user_event(2, "new@example.com"))

    assert service.record_feedback(BOUNCED) == failures()
    service.send_mail(CONFIRMED)

    assert [to for to, _ in service.mails] == ["new@example.com"]
    assert "ada@example.com" not in json.dumps(service.addresses())


def test_a_bounce_before_the_registration_waits_for_it(service: Service):
    assert service.record_feedback(BOUNCED) == failures("m0")
    assert service.dead_letters() == []

    service.record_addresses(REGISTERED)
    assert service.record_feedback(BOUNCED) == failures()
    service.send_mail(CONFIRMED)
    assert service.mails == []


def test_an_erasure_removes_the_suppressed_address_and_a_later_bounce_does_not_bring_it_back(
    service: Service,
):
    service.record_addresses(REGISTERED)
    service.record_feedback(BOUNCED)

    service.record_addresses(erased())
    assert service.record_feedback(BOUNCED) == failures()

    [item] = service.addresses()
    assert set(item) == {"pk", "user_id", "version", "erased_at"}


def test_the_operators_address_is_suppressed_like_any_other_until_it_is_changed(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    bounce = changed(BOUNCED, email=OPERATORS_MAIL, tags={"recipient": ["operators"]})

    assert service.record_feedback(bounce) == failures()
    service.send_mail(STOCK_LOW)
    assert service.mails == []

    monkeypatch.setenv("OPERATORS_MAIL", "others@cartwright.example")
    service.send_mail(STOCK_LOW.model_copy(update={"event_id": "the next"}))
    assert [to for to, _ in service.mails] == ["others@cartwright.example"]


def test_a_lifted_suppression_lets_mail_through_again(service: Service):
    """The command of docs/operations.md."""
    service.record_addresses(REGISTERED)
    service.record_feedback(COMPLAINED)

    boto3.client("dynamodb").update_item(
        TableName="addresses",
        Key={"pk": {"S": REGISTERED.aggregate_id}},
        UpdateExpression="REMOVE suppressed_email, suppressed_because, suppressed_at",
    )
    service.send_mail(CONFIRMED)

    assert [to for to, _ in service.mails] == ["ada@example.com"]


def test_a_malformed_message_becomes_a_dead_letter_and_the_good_ones_are_recorded(service: Service):
    service.record_addresses(REGISTERED)
    hollow = json.dumps({"eventType": "Bounce", "mail": {"destination": ["ada@example.com"]}})

    assert service.record_feedback("no json", hollow, BOUNCED) == failures()

    assert {body: reason.partition(":")[0] for body, reason in service.dead_letters()} == {
        "no json": "ValidationError",
        hollow: "ValidationError",
    }
    service.send_mail(CONFIRMED)
    assert service.mails == []


def test_no_log_line_and_no_reason_holds_an_address(service: Service, monkeypatch: pytest.MonkeyPatch):
    log = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", log)
    service.record_addresses(REGISTERED)

    service.record_feedback(
        BOUNCED, COMPLAINED, changed(BOUNCED, email="ada at example.com"), '{"mail": "ada@example.com"}'
    )
    service.send_mail(CONFIRMED)

    reasons = " ".join(reason for _, reason in service.dead_letters())
    assert "address suppressed" in log.getvalue()
    for personal in ("ada@example.com", "ada at example.com"):
        assert personal not in log.getvalue() + reasons

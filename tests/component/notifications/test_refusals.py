"""Mails that SES does not take: an operator must set SES up, or one mail is wrong, or SES is busy."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from notifications.adapters.mailer import Mailer
from tests.component.batches import failures
from tests.component.notifications.account import (
    CANCELLED,
    CONFIGURATION_SET,
    CONFIRMED,
    REGISTERED,
    SENDER,
    VERIFIED,
    Service,
)

NOT_VERIFIED = (
    "Email address is not verified. The following identities failed the check in region US-EAST-1: "
)

NOT_SET_UP = {
    "the sender is not verified": (
        "MessageRejected",
        f"{NOT_VERIFIED}{SENDER}",
        "SES has not verified the sender",
    ),
    "neither the sender nor the recipient is verified": (
        "MessageRejected",
        f"{NOT_VERIFIED}{SENDER}, ada@example.com",
        "SES has not verified the sender",
    ),
    "the account is in the sandbox": (
        "MessageRejected",
        f"{NOT_VERIFIED}ada@example.com",
        "SES is in its sandbox, and takes mail to verified addresses only",
    ),
    "the recipient's address ends like the sender's": (
        "MessageRejected",
        f"{NOT_VERIFIED}my{SENDER}",
        "SES is in its sandbox, and takes mail to verified addresses only",
    ),
    "the MAIL FROM domain is not verified": (
        "MailFromDomainNotVerifiedException",
        "",
        "SES has not verified the sender's MAIL FROM domain",
    ),
}


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Has SES answer each mail with an error, by its code and message."""

    def refuse(code: str, message: str = "") -> None:
        class RefusingSes:
            def send_email(self, **_: Any) -> dict[str, Any]:
                raise ClientError({"Error": {"Code": code, "Message": message}}, "SendEmail")

        refusing = Mailer(RefusingSes(), SENDER, CONFIGURATION_SET)
        monkeypatch.setattr("notifications.functions.send_mail.mailer", lambda: refusing)

    return refuse


@pytest.fixture
def counted(capsys: pytest.CaptureFixture[str]) -> Callable[[str], int]:
    """How much the functions counted in a metric so far."""

    def counted(name: str) -> int:
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
        return sum(sum(line.get(name, [])) for line in lines)

    return counted


@pytest.mark.parametrize(("code", "message", "reason"), NOT_SET_UP.values(), ids=NOT_SET_UP)
def test_while_ses_is_not_set_up_mails_are_counted_and_are_neither_failures_nor_dead_letters(
    service: Service,
    refuse: Callable[[str, str], None],
    counted: Callable[[str], int],
    logged: Any,
    code: str,
    message: str,
    reason: str,
) -> None:
    service.record_addresses(REGISTERED)
    refuse(code, message)

    assert service.send_mail(CONFIRMED, CANCELLED) == failures()
    assert service.send_mail(VERIFIED) == failures()

    assert (service.mails, service.dead_letters()) == ([], [])
    assert [line["reason"] for line in logged("mails are not sent")] == [reason]
    assert counted("MailsNotSent") == 3


def test_a_shop_without_a_sender_sends_no_mail_says_so_once_and_counts_it(
    service: Service, counted: Callable[[str], int], logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_SENDER", "")

    # The customer's address is not known yet, and that does not matter.
    assert service.send_mail(CONFIRMED, CANCELLED) == failures()
    assert service.send_mail(VERIFIED) == failures()

    assert (service.mails, service.dead_letters()) == ([], [])
    assert [line["reason"] for line in logged("mails are not sent")] == ["the shop has no sender"]
    assert counted("MailsNotSent") == 3


def test_from_the_set_up_on_mails_are_sent_and_none_of_before(
    service: Service, refuse: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    service.record_addresses(REGISTERED)
    with monkeypatch.context() as before:
        before.setattr("notifications.functions.send_mail.mailer", lambda: None)
        service.send_mail(CONFIRMED)

    assert service.send_mail(CONFIRMED, CANCELLED) == failures()

    assert service.mails == [("ada@example.com", f"Your order {CANCELLED.data['order_id']} is cancelled")]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("MessageRejected", "The message contains a virus."),
        ("BadRequestException", "Local address contains control or whitespace"),
        ("SendingPausedException", ""),
        ("AccountSuspendedException", ""),
    ],
)
def test_a_mail_that_ses_refuses_for_another_reason_is_a_dead_letter(
    service: Service, refuse: Callable[[str, str], None], code: str, message: str
) -> None:
    service.record_addresses(REGISTERED)
    refuse(code, message)

    assert service.send_mail(CONFIRMED) == failures()

    assert service.dead_letters() == [(CONFIRMED.model_dump_json(), f"MailRefused: SES answered {code}")]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("TooManyRequestsException", "Maximum sending rate exceeded."),
        ("ThrottlingException", "Daily message quota exceeded"),
        ("LimitExceededException", ""),
    ],
)
def test_a_mail_beyond_the_rate_or_the_days_quota_is_tried_again(
    service: Service, refuse: Callable[[str, str], None], code: str, message: str
) -> None:
    service.record_addresses(REGISTERED)
    refuse(code, message)

    assert service.send_mail(CONFIRMED) == failures("m0")
    assert service.dead_letters() == []


def test_no_log_line_and_no_record_of_a_mail_that_was_not_sent_names_its_recipient(
    service: Service, refuse: Callable[[str, str], None], logged: Any
) -> None:
    service.record_addresses(REGISTERED)
    refuse("MessageRejected", f"{NOT_VERIFIED}ada@example.com")

    service.send_mail(CONFIRMED)

    assert "ada@" not in json.dumps([*logged("mails are not sent"), *service.sent_records()])

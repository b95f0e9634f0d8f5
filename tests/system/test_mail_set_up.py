"""A shop whose SES is not set up: every order goes its way, mails are counted, and nothing is left to redrive."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from shared.clock import timestamp, utc_now
from tests.system.clean_up import KIND
from tests.system.products import TEA
from tools.log_search import entries
from tools.ops.dead_letters import DeadLetters
from tools.shop.audit import Auditor
from tools.shop.canaries import MAIL_ADDRESS, canary
from tools.shop.client import PASSWORD, Customer, Shop, made_up_address, made_up_name
from tools.stack import Stack
from tools.waiting import wait_for

from .trouble import configured, strict
from .unsent_mails import why_unsent

pytestmark = pytest.mark.embedded_only("sets SES up in other ways, and reads the mails that SES sent")
SANDBOX = "SES is in its sandbox, and takes mail to verified addresses only"
# Longer than the queue tries to send a mail.
LONGEST_TRIED = timedelta(minutes=6)


@pytest.fixture(autouse=True)
def _no_mail_is_due(undisturbed: None, auditor: Auditor) -> None:
    """The orders of the tests before have their mails: one that is not sent here would never come."""
    recently = timestamp(utc_now() - LONGEST_TRIED)

    def all_are_sent() -> bool:
        return all(
            records.has_its_mails or records.order["history"][-1]["at"] < recently
            for records in auditor.orders().values()
        )

    wait_for(all_are_sent, "the mails about earlier orders", seconds=180)


def logged(stack: Stack, text: str, since: datetime) -> list[dict[str, Any]]:
    """The JSON lines of the mails' function with `text`."""
    function = stack.resource("NotificationsSendMailFunction")
    return [json.loads(entry.message) for entry in entries(stack, [function], text, since=since)]


def not_sent(stack: Stack, since: datetime) -> int:
    """How many mails the function counted as not sent."""
    return int(sum(sum(line["MailsNotSent"]) for line in logged(stack, "MailsNotSent", since)))


def not_mailed(stack: Stack, event_id: str) -> str:
    """Why there is no mail about the event, once that is decided."""
    return wait_for(lambda: why_unsent(stack, event_id), f"no mail about {event_id}", seconds=90)


def mailed_events(auditor: Auditor, order_id: str) -> tuple[str, str]:
    """The ids of the events that confirmed and fulfilled the order, each of which there is a mail about."""
    version = auditor.order(order_id).order["version"]
    return f"{order_id}:2:order.confirmed", f"{order_id}:{version}:order.fulfilled"


def mails_about(stack: Stack, order_id: str) -> list[dict[str, Any]]:
    return [mail for mail in stack.sent_mails() if order_id in mail["BodyText"]]


def dead_letters_about(stack: Stack, order_id: str) -> list[str]:
    box = DeadLetters(stack)
    with box.inspected(box.queue("NotificationsSendMail")) as letters:
        return [letter.body for letter in letters if order_id in letter.body]


@contextmanager
def someone(shop: Shop) -> Iterator[Customer]:
    """A new customer, whose account is closed at the end of the block: the audit expects no mails for it any more."""
    # SES's sandbox takes mail to its simulator, where the other tests' addresses are.
    customer = shop.sign_up("Sandy Example", email=f"{canary(MAIL_ADDRESS)}@example.com")
    try:
        yield customer
    finally:
        shop.request("DELETE", "/users/me", token=customer.token).raise_for_status()


@contextmanager
def without_sender(stack: Stack) -> Iterator[None]:
    with configured(stack, "NotificationsSendMailFunction", MAIL_SENDER=""):
        yield


@contextmanager
def unverified_sender(stack: Stack) -> Iterator[None]:
    ses, sender = stack.client("sesv2"), stack.parameters["MailSender"]
    ses.delete_email_identity(EmailIdentity=sender)
    try:
        # The changed variable renews the execution environments: each says once why it sends no mail.
        with configured(stack, "NotificationsSendMailFunction", RENEWED=uuid4().hex):
            yield
    finally:
        ses.create_email_identity(EmailIdentity=sender)


@contextmanager
def sandbox(stack: Stack) -> Iterator[None]:
    with (
        strict(stack, mail_sandbox=1),
        configured(stack, "NotificationsSendMailFunction", RENEWED=uuid4().hex),
    ):
        yield


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (sandbox, SANDBOX),
        (without_sender, "the shop has no sender"),
        (unverified_sender, "SES has not verified the sender"),
    ],
)
def test_an_order_is_fulfilled_while_ses_takes_no_mail_and_mails_are_counted(
    stack: Stack, shop: Shop, auditor: Auditor, trouble: Any, reason: str
) -> None:
    since = utc_now()
    with trouble(stack), someone(shop) as customer:
        order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
        shop.become(customer, order_id, "fulfilled", seconds=120)
        shop.request("GET", "/users/me", token=customer.token).raise_for_status()
        events = (f"{customer.user_id}:1:user.verified", *mailed_events(auditor, order_id))
        for event_id in events:
            assert not_mailed(stack, event_id) == reason
    wait_for(lambda: not_sent(stack, since) >= len(events), "the mails to be counted", seconds=30)

    assert mails_about(stack, order_id) == []
    assert dead_letters_about(stack, order_id) == []
    assert logged(stack, "DeadLetters", since) == []
    assert {line["reason"] for line in logged(stack, "mails are not sent", since)} == {reason}


def test_once_ses_is_set_up_mails_go_out_without_anything_to_redrive(
    stack: Stack, shop: Shop, auditor: Auditor
) -> None:
    with someone(shop) as customer:
        with sandbox(stack):
            before = shop.place(customer, {TEA: 1}).json()["order_id"]
            shop.become(customer, before, "fulfilled", seconds=120)
            for event_id in mailed_events(auditor, before):
                assert not_mailed(stack, event_id) == SANDBOX
        after = shop.place(customer, {TEA: 1}).json()["order_id"]
        wait_for(lambda: mails_about(stack, after), "the mail about the order", seconds=60)

    assert mails_about(stack, before) == []
    assert dead_letters_about(stack, before) == []


def test_the_embedded_sandbox_refuses_as_ses_does(stack: Stack) -> None:
    sender = stack.parameters["MailSender"]
    mail = {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}}

    def send(source: str, to: str) -> None:
        stack.client("sesv2").send_email(
            FromEmailAddress=source, Destination={"ToAddresses": [to]}, Content=mail
        )

    def refusal(source: str, to: str) -> tuple[int, str, str]:
        with pytest.raises(ClientError) as refused:
            send(source, to)
        answer = refused.value.response
        status: int = answer["ResponseMetadata"]["HTTPStatusCode"]
        return status, answer["Error"]["Code"], answer["Error"]["Message"]

    said = "Email address is not verified. The following identities failed the check in region US-EAST-1: "
    with sandbox(stack):
        assert refusal(sender, "ada@example.com") == (400, "MessageRejected", f"{said}ada@example.com")
        assert refusal("no@nobody.example", "ada@example.com") == (
            400,
            "MessageRejected",
            f"{said}no@nobody.example, ada@example.com",
        )
        send(sender, "success@simulator.amazonses.com")
    assert refusal("no@nobody.example", "ada@example.com")[2] == f"{said}no@nobody.example"


def test_a_sign_up_after_cognitos_last_code_of_the_day_leaves_nothing_and_works_the_next_day(
    stack: Stack, shop: Shop
) -> None:
    email = made_up_address(KIND, "Late")
    body = {"email": email, "password": PASSWORD, "name": made_up_name("Late")}
    with strict(stack, codes_used_up=1):
        refused = [shop.request("POST", "/users", json=body) for _ in range(2)]

    for answer in refused:
        assert answer.status_code == 503
        assert answer.json()["type"].endswith("/confirmation-not-sent")
        assert 0 < int(answer.headers["Retry-After"]) <= 24 * 60 * 60
    assert [mail for mail in stack.sent_mails() if email in mail["To"]] == []

    assert shop.request("POST", "/users", json=body).status_code == 201
    wait_for(
        lambda: [mail for mail in stack.sent_mails() if email in mail["To"] and "code" in mail["Subject"]],
        "the code",
        seconds=30,
    )


def test_the_user_pool_mails_its_codes_by_itself_unless_it_is_told_otherwise(stack: Stack) -> None:
    pool = stack.client("cognito-idp").describe_user_pool(UserPoolId=stack.resource("UserPool"))["UserPool"]
    assert pool["EmailConfiguration"]["EmailSendingAccount"] == "COGNITO_DEFAULT"

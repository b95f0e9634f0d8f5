"""Mails of the deployed stack: each once, in the reader's language, and none to an address that bounced."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.system.products import TEA
from tools.shop.audit import Auditor
from tools.shop.client import PASSWORD, Customer, Session, Shop, made_up_address, made_up_name
from tools.stack import Stack
from tools.waiting import wait_for

from .back_doors import reads_mails
from .clean_up import KIND
from .conftest import event
from .test_choreography import dead_letter, publish
from .unsent_mails import why_unsent

EVENTS = Path(__file__).parents[2] / "events"


def mails_to(stack: Stack, address: str) -> list[dict[str, Any]]:
    """What the shop has sent there; the user pool sends its codes by itself."""
    sender = stack.parameters["MailSender"]
    return [mail for mail in stack.sent_mails() if address in mail["To"] and mail["Source"] == sender]


@pytest.fixture
def reader(shop: Shop, stack: Stack, auditor: Auditor) -> Customer:
    """Someone new who reads German, has been welcomed, and whose address has arrived."""
    email, name = made_up_address(KIND, "Greta"), made_up_name("Greta")
    body = {"email": email, "password": PASSWORD, "name": name, "locale": "de-AT"}
    answer = shop.request("POST", "/users", json=body)
    answer.raise_for_status()
    stack.client("cognito-idp").admin_confirm_sign_up(UserPoolId=stack.resource("UserPool"), Username=email)
    wait_for(
        lambda: any(item.get("email") == email for item in auditor.table("NotificationsTable")),
        "the registration",
        seconds=30,
    )
    assert mails_to(stack, email) == [], "nobody has shown yet whose address it is"
    token = shop.token_of(email)
    shop.request("GET", "/users/me", token=token).raise_for_status()
    wait_for(lambda: mails_to(stack, email), "the welcome mail", seconds=30)
    return Customer(answer.json()["user_id"], email, name, Session(token))


def facts(order_id: str, customer: Customer, **more: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "customer_id": customer.user_id,
        "status": "of the event",
        "lines": [{"sku": TEA, "quantity": 1, "unit_price": {"amount": 123_450, "currency": "EUR"}}],
        "total": {"amount": 123_450, "currency": "EUR"},
        **more,
    }


def send(stack: Stack, consumer: str, body: str) -> None:
    """Puts a message into one consumer's queue. On the topic, others would look for the made-up order in vain."""
    stack.client("sqs").send_message(QueueUrl=stack.resource(f"{consumer}Queue"), MessageBody=body)


def send_event(stack: Stack, event_type: str, customer: Customer, *, times: int = 1, **more: Any) -> str:
    """Sends an event of a made-up order of the customer; returns the order's id."""
    order_id = f"ord_{uuid4().hex}"
    for _ in range(times):
        sent = event(event_type, order_id, facts(order_id, customer, **more))
        send(stack, "NotificationsSendMail", json.dumps(sent))
    return order_id


@reads_mails
def test_a_user_is_welcomed_once_in_their_language_after_the_first_sign_in(
    stack: Stack, reader: Customer
) -> None:
    [registered] = [
        item
        for item in Auditor(stack).table("UsersTable")
        if item.get("user_id") == reader.user_id and "outbox" in item
    ]
    for _ in range(3):
        send(stack, "NotificationsSendMail", registered["outbox"][0])
    later = send_event(stack, "order.confirmed", reader)
    wait_for(lambda: mails_about(stack, later), "a later mail", seconds=30)

    welcomes = [mail for mail in mails_to(stack, reader.email) if later not in mail["BodyText"]]
    assert [mail["Subject"] for mail in welcomes] == ["Willkommen bei Cartwright"]
    assert '<html lang="de">' in welcomes[0]["BodyHtml"]
    assert reader.name not in welcomes[0]["BodyText"]


def mails_about(stack: Stack, order_id: str) -> list[dict[str, Any]]:
    return [mail for mail in stack.sent_mails() if order_id in mail["BodyText"]]


@reads_mails
@pytest.mark.parametrize(
    ("event_type", "more", "words"),
    [
        ("order.confirmed", {}, "ist bestätigt"),
        ("order.rejected", {"reason": "out_of_stock"}, "Mindestens einer der Artikel ist ausverkauft."),
        ("order.cancelled", {"by": "customer"}, "wie Sie es gewünscht haben"),
        ("order.fulfilled", {"tracking_reference": "PARCEL-4F8A21C07B"}, "Sendungsnummer: PARCEL-4F8A21C07B"),
    ],
)
def test_each_outcome_of_an_order_is_mailed_once_in_the_customers_language(
    stack: Stack, reader: Customer, event_type: str, more: dict[str, Any], words: str
) -> None:
    order_id = send_event(stack, event_type, reader, times=3, **more)
    marker = send_event(stack, "order.confirmed", reader)
    wait_for(lambda: mails_about(stack, order_id) and mails_about(stack, marker), "the mails", seconds=30)

    [mail] = mails_about(stack, order_id)
    assert order_id in mail["Subject"]
    assert words in mail["BodyText"]
    assert "1.234,50 EUR" in mail["BodyText"] and "1.234,50 EUR" in mail["BodyHtml"]
    assert mail["To"] == [reader.email]


@reads_mails
@pytest.mark.usefixtures("unhurried")
def test_a_cancelled_order_is_mailed_about_twice_when_it_was_confirmed_before(
    shop: Shop, stack: Stack, auditor: Auditor, customer: Customer
) -> None:
    order_id = shop.place(customer, {TEA: 1}).json()["order_id"]
    shop.settled(customer, order_id)
    assert shop.request("POST", f"/orders/{order_id}/cancel", token=customer.token).status_code == 202
    # A mail that was sooner than its reader's address is tried again after a minute.
    wait_for(lambda: len(auditor.order(order_id).mails) > 1, "the mails about both", seconds=120)

    found = auditor.order(order_id)
    said = {mail["Subject"]: mail["BodyText"] for mail in found.mails}
    assert set(said) == {f"Your order {order_id} is confirmed", f"Your order {order_id} is cancelled"}
    assert len(found.mails) == found.mails_due() == 2
    assert "as you asked us to" in said[f"Your order {order_id} is cancelled"]


def test_every_event_that_there_is_a_mail_about_comes_to_the_queue(stack: Stack) -> None:
    types: set[str] = set()
    for name in ("NotificationsSendMailSubscription", "NotificationsSendMailUsersSubscription"):
        subscription = stack.client("sns").get_subscription_attributes(SubscriptionArn=stack.resource(name))
        types |= set(json.loads(subscription["Attributes"]["FilterPolicy"])["event_type"])
    records = json.loads((EVENTS / "notifications_send_mail.json").read_text())["Records"]

    assert types == {json.loads(record["body"])["event_type"] for record in records}


@reads_mails
def test_low_stock_is_mailed_to_the_operators_once(stack: Stack) -> None:
    sku = f"TEST-{uuid4().hex[:8].upper()}"
    low = event("stock.low", f"stock-{sku}", {"sku": sku, "available": 2, "threshold": 3})
    for _ in range(3):
        publish(stack, "stock.low", json.dumps(low))
    marker = f"TEST-{uuid4().hex[:8].upper()}"
    later = event("stock.low", f"stock-{marker}", {"sku": marker, "available": 2, "threshold": 3})
    publish(stack, "stock.low", json.dumps(later))

    def about(what: str) -> list[dict[str, Any]]:
        return [mail for mail in stack.sent_mails() if what in mail["Subject"]]

    wait_for(lambda: about(sku) and about(marker), "the mails to the operators", seconds=30)
    [mail] = about(sku)
    assert mail["To"] == [stack.parameters["OperatorsMail"]]
    assert mail["Subject"] == f"Low stock: {sku}"


# SES reports on sent mail. MiniStack keeps the event destination and publishes nothing, so the tests do it for SES.


def ses_record(example: int, customer: Customer, **details: Any) -> str:
    """One of the records in the function's example event, about a mail to `customer`."""
    records = json.loads((EVENTS / "notifications_record_feedback.json").read_text())["Records"]
    record: dict[str, Any] = json.loads(records[example]["body"])
    record["mail"]["destination"] = [customer.email]
    record["mail"]["tags"]["recipient"] = [customer.user_id]
    record[record["eventType"].lower()].update(details)
    return json.dumps(record)


BOUNCE, COMPLAINT = 0, 1


def publish_feedback(stack: Stack, body: str) -> None:
    stack.client("sns").publish(TopicArn=stack.resource("MailFeedbackTopic"), Message=body)


def suppression_of(auditor: Auditor, customer: Customer) -> str | None:
    [item] = [item for item in auditor.table("NotificationsTable") if item["pk"] == customer.user_id]
    because: str | None = item.get("suppressed_because")
    return because


@reads_mails
@pytest.mark.parametrize(("example", "because"), [(BOUNCE, "bounce"), (COMPLAINT, "complaint")])
def test_an_address_that_bounced_or_complained_gets_no_more_mail_until_it_is_changed(
    stack: Stack, auditor: Auditor, reader: Customer, example: int, because: str
) -> None:
    for _ in range(3):
        publish_feedback(stack, ses_record(example, reader))
    wait_for(lambda: suppression_of(auditor, reader) == because, "the address to be suppressed", seconds=30)

    silenced = send_event(stack, "order.confirmed", reader)
    unsent = wait_for(
        lambda: why_unsent(stack, f"{silenced}:1:order.confirmed"), "the mail to be skipped", seconds=30
    )
    assert unsent == "address suppressed"
    assert mails_about(stack, silenced) == []

    new = made_up_address(KIND, "New")
    moved = event(
        "user.changed", reader.user_id, {"user_id": reader.user_id, "email": new, "name": reader.name}
    )
    send(stack, "NotificationsRecordAddresses", json.dumps({**moved, "aggregate_version": 3}))
    wait_for(
        lambda: any(item.get("email") == new for item in auditor.table("NotificationsTable")),
        "the new address",
        seconds=30,
    )
    order_id = send_event(stack, "order.confirmed", reader)
    [mail] = wait_for(lambda: mails_about(stack, order_id), "the mail to the new address", seconds=30)
    assert mail["To"] == [new]
    # The change above is newer than all that the users service says, its end of the account included.
    gone = event("user.deleted", reader.user_id, {"user_id": reader.user_id})
    send(stack, "NotificationsRecordAddresses", json.dumps({**gone, "aggregate_version": 4}))


@reads_mails
def test_a_transient_bounce_stops_no_mail(stack: Stack, auditor: Auditor, reader: Customer) -> None:
    publish_feedback(stack, ses_record(BOUNCE, reader, bounceType="Transient", bounceSubType="MailboxFull"))
    # A record that is kept says that the one before it was read: both are in one queue, and one batch or two.
    other = Customer("operators", "nobody@example.com", "", Session())
    publish_feedback(stack, ses_record(BOUNCE, other))
    wait_for(
        lambda: any(
            item.get("suppressed_email") == other.email for item in auditor.table("NotificationsTable")
        ),
        "a later record to be read",
        seconds=30,
    )
    order_id = send_event(stack, "order.confirmed", reader)

    wait_for(lambda: mails_about(stack, order_id), "the mail", seconds=30)
    assert suppression_of(auditor, reader) is None


def test_what_is_no_record_of_ses_is_a_dead_letter_at_once_with_its_reason(stack: Stack) -> None:
    body = f"no record {uuid4().hex}"
    publish_feedback(stack, body)

    letter = dead_letter(stack, "NotificationsRecordFeedback", body)
    assert letter["MessageAttributes"]["reason"]["StringValue"].startswith("ValidationError")


def test_ses_is_to_publish_bounces_and_complaints_of_everything_that_is_sent(stack: Stack) -> None:
    ses = stack.client("sesv2")
    name = stack.resource("MailConfigurationSet")
    [destination] = ses.get_configuration_set_event_destinations(ConfigurationSetName=name)[
        "EventDestinations"
    ]
    sender = stack.client("lambda").get_function_configuration(
        FunctionName=stack.resource("NotificationsSendMailFunction")
    )["Environment"]["Variables"]

    assert destination["Enabled"]
    assert sorted(destination["MatchingEventTypes"]) == ["BOUNCE", "COMPLAINT"]
    assert destination["SnsDestination"]["TopicArn"] == stack.resource("MailFeedbackTopic")
    assert sender["MAIL_CONFIGURATION_SET"] == name

"""The consumers of domain events: which mails they send, their recipients, and how often they send."""

import io
import json
from typing import Any
from unittest.mock import ANY

import boto3
import pytest
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from notifications.adapters.mailer import Mailer
from notifications.adapters.sent_mails import MailInProgress
from notifications.domain.layout import Mail
from shared.clock import utc_now
from shared.events import Event
from shared.observability import logger
from tests.component.batches import failures
from tests.component.notifications.account import (
    CANCELLED,
    CONFIGURATION_SET,
    CONFIRMED,
    FULFILLED,
    OPERATORS_MAIL,
    REGISTERED,
    REJECTED,
    REPORT_READY,
    SENDER,
    STOCK_LOW,
    VERIFIED,
    Service,
    erased,
    user_event,
)


def test_a_verification_has_the_address_as_well(service: Service) -> None:
    """A rebuild of the projection sends that one alone."""
    service.record_addresses(VERIFIED)
    assert service.send_mail(CONFIRMED) == failures()
    assert [to for to, _ in service.mails] == ["ada@example.com"]


def test_a_registration_is_no_proof_of_an_address_so_nobody_is_welcomed_for_it(service: Service) -> None:
    assert service.send_mail(REGISTERED) == failures()
    assert (service.mails, service.dead_letters()) == ([], [])


def test_a_confirmed_and_a_rejected_order_are_mailed_to_the_customers_address(service: Service):
    service.record_addresses(REGISTERED)

    assert service.send_mail(CONFIRMED, REJECTED) == failures()

    assert service.mails == [
        ("ada@example.com", f"Your order {CONFIRMED.data['order_id']} is confirmed"),
        ("ada@example.com", f"We could not accept your order {REJECTED.data['order_id']}"),
    ]


def test_a_cancelled_and_a_fulfilled_order_are_mailed_to_the_customers_address(service: Service):
    service.record_addresses(REGISTERED)

    assert service.send_mail(CANCELLED, FULFILLED) == failures()

    assert service.mails == [
        ("ada@example.com", f"Your order {CANCELLED.data['order_id']} is cancelled"),
        ("ada@example.com", f"Your order {FULFILLED.data['order_id']} is on its way"),
    ]


def returned(version: int, what: str, **more: Any) -> Event:
    """An event about a return of Ada's fulfilled order."""
    order_id = FULFILLED.data["order_id"]
    facts = {
        "order_id": order_id,
        "return_id": "ret_1",
        "customer_id": FULFILLED.data["customer_id"],
        "lines": [{"sku": "TEA-EARL-100", "quantity": 1}],
    }
    return FULFILLED.model_copy(
        update={
            "event_id": f"returns-{order_id}:{version}:return.{what}",
            "event_type": f"return.{what}",
            "aggregate_id": f"returns-{order_id}",
            "data": {**facts, **more},
        }
    )


def test_a_return_is_mailed_to_the_customer_once_each_for_its_label_its_refusal_and_its_refund(
    service: Service,
):
    service.record_addresses(REGISTERED)
    events = (
        returned(4, "labelled", tracking_reference="CW8K87J2WHJWVB"),
        returned(5, "refused", refusal="excluded"),
        returned(6, "refunded", refund={"amount": 749, "currency": "EUR"}),
    )

    assert service.send_mail(*events, *events) == failures()

    order_id = FULFILLED.data["order_id"]
    assert service.mails == [
        ("ada@example.com", f"Send back: your return of order {order_id}"),
        ("ada@example.com", f"We cannot take back pieces of your order {order_id}"),
        ("ada@example.com", f"Your money for order {order_id} is on its way"),
    ]


def test_a_new_user_is_welcomed_whether_or_not_their_address_has_arrived_yet(service: Service):
    assert service.send_mail(VERIFIED) == failures()
    service.record_addresses(REGISTERED)
    assert service.send_mail(VERIFIED) == failures()

    assert service.mails == [("ada@example.com", "Welcome to Cartwright")]


def test_a_welcome_that_comes_late_goes_to_the_newest_address_in_its_language(service: Service):
    service.record_addresses(REGISTERED, user_event(2, "new@example.com", locale="de-AT"))

    assert service.send_mail(VERIFIED) == failures()

    assert service.mails == [("new@example.com", "Willkommen bei Cartwright")]


@pytest.mark.parametrize(
    ("locale", "subject"),
    [("de-Latn-AT", "Willkommen bei Cartwright"), ("zh-Hant-TW", "Welcome to Cartwright")],
)
def test_a_reader_whose_language_has_no_words_is_mailed_in_one_that_has(
    service: Service, locale: str, subject: str
):
    service.record_addresses(user_event(2, "ada@example.com", locale=locale))

    assert service.send_mail(VERIFIED) == failures()

    assert service.mails == [("ada@example.com", subject)]


@pytest.mark.parametrize("locale", ["de", "de-Latn-AT"])
def test_low_stock_is_mailed_to_the_operators_in_their_language(
    service: Service, monkeypatch: pytest.MonkeyPatch, locale: str
):
    monkeypatch.setenv("OPERATORS_LOCALE", locale)

    assert service.send_mail(STOCK_LOW) == failures()

    assert service.mails == [(OPERATORS_MAIL, "Geringer Bestand: TEA-EARL-100")]


def test_a_report_is_mailed_to_the_operators(service: Service):
    assert service.send_mail(REPORT_READY) == failures()

    assert service.mails == [(OPERATORS_MAIL, "Report on week 2026-W46")]


EVERY_EVENT = [CONFIRMED, REJECTED, VERIFIED, CANCELLED, FULFILLED, STOCK_LOW, REPORT_READY]


def test_every_event_delivered_three_times_in_any_order_is_mailed_once(service: Service):
    service.record_addresses(REGISTERED)

    for turn in range(3):
        again = EVERY_EVENT[turn:] + EVERY_EVENT[:turn]
        assert service.send_mail(*reversed(again), again[0]) == failures()

    assert len(service.mails) == len(set(service.mails)) == len(EVERY_EVENT)


def test_a_mail_carries_its_recipients_id_and_the_configuration_set(aws: None):
    ses = boto3.client("sesv2")
    expected = {
        "FromEmailAddress": SENDER,
        "Destination": {"ToAddresses": ["ada@example.com"]},
        "ConfigurationSetName": CONFIGURATION_SET,
        "EmailTags": [{"Name": "recipient", "Value": "user-1"}],
        "Content": ANY,
    }
    with Stubber(ses) as stubbed:
        stubbed.add_response("send_email", {"MessageId": "m-1"}, expected)
        mail = Mail(subject="Hello", text="Hello", html="<p>Hello</p>")
        sent = Mailer(ses, SENDER, CONFIGURATION_SET).send(mail, to="ada@example.com", recipient_id="user-1")
    assert sent == "m-1"


def test_the_record_of_a_sent_mail_outlives_the_dead_letters(service: Service):
    service.record_addresses(REGISTERED)
    service.send_mail(CONFIRMED)

    [record] = boto3.client("dynamodb").scan(TableName="sent")["Items"]
    kept_days = (int(record["expires_at"]["N"]) - utc_now().timestamp()) / 86_400
    assert kept_days > 4 + 14


def test_a_mail_that_an_earlier_version_of_the_system_sent_is_not_sent_again(service: Service):
    earlier = idempotent_function(
        lambda event: {"message_id": event.event_id},
        data_keyword_argument="event",
        persistence_store=DynamoDBPersistenceLayer(
            table_name="sent", key_attr="pk", expiry_attr="expires_at", boto3_client=boto3.client("dynamodb")
        ),
        config=IdempotencyConfig(event_key_jmespath="event_id", hash_function="sha256"),
        key_prefix="mail",
    )
    earlier(event=CONFIRMED)
    service.record_addresses(REGISTERED)

    assert service.send_mail(CONFIRMED) == failures()
    assert service.mails == []


def test_a_customer_who_is_not_known_yet_is_mailed_at_a_later_delivery(service: Service):
    assert service.send_mail(CONFIRMED) == failures("m0")
    assert service.mails == []
    assert service.dead_letters() == []

    service.record_addresses(REGISTERED)
    assert service.send_mail(CONFIRMED) == failures()
    assert len(service.mails) == 1


def test_of_two_deliveries_at_once_one_is_mailed_and_the_other_comes_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    service.record_addresses(REGISTERED)
    send = Mailer.send
    refused: list[str] = []

    def send_while_delivered_again(mailer: Mailer, mail: Mail, **addressed: str) -> str:
        with pytest.raises(MailInProgress) as refusal:
            service.functions["send_mail"].notify(CONFIRMED)
        refused.append(str(refusal.value))
        return send(mailer, mail, **addressed)

    monkeypatch.setattr(Mailer, "send", send_while_delivered_again)

    assert service.send_mail(CONFIRMED) == failures()
    assert len(refused) == 1
    assert len(service.mails) == 1


def test_the_claim_of_a_killed_invocation_does_not_prevent_the_mail(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    """A function that dies between claim and mail leaves a claim that ends with the invocation's time."""
    service.record_addresses(REGISTERED)

    class CutOff(BaseException):
        pass

    def die(*_: Any, **__: Any) -> str:
        raise CutOff

    with monkeypatch.context() as dying:
        dying.setattr(Mailer, "send", die)
        dying.setattr(type(service.context), "get_remaining_time_in_millis", lambda _: -1)
        with pytest.raises(CutOff):
            service.send_mail(CONFIRMED)
    assert service.mails == []

    assert service.send_mail(CONFIRMED) == failures()
    assert len(service.mails) == 1


def test_malformed_messages_become_dead_letters_with_a_reason_and_the_good_ones_are_mailed(
    service: Service,
):
    service.record_addresses(REGISTERED)
    hollow = CONFIRMED.model_copy(update={"event_id": "hollow", "data": {"order_id": "ord_9"}})

    assert service.send_mail("no json", hollow, CONFIRMED) == failures()

    assert len(service.mails) == 1
    reasons = dict(service.dead_letters())
    assert set(reasons) == {"no json", hollow.model_dump_json()}
    assert reasons["no json"].startswith("UnreadableMessage")
    assert reasons[hollow.model_dump_json()].startswith("ValidationError")


def test_a_mail_that_ses_refuses_goes_to_the_dead_letters_and_is_sent_by_a_redrive(service: Service):
    service.record_addresses(REGISTERED)
    boto3.client("ses").delete_identity(Identity=SENDER)

    assert service.send_mail(CONFIRMED) == failures()
    assert service.dead_letters() == [
        (CONFIRMED.model_dump_json(), "MailRefused: SES answered MessageRejected")
    ]

    boto3.client("ses").verify_email_identity(EmailAddress=SENDER)
    assert service.send_mail(CONFIRMED) == failures()
    assert len(service.mails) == 1


def test_a_mail_is_tried_again_if_ses_is_busy(service: Service, monkeypatch: pytest.MonkeyPatch):
    service.record_addresses(REGISTERED)

    class BusySes:
        def send_email(self, **_: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "TooManyRequestsException", "Message": ""}}, "SendEmail")

    with monkeypatch.context() as busy:
        busy.setattr(
            "notifications.functions.send_mail.mailer", lambda: Mailer(BusySes(), SENDER, CONFIGURATION_SET)
        )
        assert service.send_mail(CONFIRMED) == failures("m0")
    assert service.dead_letters() == []

    assert service.send_mail(CONFIRMED) == failures()
    assert len(service.mails) == 1


def test_mail_goes_to_the_newest_address_in_any_order_of_changes(service: Service):
    assert (
        service.record_addresses(
            user_event(3, "new@example.com"), REGISTERED, user_event(2, "old@example.com")
        )
        == failures()
    )

    service.send_mail(CONFIRMED)

    assert [to for to, _ in service.mails] == ["new@example.com"]


def test_an_erased_customer_leaves_no_address_and_gets_no_more_mail(service: Service):
    service.record_addresses(REGISTERED)

    assert service.record_addresses(erased()) == failures()
    assert service.send_mail(CONFIRMED, REJECTED) == failures()

    assert (service.mails, service.dead_letters()) == ([], [])
    [item] = service.addresses()
    assert set(item) == {"pk", "user_id", "version", "erased_at"}


@pytest.mark.parametrize("latecomers", [[REGISTERED], [user_event(3, "old@example.com"), REGISTERED]])
def test_a_late_event_does_not_bring_an_erased_address_back(service: Service, latecomers: list[Event]):
    service.record_addresses(erased(), *latecomers, erased())

    service.send_mail(CONFIRMED, VERIFIED)

    assert service.mails == []
    assert "example.com" not in json.dumps(service.addresses())


def test_an_erasure_that_comes_before_the_registration_skips_the_mail_at_its_first_try(service: Service):
    service.record_addresses(erased())

    assert service.send_mail(CONFIRMED) == failures()
    assert service.mails == []


def test_no_log_line_and_no_reason_holds_personal_data(service: Service, monkeypatch: pytest.MonkeyPatch):
    log = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", log)

    service.record_addresses(REGISTERED, user_event(2, "ada at example.com"), '{"email": "ada@example.com"}')
    service.send_mail(CONFIRMED, VERIFIED, REJECTED.model_copy(update={"data": {"name": "Ada Lovelace"}}))

    reasons = [reason for _, reason in service.dead_letters()]
    assert len(reasons) == 3
    assert "event consumed" in log.getvalue()
    for personal in ("ada@example.com", "ada at example.com", "Lovelace"):
        assert personal not in log.getvalue() + " ".join(reasons)

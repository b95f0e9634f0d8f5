"""Rebuilding the sales projection from the archive, by the AWS API alone."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event as Signal
from typing import Any, cast

import boto3
import pytest

from archive.adapters import ArchiveStore
from archive.domain import without_personal_data
from shared.dynamo import to_item
from shared.events import Event
from tests.component.batches import example_events, failures
from tests.component.reports.account import Service, reports_account
from tests.component.shipped_template import template
from tests.order_placed import PLACED_V1
from tools import console as steps
from tools.console import StepError
from tools.contracts.events.contracts import contracts
from tools.ops import rebuild as rebuilding
from tools.ops.rebuild import PROJECTIONS, outcome, rebuild
from tools.stack import Stack

READ_BY_SALES = next(
    types
    for types, name in template().consumers
    if name == "ReportsRecordSalesFunction" and isinstance(types, frozenset)
)
SALES_EVENTS = example_events("reports_record_sales.json")
BIG = "x" * 200_000


@dataclass
class Shop:
    """A stack of a few resources in moto, whose reports service consumes its queue on demand."""

    reports: Service
    resources: dict[str, str]
    said: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(service)

    def resource(self, logical_id: str) -> str:
        return self.resources.get(logical_id, logical_id)

    def archive(self, *events: Event) -> None:
        """Puts these events into the archive."""
        store = ArchiveStore(self.client("dynamodb"), "ArchiveTable")
        for event in events:
            store.put(without_personal_data(event))

    def rebuild(self) -> int:
        """Rebuilds the sales while the reports service consumes; `taken` collects its messages."""
        done = Signal()
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(self._work_until, done)
            try:
                return rebuild(cast(Stack, self), "reports-sales", say=self.said.append)
            finally:
                done.set()
                working.result()

    def _work_until(self, done: Signal) -> None:
        sqs, queue = self.client("sqs"), self.resource("ReportsRecordSalesQueue")
        while not done.wait(0.01):
            for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
                assert self.reports.record_sales(message["Body"]) == failures()
                self.taken.append(message["Body"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])

    def sales(self) -> list[dict[str, Any]]:
        return sorted(self.reports.items("ReportsSalesTable"), key=lambda item: (item["pk"], item["sk"]))

    def lose_sales(self) -> None:
        for item in self.sales():
            key = {name: {"S": item[name]} for name in ("pk", "sk")}
            boto3.client("dynamodb").delete_item(TableName="ReportsSalesTable", Key=key)


@pytest.fixture
def shop(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    sqs, sns = boto3.client("sqs"), boto3.client("sns")
    consumers = ("ArchiveStoreEvents", "ReportsRecordSales")
    queues = [f"{consumer}{kind}" for consumer in consumers for kind in ("Queue", "DeadLetterQueue")]
    resources = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in queues}
    resources["ReportsRecordSalesSubscription"] = sns.subscribe(
        TopicArn=sns.create_topic(Name="topic")["TopicArn"],
        Protocol="sqs",
        Endpoint="arn:aws:sqs:eu-central-1:123456789012:ReportsRecordSalesQueue",
        Attributes={"FilterPolicy": json.dumps({"event_type": sorted(READ_BY_SALES)})},
    )["SubscriptionArn"]
    boto3.client("dynamodb").create_table(**template().tables["ArchiveTable"])
    monkeypatch.setattr(rebuilding, "_ARCHIVE_BEHIND_SECONDS", 1)
    with reports_account(lambda_context, monkeypatch) as reports:
        yield Shop(reports, resources)


def archived_events() -> list[Event]:
    """An event of every type that is archived, the events of the reports' own example, and an old version."""
    others = [
        Event.model_validate(contract.example()).model_copy(
            update={"event_id": f"a-1:2:{contract.event_type}", "aggregate_id": "a-1"}
        )
        for contract in contracts()
        if contract.service != "users"
    ]
    old = PLACED_V1.model_copy(update={"event_id": "a-2:1:order.placed", "aggregate_id": "a-2"})
    return [*others, *SALES_EVENTS, old]


def test_a_lost_projection_is_rebuilt_from_the_events_of_its_consumers_types(shop: Shop) -> None:
    published = archived_events()
    shop.archive(*published)
    assert (
        shop.reports.record_sales(*(event for event in published if event.event_type in READ_BY_SALES))
        == failures()
    )
    before = shop.sales()
    shop.lose_sales()

    assert shop.rebuild() == len(shop.taken)

    assert shop.sales() == before
    assert {json.loads(body)["event_type"] for body in shop.taken} == READ_BY_SALES
    assert shop.said == []


def test_rebuilding_an_intact_projection_changes_nothing(shop: Shop) -> None:
    published = [event for event in archived_events() if event.event_type in READ_BY_SALES]
    shop.archive(*published)
    shop.reports.record_sales(*published)
    before = shop.sales()

    shop.rebuild()
    shop.rebuild()

    assert shop.sales() == before


def test_the_newest_version_of_a_product_stays_whichever_arrives_last(shop: Shop) -> None:
    [change] = [event for event in SALES_EVENTS if event.event_type == "product.changed"]

    def version(number: int) -> Event:
        facts = {"aggregate_version": number, "event_id": f"{change.aggregate_id}:{number}:product.changed"}
        return change.model_copy(update={**facts, "data": change.data | {"name": f"Name {number}"}})

    shop.archive(version(2), version(3))
    shop.reports.record_sales(version(4))

    shop.rebuild()

    assert [(item["version"], item["name"]) for item in shop.sales()] == [(4, "Name 4")]


def test_events_beyond_the_limits_of_one_request_are_sent_in_several(shop: Shop) -> None:
    [placed] = [event for event in SALES_EVENTS if event.event_type == "order.placed"]
    big = [
        placed.model_copy(
            update={"event_id": f"o-{n}:1:order.placed", "aggregate_id": f"o-{n}", "correlation_id": BIG}
        )
        for n in range(12)
    ]
    shop.archive(*big)

    assert shop.rebuild() == 12

    assert sorted(item["event_id"] for item in shop.sales()) == sorted(event.event_id for event in big)


def test_events_that_reach_the_archive_meanwhile_are_sent(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue, waiting = shop.resource("ArchiveStoreEventsQueue"), rebuilding._waiting
    boto3.client("sqs").send_message(QueueUrl=queue, MessageBody="published just before the loss")

    def and_catch_up(sqs: Any, of: str) -> int:
        """How many wait; the archive stores them once they were counted."""
        left = waiting(sqs, of)
        if of == queue and left:
            shop.archive(*example_events("reports_record_sales.json"))
            sqs.purge_queue(QueueUrl=queue)
        return left

    monkeypatch.setattr(rebuilding, "_waiting", and_catch_up)

    assert shop.rebuild() == len(SALES_EVENTS)
    assert shop.said == []


def test_an_archive_that_does_not_catch_up_is_reported_and_used_as_it_is(shop: Shop) -> None:
    shop.archive(*example_events("reports_record_sales.json"))
    boto3.client("sqs").send_message(QueueUrl=shop.resource("ArchiveStoreEventsQueue"), MessageBody="late")

    assert shop.rebuild() == len(SALES_EVENTS)

    [said] = shop.said
    assert said.startswith("1 events still wait for the archive.")
    assert "run it again later" in said


def test_dead_letters_of_the_archive_are_reported_as_missing_events(shop: Shop) -> None:
    boto3.client("sqs").send_message(
        QueueUrl=shop.resource("ArchiveStoreEventsDeadLetterQueue"), MessageBody="bad"
    )

    assert shop.rebuild() == 0

    [said] = shop.said
    assert said.startswith("1 messages wait in the archive's dead letters.")
    assert "make redrive QUEUE=ArchiveStoreEvents" in said


def test_long_work_reports_its_progress(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "_SECONDS_BETWEEN_REPORTS", 0)
    shop.archive(*example_events("reports_record_sales.json"))

    shop.rebuild()

    assert shop.said[0] == f"{len(SALES_EVENTS)} sent so far"
    assert all(line.endswith("wait for ReportsRecordSales") for line in shop.said[1:])


def test_a_consumer_that_makes_no_progress_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuilding, "_WITHOUT_PROGRESS_SECONDS", 0.3)
    shop.archive(*example_events("reports_record_sales.json"))

    number = len(SALES_EVENTS)
    said = f"{number} sent, but {number} wait for ReportsRecordSales"
    with pytest.raises(StepError, match=said) as raised:
        rebuild(cast(Stack, shop), "reports-sales", say=shop.said.append)

    assert "make dlq" in raised.value.advice
    assert "new events of the shop" in raised.value.advice


def test_a_queue_that_new_events_keep_from_being_empty_is_waited_for_no_longer_than_its_messages(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten messages are sent. Each time that the queue is asked, new events have come or a batch has gone."""
    lengths = iter([10, 13, 8, 11, 6, 9])
    monkeypatch.setattr(rebuilding, "_WITHOUT_PROGRESS_SECONDS", 0.3)
    monkeypatch.setattr(
        rebuilding, "_waiting", lambda _, queue: next(lengths) if "RecordSales" in queue else 0
    )
    shop.archive(*example_events("reports_record_sales.json"))

    rebuild(cast(Stack, shop), "reports-sales", say=shop.said.append)

    assert list(lengths) == [9], "5 have gone, and then 5 more"


def test_an_archive_that_new_events_keep_busy_is_waited_for_no_longer_than_its_messages(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten events wait for the archive. Each time that it is asked, new ones have come or some are stored."""
    lengths = iter([10, 12, 7, 11, 5, 9])
    waiting = rebuilding._waiting
    monkeypatch.setattr(
        rebuilding,
        "_waiting",
        lambda sqs, queue: next(lengths) if queue.endswith("StoreEventsQueue") else waiting(sqs, queue),
    )
    shop.archive(*example_events("reports_record_sales.json"))

    shop.rebuild()

    assert list(lengths) == [9], "5 are stored, and then 6 more"
    assert shop.said == []


@pytest.mark.parametrize(
    ("waiting", "dead", "left"),
    [
        (0, 0, "Its queue is empty: it has processed all of them."),
        (
            3,
            0,
            "As many messages as waited then have left its queue.\n"
            "It has 3 now: new events of the running shop, or the last of these.",
        ),
        (
            0,
            2,
            "Its queue is empty.\n2 messages lie in its dead letters: see `make dlq`, "
            "then `make redrive QUEUE=ReportsRecordSales`.",
        ),
    ],
)
def test_the_outcome_says_what_is_left_in_the_consumers_queues(
    shop: Shop, waiting: int, dead: int, left: str
) -> None:
    for number, kind in ((waiting, "Queue"), (dead, "DeadLetterQueue")):
        for _ in range(number):
            url = shop.resource(f"ReportsRecordSales{kind}")
            boto3.client("sqs").send_message(QueueUrl=url, MessageBody="waits")

    said = outcome(cast(Stack, shop), PROJECTIONS["reports-sales"], 1234)

    assert said == f"Sent 1,234 events to ReportsRecordSales.\n{left}"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("catalog-shelves", "Gave 7 products another place."),
        ("orders-countries", "Gave 7 orders their country."),
    ],
)
def test_the_outcome_of_what_has_no_consumer_is_the_number_of_changed_items(
    shop: Shop, name: str, said: str
) -> None:
    assert outcome(cast(Stack, shop), PROJECTIONS[name], 7) == said


def test_messages_that_sqs_refuses_are_reported(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.archive(*example_events("reports_record_sales.json"))
    sqs = shop.client("sqs")
    refused = {"Failed": [{"Id": "0", "Code": "InternalError", "SenderFault": False}]}
    monkeypatch.setattr(sqs, "send_message_batch", lambda **_: refused)
    monkeypatch.setattr(shop, "client", lambda service: sqs if service == "sqs" else boto3.client(service))

    with pytest.raises(StepError, match="SQS refused some messages: InternalError"):
        rebuild(cast(Stack, shop), "reports-sales", say=shop.said.append)


def test_a_projection_of_present_states_gets_what_its_subscription_lets_through_and_nothing_else(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outbox has all events of the item's last change, and some of them are for other consumers."""
    sqs, sns, dynamodb = boto3.client("sqs"), boto3.client("sns"), boto3.client("dynamodb")
    dynamodb.create_table(**template().tables["CatalogTable"])
    shop.resources["OrdersRecordPricesQueue"] = sqs.create_queue(QueueName="prices")["QueueUrl"]
    shop.resources["OrdersRecordPricesSubscription"] = sns.subscribe(
        TopicArn=sns.create_topic(Name="topic")["TopicArn"],
        Protocol="sqs",
        Endpoint="arn:aws:sqs:eu-central-1:123456789012:prices",
        Attributes={"FilterPolicy": json.dumps({"event_type": ["product.changed"]})},
    )["SubscriptionArn"]
    published = {
        contract.event_type: json.dumps(contract.example())
        for contract in contracts()
        if contract.event_type.startswith("product.")
    }
    assert len(published) > 1
    outboxes = [[*published.values()], [published["product.image_ready"]], ["no event", "[]", "null"], []]
    for number, outbox in enumerate(outboxes):
        item = {"pk": f"product#{number}", "outbox": outbox}
        dynamodb.put_item(TableName="CatalogTable", Item=to_item(item))
    monkeypatch.setattr(rebuilding, "_let_as_many_leave", lambda *_: None)

    assert rebuild(cast(Stack, shop), "orders-prices", say=shop.said.append) == 1

    messages = sqs.receive_message(QueueUrl=shop.resource("OrdersRecordPricesQueue"), MaxNumberOfMessages=10)
    assert [message["Body"] for message in messages["Messages"]] == [published["product.changed"]]

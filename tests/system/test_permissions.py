"""What a part of the system can do if a stranger takes it over: its own work, and nothing else."""

import json
import random
from functools import partial
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
import requests

from shared.clock import timestamp, utc_now
from tests.system.back_doors import sets_strictness
from tests.system.observer import topic_of
from tests.system.products import TEA
from tests.system.roles import acting_as, is_denied
from tests.system.trouble import strict
from tools.ops.dead_letters import DeadLetters
from tools.permissions.table import DENIED, Row, denials_of, granted_as
from tools.permissions.uses import forget_denials
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for


def queues(stack: Stack) -> dict[str, str]:
    """The URLs of all queues of the stack."""
    return {name: url for name, url in stack.resources.items() if name.endswith("Queue")}


def deletion_of(user_id: str) -> dict[str, Any]:
    """The event that has every service erase a user."""
    return {
        "event_id": f"{user_id}:2:user.deleted",
        "event_type": "user.deleted",
        "event_version": 1,
        "occurred_at": timestamp(utc_now()),
        "aggregate_id": user_id,
        "aggregate_version": 2,
        "correlation_id": "forged",
        "data": {"user_id": user_id},
    }


@pytest.mark.parametrize(
    "consumer", ["NotificationsRecordFeedback", "ImageProcessorRender", "PaymentsCapture"]
)
def test_a_consumer_reads_its_own_queue_alone(stack: Stack, consumer: str) -> None:
    with acting_as(stack, f"{consumer}FunctionRole") as client:
        sqs = client("sqs")
        readable = {
            name
            for name, url in queues(stack).items()
            if not is_denied(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["QueueArn"])
        }
        assert readable == {f"{consumer}Queue"}
        others = [url for name, url in queues(stack).items() if name != f"{consumer}Queue"]
        assert all(is_denied(sqs.receive_message, QueueUrl=url) for url in others)
        assert all(is_denied(sqs.delete_message, QueueUrl=url, ReceiptHandle="none") for url in others)


def test_a_relay_reads_its_own_stream_alone(stack: Stack) -> None:
    streams = {
        name: stack.client("dynamodb").describe_table(TableName=table)["Table"].get("LatestStreamArn")
        for name, table in stack.resources.items()
        if name.endswith("Table")
    }
    with acting_as(stack, "CatalogRelayFunctionRole") as client:
        reader = client("dynamodbstreams")
        readable = {
            name
            for name, arn in streams.items()
            if arn and not is_denied(reader.describe_stream, StreamArn=arn)
        }
    assert readable == {"CatalogTable"}


def test_the_function_that_decodes_strangers_pictures_can_forge_no_event(stack: Stack) -> None:
    forged = json.dumps(deletion_of(f"usr_{uuid4().hex}"))
    attributes = {"event_type": {"DataType": "String", "StringValue": "user.deleted"}}
    message = {"Message": forged, "MessageAttributes": attributes}
    with acting_as(stack, "ImageProcessorRenderFunctionRole") as client:
        sns, sqs = client("sns"), client("sqs")
        for topic in (arn for name, arn in stack.resources.items() if name.endswith("Topic")):
            assert is_denied(sns.publish, TopicArn=topic, **message), topic
            entries = [{"Id": "1", **message}]
            assert is_denied(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries), topic
        writable = {"CatalogRecordPicturesQueue", "ImageProcessorRenderDeadLetterQueue"}
        for name, url in queues(stack).items():
            if name not in writable:
                assert is_denied(sqs.send_message, QueueUrl=url, MessageBody=forged), name


@pytest.mark.parametrize("relay", ["Orders", "Catalog", "Payments"])
def test_a_relay_cannot_have_a_user_erased(stack: Stack, relay: str) -> None:
    forged = json.dumps(deletion_of(f"usr_{uuid4().hex}"))
    with acting_as(stack, f"{relay}RelayFunctionRole") as client:
        assert is_denied(client("sns").publish, TopicArn=topic_of(stack, "user.deleted"), Message=forged)


def test_a_relay_cannot_have_a_user_erased_behind_the_label_of_another_type(stack: Stack) -> None:
    """The topic of all other events reaches consumers that read both, and its filters see the label alone."""
    user_id = f"usr_{uuid4().hex}"
    label = {"event_type": {"DataType": "String", "StringValue": "shipment.return_booked"}}
    with acting_as(stack, "OrdersRelayFunctionRole") as client:
        client("sns").publish(
            TopicArn=topic_of(stack, "shipment.return_booked"),
            Message=json.dumps(deletion_of(user_id)),
            MessageAttributes=label,
        )

    for consumer in ("ReturnsFollow", "ArchiveStoreEvents"):
        wait_for(partial(is_refused, stack, consumer, user_id), f"a dead letter of {consumer}", seconds=60)
    tombstone = {"pk": {"S": f"customer#{user_id}"}}
    found = stack.client("dynamodb").get_item(TableName=stack.resource("ReturnsTable"), Key=tombstone)
    assert "Item" not in found


def is_refused(stack: Stack, consumer: str, needle: str) -> bool:
    """Whether a message with `needle` is among the dead letters of the consumer, for its label."""
    box = DeadLetters(stack)
    with box.inspected(box.queue(consumer)) as letters:
        return any(
            letter.value("reason").startswith("MislabelledEvent")
            for letter in letters
            if needle in letter.body
        )


def test_a_sweep_reads_nothing_of_the_catalogue_but_what_it_compares_with(stack: Stack) -> None:
    table = stack.resource("CatalogTable")
    product, upload = ({"pk": {"S": key}} for key in ("TEA-ASSAM-100", "upload#TEA-ASSAM-100#1"))
    with acting_as(stack, "CatalogSweepUploadsFunctionRole") as client:
        read = client("dynamodb").get_item
        assert not is_denied(read, TableName=table, Key=upload)
        assert is_denied(read, TableName=table, Key=product)
    with acting_as(stack, "CatalogSweepRenditionsFunctionRole") as client:
        read = client("dynamodb").get_item
        assert not is_denied(read, TableName=table, Key=product, ProjectionExpression="pictures")
        assert is_denied(read, TableName=table, Key=product, ProjectionExpression="pictures, price")
        assert is_denied(read, TableName=table, Key=product)


# Permissions that are quickly missed, by a request or, without one, by AWS itself: who, what, on what, and the path.
MISSED = (
    ("CatalogApiFunction", "dynamodb:GetItem", "table/CatalogTable", f"/products/{TEA}"),
    ("InventoryApiFunction", "dynamodb:GetItem", "table/InventoryTable", f"/inventory/{TEA}"),
    ("JobsApiFunction", "dynamodb:Query", "table/JobsTable/index/by-time", "/jobs"),
    ("OrdersApiFunction", "dynamodb:Query", "table/OrdersTable/index/by-customer-keys", "/orders"),
    ("OrdersApiFunction", "dynamodb:Query", "table/OrdersTable/index/by-attention", "/orders/attention"),
    ("UsersApiFunction", "dynamodb:GetItem", "table/UsersTable", "/users/me"),
    ("PaymentsCaptureFunction", "sqs:ReceiveMessage", "PaymentsCaptureQueue", None),
    ("ShippingEraseFunction", "sqs:GetQueueAttributes", "ShippingEraseQueue", None),
)
SAMPLE = 3


@pytest.mark.embedded_only("takes permissions from deployed roles, and asks what IAM denied")
def test_a_permission_that_is_taken_away_fails_the_run(
    stack: Stack, shop: Shop, admin: Customer, pytestconfig: pytest.Config
) -> None:
    """Some of them here, as the seed decides; `make permissions-needed` takes all."""
    shuffled: Any = pytestconfig.pluginmanager.get_plugin("random-order")
    order = random.Random(shuffled.seed)  # noqa: S311 - a sample
    for part, action, resource, path in order.sample(MISSED, SAMPLE):
        role, grant = granted_as(stack, part, action, resource)
        try:
            with role.deprived_of(grant):
                assert answered(shop, admin, path) in {None, HTTPStatus.INTERNAL_SERVER_ERROR}
                # Such a row fails a run of all tests.
                await_row(stack, Row(part, action, resource, DENIED))
            assert answered(shop, admin, path) in {None, HTTPStatus.OK}
        finally:
            forget_denials(stack, part, action)


def answered(shop: Shop, admin: Customer, path: str | None) -> int | None:
    """The status of the answer, or None without a path."""
    return shop.request("GET", path, token=admin.token).status_code if path else None


def await_row(stack: Stack, row: Row) -> None:
    """Waits until the table of permissions has the row."""
    wait_for(lambda: row in denials_of(stack), f"{row} among the denials", seconds=20)


ADDRESSES = ("pk, shipping_address", "pk, parked_state", "pk, payment_token", "pk, request_fingerprint", None)


@pytest.fixture(scope="module")
def admin(shop: Shop) -> Customer:
    return shop.admin()


@pytest.fixture(scope="module")
def order_id(shop: Shop, customer: Customer) -> str:
    """The id of an order with an address."""
    return str(shop.place(customer, {TEA: 1}).json()["order_id"])


def projected(names: str | None) -> dict[str, str]:
    """The argument that asks for these attributes alone; None: for all."""
    return {"ProjectionExpression": names} if names else {}


def test_an_export_reads_orders_without_their_addresses(stack: Stack, order_id: str) -> None:
    with acting_as(stack, "OrdersExportPageFunctionRole") as client:
        batch_get, table = client("dynamodb").batch_get_item, stack.resource("OrdersTable")

        def denied(names: str | None, key: str = order_id) -> bool:
            wanted = {"Keys": [{"pk": {"S": key}}], **projected(names)}
            return is_denied(batch_get, RequestItems={table: wanted})

        assert not denied("pk, country, placed_at")
        assert [names for names in ADDRESSES if not denied(names)] == []
        assert denied("pk, country", key="customer#somebody")


def test_what_starts_sagas_reads_orders_without_their_addresses(stack: Stack, order_id: str) -> None:
    with acting_as(stack, "OrdersStartExecutionsFunctionRole") as client:
        get, table = client("dynamodb").get_item, stack.resource("OrdersTable")

        def denied(names: str | None) -> bool:
            return is_denied(get, TableName=table, Key={"pk": {"S": order_id}}, **projected(names))

        assert not denied("pk, country, placed_at")
        assert [names for names in ADDRESSES if not denied(names)] == []


@pytest.mark.parametrize(
    ("part", "table", "own", "others"),
    [
        ("OrdersApi", "OrdersTable", "ord_", ["customer#", "declines#"]),
        ("OrdersSteps", "OrdersTable", "declines#", ["customer#"]),
        ("OrdersReconcile", "OrdersTable", "ord_", ["customer#", "declines#"]),
        ("InventoryApi", "InventoryTable", "sku#", ["reservation#"]),
        ("ShippingDispatch", "ShippingTable", "ret_", ["customer#"]),
    ],
)
def test_a_function_writes_its_own_kinds_of_items_alone(
    stack: Stack, part: str, table: str, own: str, others: list[str]
) -> None:
    """An API that is taken over opens no closed account, and frees no stock that a saga holds."""
    with acting_as(stack, f"{part}FunctionRole") as client:
        dynamodb = client("dynamodb")

        def denied(prefix: str) -> bool:
            # The condition never holds, so nothing is written.
            item, condition = {"pk": {"S": f"{prefix}none"}}, "attribute_exists(pk)"
            try:
                return is_denied(
                    dynamodb.put_item,
                    TableName=stack.resource(table),
                    Item=item,
                    ConditionExpression=condition,
                )
            except dynamodb.exceptions.ConditionalCheckFailedException:
                return False

        assert not denied(own)
        assert [prefix for prefix in others if not denied(prefix)] == []


def test_mail_is_sent_as_the_shop_alone(stack: Stack) -> None:
    mail = {
        "Destination": {"ToAddresses": ["success@simulator.amazonses.com"]},
        "Content": {"Simple": {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "Hello"}}}},
    }
    with acting_as(stack, "NotificationsSendMailFunctionRole") as client:
        send = client("sesv2").send_email
        assert is_denied(send, FromEmailAddress="someone@else.example", **mail)


@sets_strictness
@pytest.mark.parametrize(
    ("signer", "bucket", "key"),
    [
        ("CatalogApi", "PicturesBucket", "renditions/none"),
        ("JobsApi", "JobsBucket", "results/none"),
        ("JobsApi", "JobsBucket", "uploads/none"),
    ],
)
def test_a_signed_link_is_good_over_tls_alone(stack: Stack, signer: str, bucket: str, key: str) -> None:
    """S3 serves plain HTTP as well, and whoever listens there would have the link and the file."""
    with acting_as(stack, f"{signer}FunctionRole") as client:
        named = {"Bucket": stack.resource(bucket), "Key": key}
        link = client("s3").generate_presigned_url("get_object", Params=named)
        assert requests.get(link, timeout=10).status_code == HTTPStatus.NOT_FOUND
        with strict(stack, plain_http=1):
            assert requests.get(link, timeout=10).status_code == HTTPStatus.FORBIDDEN


@sets_strictness
@pytest.mark.parametrize(("signer", "bucket"), [("CatalogApi", "PicturesBucket"), ("JobsApi", "JobsBucket")])
def test_a_signed_form_is_good_over_tls_alone(stack: Stack, signer: str, bucket: str) -> None:
    with acting_as(stack, f"{signer}FunctionRole") as client:
        form = client("s3").generate_presigned_post(stack.resource(bucket), "uploads/none")
        with strict(stack, plain_http=1):
            answer = requests.post(form["url"], form["fields"], files={"file": b"1"}, timeout=10)
    assert answer.status_code == HTTPStatus.FORBIDDEN

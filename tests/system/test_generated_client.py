"""A generated client does each kind of operation against the deployed stack: openapi-python-client makes it."""

from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest

from tests.generated_client import GeneratedClient
from tests.system.orders import order_body
from tests.system.products import TEA
from tools.shop.client import Customer, Shop, made_up_name
from tools.waiting import wait_for


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> GeneratedClient:
    """The generated package."""
    return GeneratedClient(tmp_path_factory.mktemp("client"), "shop_client")


@pytest.fixture(scope="module")
def admin(shop: Shop, generated: GeneratedClient) -> Any:
    """The client of someone who runs the shop."""
    return generated.connected(shop.stack.api_url, shop.admin().token)


@pytest.fixture(scope="module")
def buyer(shop: Shop, generated: GeneratedClient, customer: Customer) -> Any:
    """The client of a customer."""
    return generated.connected(shop.stack.api_url, customer.token)


def key() -> str:
    return str(uuid4())


def test_it_lists_page_by_page(generated: GeneratedClient, buyer: Any) -> None:
    list_products = generated.operation("catalog", "list_products")
    category = generated.model("Category")("tea")
    skus: list[str] = []
    more: dict[str, str] = {}
    while True:
        page = list_products.sync(client=buyer, category=category, limit=3, **more)
        skus += [product.sku for product in page.products]
        if page.next_ is None:
            break
        more = {"cursor": page.next_}
    assert TEA in skus
    assert len(set(skus)) == len(skus) > 3


def test_it_places_and_reads_an_order(generated: GeneratedClient, buyer: Any) -> None:
    body = generated.model("OrderRequest").from_dict(order_body())
    placed = generated.operation("orders", "place_order").sync(client=buyer, body=body, idempotency_key=key())
    read = generated.operation("orders", "read_order").sync(placed.order_id, client=buyer)

    assert (read.order_id, read.total.amount) == (placed.order_id, placed.total.amount)
    assert placed.order_id in [
        order.order_id for order in generated.operation("orders", "list_orders").sync(client=buyer).orders
    ]


def test_it_adds_changes_and_retires_a_product(generated: GeneratedClient, admin: Any) -> None:
    sku = f"TEST-{uuid4().hex[:8].upper()}"
    price = generated.model("ProductPrice")(amount=100, currency="EUR")
    details = {"name": "Made", "description": "", "category": generated.model("Category")("pantry")}
    add, change, read, retire = (
        generated.operation("catalog", name)
        for name in ("add_product", "change_product", "read_product", "retire_product")
    )

    new = generated.model("NewProduct")(sku=sku, price=price, active=True, **details)
    added = add.sync_detailed(client=admin, body=new)
    assert (added.status_code, added.parsed.sku) == (HTTPStatus.CREATED, sku)

    known = read.sync_detailed(sku, client=admin, if_none_match=added.headers["ETag"])
    assert known.status_code is HTTPStatus.NOT_MODIFIED

    changes = generated.model("ProductChange")(price=price, active=True, **(details | {"name": "Better"}))
    changed = change.sync_detailed(sku, client=admin, body=changes, if_match=added.headers["ETag"])
    assert (changed.status_code, changed.parsed.name) == (HTTPStatus.OK, "Better")
    refused = change.sync_detailed(sku, client=admin, body=changes, if_match=added.headers["ETag"])
    assert (refused.status_code, refused.parsed.status) == (HTTPStatus.PRECONDITION_FAILED, 412)

    retired = retire.sync_detailed(sku, client=admin, if_match=changed.headers["ETag"])
    assert retired.status_code is HTTPStatus.NO_CONTENT
    assert read.sync(sku, client=admin).active is False


def test_it_records_movements_of_each_kind_and_sets_a_threshold(
    generated: GeneratedClient, admin: Any
) -> None:
    sku = f"TEST-{uuid4().hex[:8].upper()}"
    record = generated.operation("inventory", "record_movement")
    for body in (
        generated.model("Receipt")(kind="receipt", quantity=5),
        generated.model("Adjustment")(kind="adjustment", quantity=-2, reason="Broken"),
    ):
        recorded = record.sync(sku, client=admin, body=body, idempotency_key=key())
        assert (recorded.kind.value, recorded.quantity) == (body.kind, body.quantity)

    stock = generated.operation("inventory", "read_stock").sync_detailed(sku, client=admin)
    assert stock.parsed.available == 3
    threshold = generated.model("ThresholdRequest")(low_stock_threshold=2)
    set_threshold = generated.operation("inventory", "set_threshold")
    answers = [
        set_threshold.sync_detailed(sku, client=admin, body=threshold, if_match=stock.headers["ETag"])
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [HTTPStatus.OK, HTTPStatus.PRECONDITION_FAILED]


def test_it_requests_a_job_and_follows_it(generated: GeneratedClient, admin: Any) -> None:
    export = generated.model("OrderExport").from_dict(
        {"kind": "order_export", "format": "csv", "from": "2026-11-01", "to": "2026-11-30"}
    )
    request, read = (generated.operation("jobs", name) for name in ("request_job", "read_job"))
    job = request.sync(client=admin, body=export, idempotency_key=key())

    def ended() -> Any:
        found = read.sync(job.job_id, client=admin)
        return found if found.finished_at else None

    assert wait_for(ended, "the end of the export", seconds=120).status.value == "succeeded"


def test_it_changes_and_closes_an_account(generated: GeneratedClient, shop: Shop) -> None:
    client = generated.connected(shop.stack.api_url, shop.sign_up("Closing Example").token)
    read, change, close = (
        generated.operation("users", name)
        for name in ("read_own_profile", "change_own_profile", "delete_own_profile")
    )
    first = read.sync_detailed(client=client)
    name = made_up_name("Other")
    body = generated.model("ProfileChange")(name=name, locale="de-AT")
    changed = change.sync_detailed(client=client, body=body, if_match=first.headers["ETag"])
    assert changed.parsed.name == name
    stale = close.sync_detailed(client=client, if_match=first.headers["ETag"])
    assert stale.status_code is HTTPStatus.PRECONDITION_FAILED
    closed = close.sync_detailed(client=client, if_match=changed.headers["ETag"])
    assert closed.status_code is HTTPStatus.NO_CONTENT

"""Reading from an order's record what its state machines do not carry."""

from typing import Any

import pytest
from botocore.client import BaseClient

from shared.aws import client
from shared.order_record import OrderRecord, OrderUnknown
from shared.saga import ShippingAddress
from tests.component.saga_orders import ADDRESS, order_records, record_order

ORDER_ID = "ord_1"


def order_record() -> OrderRecord:
    return OrderRecord(client("dynamodb"), "orders")


@pytest.fixture(autouse=True)
def table(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    order_records(monkeypatch)


def test_each_reader_gets_its_own_attribute() -> None:
    record_order(ORDER_ID, payment_token="pm_card_visa", shipping_address=ADDRESS)
    assert order_record().payment_token(ORDER_ID) == "pm_card_visa"
    assert order_record().shipping_address(ORDER_ID) == ShippingAddress.model_validate(ADDRESS)


def test_a_decided_order_has_no_payment_token_and_an_erased_one_no_address() -> None:
    erased = dict.fromkeys(ADDRESS, "") | {"country": "DE"}
    record_order(ORDER_ID, payment_token="", shipping_address=erased)
    assert order_record().payment_token(ORDER_ID) is None
    assert order_record().shipping_address(ORDER_ID) is None


def test_an_unknown_order_is_an_error_of_its_own() -> None:
    with pytest.raises(OrderUnknown):
        order_record().payment_token(ORDER_ID)


def test_the_cheaper_read_comes_first_and_a_read_that_lags_behind_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record_order(ORDER_ID, payment_token="pm_card_visa")
    reads: list[dict[str, Any]] = []
    base: Any = BaseClient
    send = base._make_api_call

    def lagging(client: Any, operation: str, request: dict[str, Any]) -> Any:
        reads.append(request)
        return send(client, operation, request) if request["ConsistentRead"] else {}

    monkeypatch.setattr(base, "_make_api_call", lagging)
    assert order_record().payment_token(ORDER_ID) == "pm_card_visa"
    assert [read["ConsistentRead"] for read in reads] == [False, True]
    # The policies allow these attributes alone.
    assert {read["ProjectionExpression"] for read in reads} == {"pk, payment_token"}

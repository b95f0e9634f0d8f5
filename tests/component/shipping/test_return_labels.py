"""The consumer that books the labels of accepted returns, on a pretended table."""

import json
from collections.abc import Callable
from typing import Any

from tests.component.shipping.shipments import DONE, ORDER_ID, STEP_INPUT, Step, every

ACCEPTED = {
    "event_type": "return.accepted",
    "data": {"return_id": "ret_1", "order_id": ORDER_ID, "customer_id": "ada", "lines": []},
}


def test_a_label_is_booked_and_published_once_however_often_the_event_comes(
    table: Any, dispatch: Callable[..., dict[str, Any]]
) -> None:
    assert dispatch(**ACCEPTED) == DONE
    [label] = every(table).values()
    assert [json.loads(entry)["event_type"] for entry in label["outbox"]] == ["shipment.return_booked"]
    assert "ada" not in json.dumps(label), "a label holds nothing of the customer"
    for _ in range(2):
        assert dispatch(**ACCEPTED) == DONE
    assert list(every(table).values()) == [label]


def test_a_label_leaves_the_orders_own_parcel_alone(
    table: Any, create: Step, dispatch: Callable[..., dict[str, Any]], erase: Callable[..., Any]
) -> None:
    create(STEP_INPUT)
    dispatch()
    before = every(table)
    dispatch(**ACCEPTED)
    after = every(table)
    assert {key: after[key] for key in before} == before
    assert after.keys() - before.keys() == {"ret_1"}
    assert erase() == DONE
    assert every(table)["ret_1"] == after["ret_1"]

"""The capacity units of a read and a write, as AWS's documentation has them."""

from typing import Any

import pytest

from tools.bill.capacity import Consistency, Item, Table, get_units, item_size, query_units

ORDERS = Table.of(
    "orders",
    {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by-status",
                "KeySchema": [
                    {"AttributeName": "status", "KeyType": "HASH"},
                    {"AttributeName": "since", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            },
            {
                "IndexName": "by-customer",
                "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["total"]},
            },
            {
                "IndexName": "by-place",
                "KeySchema": [{"AttributeName": "place", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            },
        ],
    },
)


def item(**values: str) -> Item:
    return {"pk": {"S": "1"}, **{name: {"S": value} for name, value in values.items()}}


def of_size(size: int, **values: str) -> Item:
    """An item of so many bytes, most of them in an attribute that only an index of everything holds."""
    rest = size - item_size(item(**values)) - len("text")
    return item(**values, text="x" * rest)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "tea"}, 3),
        ({"S": "thé"}, 4),
        ({"N": "1299"}, 3),
        ({"N": "-0.0750"}, 2),
        ({"N": "1200000"}, 2),
        ({"N": "0"}, 2),
        ({"B": b"abcd"}, 4),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["ab", "c"]}, 3),
        ({"NS": ["12", "1"]}, 4),
        ({"BS": [b"ab", b"c"]}, 3),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"BOOL": False}]}, 3 + 2 + 2 + 1),
        ({"M": {"sku": {"S": "ab"}}}, 3 + 1 + 3 + 2),
    ],
)
def test_the_size_of_an_item_is_that_of_its_names_and_values(value: dict[str, Any], size: int) -> None:
    assert item_size({"name": value}) == len("name") + size


def test_an_attribute_of_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="X"):
        item_size({"name": {"X": "?"}})


@pytest.mark.parametrize(("size", "units"), [(100, 1), (3500, 1), (4096, 1), (4097, 2), (10_000, 3)])
def test_a_read_costs_one_unit_for_each_4_kb(size: int, units: int) -> None:
    assert get_units(of_size(size), Consistency.STRONG) == units
    assert get_units(of_size(size), Consistency.EVENTUAL) == units / 2
    assert get_units(of_size(size), Consistency.TRANSACTIONAL) == units * 2


def test_a_read_of_nothing_costs_as_much_as_one_of_a_small_item() -> None:
    assert get_units(None, Consistency.EVENTUAL) == 0.5
    assert query_units([], Consistency.STRONG) == 1


def test_a_query_rounds_the_sum_of_its_items_and_a_batch_rounds_each() -> None:
    items = [of_size(1536), of_size(6656)]
    assert query_units(items, Consistency.STRONG) == 2
    assert sum(get_units(each, Consistency.STRONG) for each in items) == 3


@pytest.mark.parametrize(("size", "units"), [(100, 1), (1024, 1), (1025, 2), (3500, 4)])
def test_a_write_costs_one_unit_for_each_kb_of_the_larger_of_old_and_new(size: int, units: int) -> None:
    assert ORDERS.write_units(None, of_size(size)) == {"orders": units}
    assert ORDERS.write_units(of_size(100), of_size(size)) == {"orders": units}
    assert ORDERS.write_units(of_size(size), of_size(100)) == {"orders": units}
    assert ORDERS.write_units(of_size(size), None) == {"orders": units}


def test_a_write_that_changes_nothing_costs_its_tables_units() -> None:
    kept = of_size(2000, place="a", customer="ada")
    assert ORDERS.write_units(kept, kept) == {"orders": 2}
    assert ORDERS.write_units(None, None) == {"orders": 1}


def test_a_transaction_doubles_the_units_of_the_table_alone() -> None:
    written = of_size(1500, place="a")
    assert ORDERS.write_units(None, written, in_transaction=True) == {"orders": 4, "by-place": 2}


def test_an_entry_that_moves_within_its_index_costs_the_same_in_a_transaction() -> None:
    before, after = of_size(900, place="a"), of_size(900, place="b")
    assert ORDERS.write_units(before, after) == {"orders": 1, "by-place": 2}
    assert ORDERS.write_units(before, after, in_transaction=True) == {"orders": 2, "by-place": 2}


def test_an_index_costs_what_it_holds_of_the_item() -> None:
    written = of_size(3000, customer="ada", place="a")
    assert ORDERS.write_units(None, written) == {"orders": 3, "by-customer": 1, "by-place": 3}
    assert ORDERS.write_units(written, None) == {"orders": 3, "by-customer": 1, "by-place": 3}


def test_an_index_costs_nothing_for_a_change_that_it_does_not_hold() -> None:
    before, after = item(customer="ada", total="1", note="a"), item(customer="ada", total="1", note="b")
    assert ORDERS.write_units(before, after) == {"orders": 1}
    assert ORDERS.write_units(before, item(customer="ada", total="2")) == {"orders": 1, "by-customer": 1}


def test_a_change_of_an_indexs_key_costs_a_deletion_and_a_write() -> None:
    before, after = item(status="placed", since="1"), item(status="placed", since="2")
    assert ORDERS.write_units(before, after) == {"orders": 1, "by-status": 2}
    moved = ORDERS.write_units(of_size(2500, place="a"), of_size(1500, place="b"))
    assert moved == {"orders": 3, "by-place": 3 + 2}


def test_an_item_without_an_indexs_whole_key_is_not_in_the_index() -> None:
    assert ORDERS.write_units(None, item(status="placed")) == {"orders": 1}
    assert ORDERS.write_units(item(status="placed", since="1"), item(status="placed")) == {
        "orders": 1,
        "by-status": 1,
    }

"""Optimistic locking against DynamoDB's conditions, as moto evaluates them."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from shared.aws import client
from shared.versioned_table import VersionedTable, WriteConflict, retry_on_conflict

KEY = {"pk": "ord_1"}


@pytest.fixture
def table(aws: None) -> VersionedTable:
    boto3.client("dynamodb").create_table(
        TableName="things",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    return VersionedTable(client("dynamodb"), "things")


def version(number: int, **more: Any) -> dict[str, Any]:
    return {**KEY, "version": number, **more}


def test_a_first_version_is_stored_once_and_the_second_writer_gets_what_is_there(
    table: VersionedTable,
) -> None:
    assert table.put_new(version(1, by="first")) is None
    assert table.put_new(version(1, by="second")) == version(1, by="first")
    assert table.get(KEY) == version(1, by="first")


def test_only_the_successor_of_the_stored_version_is_written(table: VersionedTable) -> None:
    table.put(version(1), replaces=0)
    table.put(version(2), replaces=1)
    for stale in (0, 1, 3):
        with pytest.raises(WriteConflict):
            table.put(version(9), replaces=stale)
        assert not table.put_if(version(9), replaces=stale)
    assert table.get(KEY) == version(2)


def test_an_item_that_is_not_there_is_none_and_has_no_successor(table: VersionedTable) -> None:
    assert table.get(KEY) is None
    with pytest.raises(WriteConflict):
        table.put(version(2), replaces=1)


def test_a_transaction_names_the_writes_whose_conditions_did_not_hold_and_does_none(
    table: VersionedTable,
) -> None:
    table.put(version(1), replaces=0)
    failed = table.write_all(
        [
            table.new({"pk": "ord_2", "version": 1}),
            table.successor(version(3), replaces=2),
            table.absent({"pk": "ord_3"}),
            table.update({"pk": "ord_4"}, "SET n = :n", {":n": 1}, condition="attribute_exists(pk)"),
        ]
    )
    assert failed == [1, 3]
    assert table.get({"pk": "ord_2"}) is None
    assert table.write_all([table.successor(version(2), replaces=1), table.absent({"pk": "ord_3"})]) == []
    assert table.get(KEY) == version(2)


@pytest.mark.parametrize("code", ["TransactionConflictException", "TransactionInProgressException"])
def test_a_transaction_at_the_same_item_is_a_conflict(
    table: VersionedTable, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "somebody is at it"}}, "PutItem")

    for operation in ("put_item", "delete_item", "transact_write_items"):
        monkeypatch.setattr(table.dynamodb, operation, refuse, raising=False)
    with pytest.raises(WriteConflict):
        table.put_new(version(1))
    with pytest.raises(WriteConflict):
        table.put(version(1), replaces=0)
    with pytest.raises(WriteConflict):
        table.write_all([table.new(version(1))])
    with pytest.raises(WriteConflict):
        table.delete(KEY)


def test_a_single_write_waits_for_the_transaction_that_is_at_its_item(
    table: VersionedTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = [refuse_first(table, monkeypatch, name) for name in ("put_item", "update_item", "delete_item")]

    assert table.put_new(version(1)) is None
    update = table.update(KEY, "SET who = :who", {":who": "me"})
    assert table.write_one(update, ReturnValues="ALL_NEW") is not None
    assert table.get(KEY) == version(1, who="me")
    table.delete(KEY)
    assert table.get(KEY) is None
    assert refused == [["put_item"], ["update_item"], ["delete_item"]]


def refuse_first(table: VersionedTable, monkeypatch: pytest.MonkeyPatch, operation: str) -> list[str]:
    """The first write of this kind meets a transaction; the list has its kind once that happened."""
    write = getattr(table.dynamodb, operation)
    refused: list[str] = []

    def meet(**arguments: Any) -> Any:
        if not refused:
            refused.append(operation)
            raise ClientError({"Error": {"Code": "TransactionConflictException", "Message": ""}}, operation)
        return write(**arguments)

    monkeypatch.setattr(table.dynamodb, operation, meet, raising=False)
    return refused


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError"])
def test_a_transaction_that_is_cancelled_for_contention_is_a_conflict_also_beside_a_failed_condition(
    table: VersionedTable, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    def refuse(**_: Any) -> None:
        reasons = [{"Code": "ConditionalCheckFailed"}, {"Code": reason}]
        error: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
            "CancellationReasons": reasons,
        }
        raise ClientError(error, "TransactWriteItems")

    monkeypatch.setattr(table.dynamodb, "transact_write_items", refuse, raising=False)
    with pytest.raises(WriteConflict):
        table.write_all([table.new(version(1)), table.absent({"pk": "ord_3"})])


def test_another_refusal_is_raised_as_it_is(table: VersionedTable) -> None:
    gone = VersionedTable(client("dynamodb"), "gone")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        gone.put(version(1), replaces=0)


def test_a_conflict_starts_the_change_over_from_what_the_other_wrote(table: VersionedTable) -> None:
    table.put(version(1, seen=[]), replaces=0)
    rivals = [1, 2]

    def add_mine() -> int:
        item = table.get(KEY)
        assert item is not None
        if rivals:
            table.put(version(item["version"] + 1, seen=["rival"]), replaces=rivals.pop(0))
        table.put(version(item["version"] + 1, seen=[*item["seen"], "mine"]), replaces=item["version"])
        return int(item["version"]) + 1

    assert retry_on_conflict(add_mine) == 4
    assert table.get(KEY) == version(4, seen=["rival", "mine"])


def test_conflicts_without_end_are_raised_and_other_errors_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    tries: list[type[Exception]] = []

    def fail(error: type[Exception]) -> None:
        tries.append(error)
        raise error

    with pytest.raises(WriteConflict):
        retry_on_conflict(fail, WriteConflict)
    with pytest.raises(KeyError):
        retry_on_conflict(fail, KeyError)
    assert tries == [WriteConflict] * 7 + [KeyError]

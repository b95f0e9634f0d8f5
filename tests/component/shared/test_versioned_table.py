"""Optimistic locking against DynamoDB's conditions, as moto evaluates them."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from shared.aws import client
from shared.versioned_table import Throttled, VersionedTable, WriteConflict, retry_on_conflict

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


class Reluctant:
    """DynamoDB that does one entry of each request about several, or none, and answers that it left out the rest."""

    def __init__(self, entries: int = 1) -> None:
        self._entries = entries
        self._dynamodb = client("dynamodb")
        self.asked: list[int] = []

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        [(table, wanted)] = RequestItems.items()
        done, left = self._split(wanted["Keys"])
        answer: dict[str, Any] = {"Responses": {}}
        if done:
            answer = self._dynamodb.batch_get_item(RequestItems={table: {**wanted, "Keys": done}})
        return {**answer, "UnprocessedKeys": {table: {**wanted, "Keys": left}} if left else {}}

    def batch_write_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        [(table, wanted)] = RequestItems.items()
        done, left = self._split(wanted)
        if done:
            self._dynamodb.batch_write_item(RequestItems={table: done})
        return {"UnprocessedItems": {table: left} if left else {}}

    def _split(self, wanted: list[Any]) -> tuple[list[Any], list[Any]]:
        self.asked.append(len(wanted))
        return wanted[: self._entries], wanted[self._entries :]


class TestSeveralItems:
    KEYS = tuple({"pk": f"ord_{number}"} for number in (3, 1, 2))

    @pytest.fixture
    def waits(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """How long it waits before each further request; no test really waits."""
        seconds: list[float] = []
        monkeypatch.setattr("tenacity.nap.time.sleep", seconds.append)
        return seconds

    @pytest.fixture
    def three(self, table: VersionedTable) -> VersionedTable:
        """The table with three items."""
        for key in self.KEYS:
            table.put({**key, "version": 1}, replaces=0)
        return table

    def test_they_come_in_the_order_of_their_keys_without_missing_ones(self, three: VersionedTable) -> None:
        found = three.get_all([self.KEYS[0], {"pk": "ord_9"}, *self.KEYS[1:]], consistent=True)
        assert [item["pk"] for item in found] == ["ord_3", "ord_1", "ord_2"]

    def test_more_than_one_request_takes_are_read_and_deleted_by_several(self, table: VersionedTable) -> None:
        keys = [{"pk": f"ord_{number}"} for number in range(101)]
        for key in keys:
            table.put({**key, "version": 1}, replaces=0)

        assert [item["pk"] for item in table.get_all(keys)] == [key["pk"] for key in keys]
        table.delete_all(keys)
        assert list(table.get_all(keys)) == []

    @pytest.mark.usefixtures("three")
    def test_a_part_that_dynamodb_left_out_is_asked_for_again_after_a_pause(self, waits: list[float]) -> None:
        reluctant = Reluctant()
        table = VersionedTable(reluctant, "things")

        assert [item["pk"] for item in table.get_all(self.KEYS)] == ["ord_3", "ord_1", "ord_2"]
        table.delete_all(self.KEYS)

        assert reluctant.asked == [3, 2, 1] * 2
        assert len(waits) == 4, "one before each request for a rest"
        assert list(VersionedTable(client("dynamodb"), "things").get_all(self.KEYS)) == []

    @pytest.mark.usefixtures("three")
    def test_parts_that_are_left_out_again_and_again_are_an_error(self, waits: list[float]) -> None:
        reluctant = Reluctant(entries=0)
        table = VersionedTable(reluctant, "things")

        with pytest.raises(Throttled, match="things: DynamoDB left out a part of 7 answers"):
            list(table.get_all(self.KEYS))
        with pytest.raises(Throttled):
            table.delete_all(self.KEYS)

        assert reluctant.asked == [3] * 14
        assert len(waits) == 12
        assert max(waits) <= 0.5

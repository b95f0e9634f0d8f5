"""The stock in the inventory table, and the ledger of its movements.

The stock on hand changes only together with a movement, in one transaction. So the condition on the movement
recognises a repeat, and nothing moves twice.
"""

from datetime import datetime
from typing import Any

from inventory.adapters.items import LISTING, condition_for, movement_item, movement_key, stock_key
from inventory.domain.stock import IdempotencyKeyReused, Movement, MovementKind, StockLevel, UnknownSku
from shared.clock import timestamp
from shared.dynamo import from_item, to_item
from shared.errors import PreconditionFailed, TransientError
from shared.retries import retried
from shared.versioned_table import VersionedTable, WriteConflict, retry_on_conflict


class StockThrottled(TransientError):
    """DynamoDB answered for some skus only. This is a read, so it is no WriteConflict."""


class StockLedger:
    """Access to the stock items and the movements. `dynamodb` is a low-level client."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def receive(
        self,
        sku: str,
        quantity: int,
        *,
        movement_id: str,
        correlation_id: str,
        now: datetime,
        low_stock_threshold: int | None = None,
    ) -> bool:
        """Adds `quantity` pieces of `sku` by a receipt of the system, and sets the sku's threshold if one is given.

        Returns whether stock was added: a repeat with the same `movement_id` adds nothing. Raises as `record` does.
        """
        if quantity < 0:
            raise ValueError("stock that comes in is counted from 0")
        movement = Movement(
            movement_id=movement_id,
            sku=sku,
            kind=MovementKind.RECEIPT,
            quantity=quantity,
            recorded_at=timestamp(now),
            correlation_id=correlation_id,
        )
        return self.record(movement, low_stock_threshold=low_stock_threshold) is movement

    def record(self, movement: Movement, *, low_stock_threshold: int | None = None) -> Movement:
        """Writes `movement` into the ledger and moves the stock by it; sets the sku's threshold if one is given.

        Returns `movement`, or the movement that was recorded under its id before; then nothing changes. A receipt may
        name a new sku. Raises IdempotencyKeyReused if the earlier movement was a different one, and UnknownSku for an
        adjustment of an unknown sku. Raises NotEnoughStock or TooMuchStock if the stock does not allow it, and
        WriteConflict if orders kept changing the same stock.
        """
        return retry_on_conflict(self._record, movement, low_stock_threshold)

    def set_threshold(
        self, sku: str, threshold: int, correlation_id: str, now: datetime, *, expected: int | None = None
    ) -> StockLevel | None:
        """Sets the number of available pieces at which `sku` counts as low.

        Returns the level after it, or None if inventory does not know the sku. Raises PreconditionFailed if the stock's
        version is not `expected`, and WriteConflict if orders kept changing the same stock.
        """
        change = self._table.update(
            stock_key(sku),
            "SET low_stock_threshold = :threshold, version = version + :one, changed_at = :now, "
            "correlation_id = :correlation_id",
            {
                ":threshold": threshold,
                ":one": 1,
                ":now": timestamp(now),
                ":correlation_id": correlation_id,
                **({} if expected is None else {":expected": expected}),
            },
            condition="attribute_exists(pk)" + ("" if expected is None else " AND version = :expected"),
        )
        answer = retry_on_conflict(self._table.write_one, change, ReturnValues="ALL_NEW")
        if answer:
            return StockLevel.model_validate(from_item(answer["Attributes"]))
        if expected is not None and self.level(sku) is not None:
            raise PreconditionFailed(f"The stock of {sku} has changed since; read it again.")
        return None

    def level(self, sku: str) -> StockLevel | None:
        """The stock of `sku`, as last written, or None if inventory does not know it."""
        item = self._table.get(stock_key(sku))
        return StockLevel.model_validate(item) if item else None

    def levels(self, limit: int, after: str | None) -> tuple[list[StockLevel], str | None]:
        """A page of up to 100 levels, as last written, sorted by sku, that follow `after`; and the next page's `after`,
        None at the end. A sku that came in a moment ago may be missing. Raises StockThrottled."""
        items, more = self._page("by-listing", ("listing", LISTING), "sku", limit, after)
        skus = [item["sku"] for item in items]
        found: dict[str, StockLevel] = {}
        if skus:
            self._add_levels(skus, found)
        return [found[sku] for sku in skus if sku in found], skus[-1] if more else None

    def movement(self, sku: str, movement_id: str) -> Movement | None:
        """A movement in the ledger of `sku`, as written, or None."""
        item = self._table.get(movement_key(movement_id))
        return Movement.model_validate(item) if item and item["sku"] == sku else None

    def ledger(self, sku: str, limit: int, after: str | None) -> tuple[list[Movement], str | None]:
        """A page of the movements of `sku`, newest first, that follow `after`; and the next page's `after`, None at the
        end. A movement of a moment ago may be missing."""
        items, more = self._page(
            "by-ledger", ("ledger", sku), "ledger_place", limit, after, newest_first=True
        )
        movements = [Movement.model_validate(item) for item in items]
        return movements, movements[-1].place if more else None

    def _record(self, movement: Movement, threshold: int | None) -> Movement:
        move = self._table.update(
            stock_key(movement.sku),
            "SET listing = :listing, sku = :sku, available = if_not_exists(available, :zero) + :quantity, "
            "reserved = if_not_exists(reserved, :zero), version = if_not_exists(version, :zero) + :one, "
            "low_stock_threshold = "
            + ("if_not_exists(low_stock_threshold, :threshold)" if threshold is None else ":threshold")
            + ", changed_at = :now, correlation_id = :correlation_id",
            {
                ":listing": LISTING,
                ":sku": movement.sku,
                ":quantity": movement.quantity,
                ":threshold": threshold or 0,
                ":zero": 0,
                ":one": 1,
                ":now": movement.recorded_at,
                ":correlation_id": movement.correlation_id,
                ":bound": movement.bound,
            },
            condition=condition_for(movement),
        )
        failed = self._table.write_all([self._table.new(movement_item(movement)), move])
        if not failed:
            return movement
        # Read it, no matter which condition failed: a later change of the stock does not undo a repeat.
        stored = self._table.get(movement_key(movement.movement_id))
        if stored is not None:
            before = Movement.model_validate(stored)
            if not before.is_repeated_by(movement):
                raise IdempotencyKeyReused(
                    f"{before.movement_id} is a {before.kind} of {before.quantity} {before.sku}; "
                    "use a new Idempotency-Key for a new movement."
                )
            return before
        level = self.level(movement.sku)
        if level is not None:
            movement.check_against(level)
        elif movement.kind is MovementKind.ADJUSTMENT:
            raise UnknownSku(movement.sku)
        raise WriteConflict(f"the stock of {movement.sku} changed meanwhile")

    def _page(
        self,
        index: str,
        partition: tuple[str, str],
        sort_key: str,
        limit: int,
        after: str | None,
        *,
        newest_first: bool = False,
    ) -> tuple[list[dict[str, Any]], bool]:
        """Up to `limit` items of an index's partition behind the sort key `after`, and whether there are more."""
        name, value = partition
        condition, values = f"{name} = :partition", {":partition": value}
        if after is not None:
            condition += f" AND {sort_key} {'<' if newest_first else '>'} :after"
            values[":after"] = after
        # One more than the page holds shows whether there is a next one.
        items = self._table.dynamodb.query(
            TableName=self._table.name,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=to_item(values),
            ScanIndexForward=not newest_first,
            Limit=limit + 1,
        )["Items"]
        return [from_item(item) for item in items[:limit]], len(items) > limit

    def _add_levels(self, skus: list[str], found: dict[str, StockLevel]) -> None:
        """Adds the levels of up to 100 `skus` to `found`; raises StockThrottled if some get no answer at any try."""
        retried(lambda: self._add_missing_levels(skus, found), on=StockThrottled, attempts=6)

    def _add_missing_levels(self, skus: list[str], found: dict[str, StockLevel]) -> None:
        keys = [to_item(stock_key(sku)) for sku in skus if sku not in found]
        answer = self._table.dynamodb.batch_get_item(
            RequestItems={self._table.name: {"Keys": keys, "ConsistentRead": True}}
        )
        for item in answer["Responses"][self._table.name]:
            level = StockLevel.model_validate(from_item(item))
            found[level.sku] = level
        if answer.get("UnprocessedKeys"):
            raise StockThrottled(f"DynamoDB answered for {len(found)} of {len(skus)} skus")

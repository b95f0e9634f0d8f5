"""The stock and its ledger in the inventory table: what there is of each sku, and the movements that change it.

Stock moves only together with the movement that says why, in one transaction, so that a repeat is recognised by the
movement's condition and nothing moves twice.
"""

from datetime import datetime
from typing import Any

from tenacity import Retrying

from inventory.adapters.items import bound_of, fits, movement_item, movement_key, stock_key
from inventory.adapters.table import InventoryTable
from inventory.domain.reservation import StockContended, StockThrottled
from inventory.domain.stock import IdempotencyKeyReused, Movement, MovementKind, StockLevel, UnknownSku
from shared.clock import timestamp
from shared.dynamo import from_item, to_item

# All stock items stand in this one listing.
_LISTING = "stock"


class StockLedger:
    """Access to the inventory table's stock items and movements."""

    def __init__(self, dynamodb: Any, table_name: str, retrying: Retrying | None = None) -> None:
        self._table = InventoryTable(dynamodb, table_name, retrying)

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
        """Adds `quantity` pieces of `sku`, a receipt that nobody signed in for; sets its threshold where one is given.

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
        """Writes `movement` into the ledger and moves the stock by it; sets the sku's threshold where one is given.

        Returns `movement`, or the one that was recorded under its id before; then nothing changes. A receipt's sku need
        not be known before. Raises IdempotencyKeyReused when the one before was another, UnknownSku for an adjustment
        of a sku that inventory does not know, NotEnoughStock or TooMuchStock when the stock does not allow it, and
        StockContended when orders kept getting in between.
        """
        return self._table.patiently(self._try_to_record, movement, low_stock_threshold)

    def set_threshold(
        self, sku: str, threshold: int, correlation_id: str, now: datetime
    ) -> StockLevel | None:
        """Sets at how many available pieces `sku` counts as low; returns its level, or None when it is not known.

        Raises StockContended when orders kept getting in between.
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
            },
            condition="attribute_exists(pk)",
        )
        answer = self._table.patiently(self._table.write_one, change, ReturnValues="ALL_NEW")
        return StockLevel.model_validate(from_item(answer["Attributes"])) if answer else None

    def level(self, sku: str) -> StockLevel | None:
        """How much there is of `sku`, as last written, or None when inventory does not know it."""
        item = self._table.read(stock_key(sku))
        return StockLevel.model_validate(item) if item else None

    def levels(self, limit: int, after: str | None) -> tuple[list[StockLevel], str | None]:
        """A page of up to 100 levels, as last written, by sku from the one behind `after`; and the sku to go on after,
        None at the end. A sku that came in a moment ago may be missing. Raises StockThrottled."""
        items, more = self._table.page("by-listing", {"listing": _LISTING}, "sku", limit, after)
        skus = [item["sku"] for item in items]
        found: dict[str, StockLevel] = {}
        if skus:
            self._table.patiently(self._add_levels, skus, found)
        return [found[sku] for sku in skus if sku in found], skus[-1] if more else None

    def movement(self, sku: str, movement_id: str) -> Movement | None:
        """A movement in the ledger of `sku`, as written, or None."""
        item = self._table.read(movement_key(movement_id))
        return Movement.model_validate(item) if item and item["sku"] == sku else None

    def ledger(self, sku: str, limit: int, after: str | None) -> tuple[list[Movement], str | None]:
        """A page of the movements of `sku`, newest first, from the one behind `after`; and the place to go on after,
        None at the end. A movement of a moment ago may be missing."""
        items, more = self._table.page(
            "by-ledger", {"ledger": sku}, "ledger_place", limit, after, newest_first=True
        )
        movements = [Movement.model_validate(item) for item in items]
        return movements, movements[-1].place if more else None

    def _try_to_record(self, movement: Movement, threshold: int | None) -> Movement:
        move = self._table.update(
            stock_key(movement.sku),
            "SET listing = :listing, sku = :sku, available = if_not_exists(available, :zero) + :quantity, "
            "reserved = if_not_exists(reserved, :zero), version = if_not_exists(version, :zero) + :one, "
            "low_stock_threshold = "
            + ("if_not_exists(low_stock_threshold, :threshold)" if threshold is None else ":threshold")
            + ", changed_at = :now, correlation_id = :correlation_id",
            {
                ":listing": _LISTING,
                ":sku": movement.sku,
                ":quantity": movement.quantity,
                ":threshold": threshold or 0,
                ":zero": 0,
                ":one": 1,
                ":now": movement.recorded_at,
                ":correlation_id": movement.correlation_id,
                ":bound": bound_of(movement),
            },
            condition=fits(movement),
        )
        failed = self._table.write_all([self._table.put_new(movement_item(movement)), move])
        if not failed:
            return movement
        # Read in any case: a repeat is one, whatever has become of the stock since.
        stored = self._table.read(movement_key(movement.movement_id))
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
        raise StockContended(f"the stock of {movement.sku} changed meanwhile")

    def _add_levels(self, skus: list[str], found: dict[str, StockLevel]) -> None:
        """Adds to `found` those of up to 100 `skus` that it lacks; raises StockThrottled when some got no answer."""
        keys = [to_item({"pk": stock_key(sku)}) for sku in skus if sku not in found]
        answer = self._table.dynamodb.batch_get_item(
            RequestItems={self._table.name: {"Keys": keys, "ConsistentRead": True}}
        )
        for item in answer["Responses"][self._table.name]:
            level = StockLevel.model_validate(from_item(item))
            found[level.sku] = level
        if answer.get("UnprocessedKeys"):
            raise StockThrottled(f"{len(found)} of {len(skus)} skus were answered for")

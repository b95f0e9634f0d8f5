"""The audit of an order's returns: what went back for them, and which pieces, by the records of every service.

Each rule holds at any moment, also between two services' records of the same return: one of them is then behind.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_GAVE_NOTHING_BACK = {"failed", "canceled"}
_MAILED = {"labelled", "refused", "refunded"}
_ENDED_WITHOUT_PIECES = {"refused", "withdrawn", "expired"}

type _Item = Mapping[str, Any]


@dataclass(frozen=True)
class ReturnRecords:
    """An order's records of its returns. `returns` is the item of the returns service; None if the order has none."""

    order: _Item
    payment: _Item | None
    intents: list[dict[str, Any]]
    # The ledger's movements of the order's pieces that came back.
    received: list[dict[str, Any]]
    returns: _Item | None

    @property
    def refunds(self) -> dict[str, _Item]:
        """The refunds that payments asked for, by return."""
        return dict(self.payment.get("return_refunds", {})) if self.payment else {}

    def given_back(self) -> range:
        """The sums, in minor units, that may have gone back by now: refunds without an answer may or may not."""
        lost = {report["return_id"] for report in self._failed()} - self._standing().keys()
        counted = {return_id: refund for return_id, refund in self.refunds.items() if return_id not in lost}
        made = sum(refund["amount"] for refund in counted.values() if refund.get("is_made"))
        return range(made, sum(refund["amount"] for refund in counted.values()) + 1)

    def mails_due(self) -> int:
        """How many mails about the returns are due by now."""
        entries = self.returns["returns"] if self.returns else []
        return sum(len(_MAILED & {change["status"] for change in entry["history"]}) for entry in entries)

    def problems(self) -> list[str]:
        """What contradicts what."""
        return [*self._of_the_provider(), *self._of_payments(), *self._of_pieces(), *self._of_the_service()]

    def _of_the_provider(self) -> Iterator[str]:
        for intent in self.intents:
            if intent.get("amount_refunded", 0) > intent.get("amount_received", 0):
                yield f"the provider gave back {intent['amount_refunded']} of {intent['amount_received']}"
        for return_id, amounts in self._standing().items():
            if len(amounts) > 1:
                yield f"{return_id} was refunded {len(amounts)} times"
            if return_id not in self.refunds:
                yield f"{return_id} was refunded, and payments did not ask for it"

    def _of_payments(self) -> Iterator[str]:
        if self.payment is None:
            return
        asked = sum(refund["amount"] for refund in self.refunds.values())
        if asked > self.payment["amount"]["amount"]:
            yield f"refunds of {asked} are more than was taken"
        answered = {refund["metadata"].get("return_id"): refund["amount"] for refund in self._made()}
        for return_id, refund in self.refunds.items():
            if refund.get("is_made") and answered.get(return_id) != refund["amount"]:
                yield f"{return_id} was refunded by our records, and not by the provider's"
        known = self.order.get("returned", {})
        for return_id, seen in known.items():
            paid = self.refunds.get(return_id, {}).get("amount", 0)
            if seen.get("refunded", 0) not in {0, paid}:
                yield f"{return_id} was refunded with {seen['refunded']} by the order, and {paid} by payments"

    def _of_pieces(self) -> Iterator[str]:
        bought = _pieces(self.order["lines"])
        came_back = _pieces(self.received)
        if more := came_back - bought:
            yield f"more came back than was bought: {dict(more)}"
        accepted = sum(seen.get("pieces", 0) for seen in self.order.get("returned", {}).values())
        if accepted > bought.total():
            yield f"{accepted} of {bought.total()} pieces were accepted back"

    def _of_the_service(self) -> Iterator[str]:
        entries = self.returns["returns"] if self.returns else []
        findings = [entry["findings"] for entry in entries if entry.get("findings")]
        restocked = _pieces(line for found in findings for line in found["restocked"])
        held = _pieces(line for entry in entries for line in _held(entry))
        if self.returns is not None and (more := _pieces(self.received) - restocked):
            yield f"more was restocked than the inspections say: {dict(more)}"
        if more := held - _pieces(self.order["lines"]):
            yield f"more is in returns than was bought: {dict(more)}"
        for entry in entries:
            asked = self.refunds.get(entry["return_id"])
            granted = (entry.get("refund") or {}).get("amount", 0)
            if asked and asked["amount"] != granted:
                yield f"{entry['return_id']}: {granted} were granted, and {asked['amount']} asked for"
            if entry["status"] == "refunded" and not (asked and asked.get("is_made")):
                yield f"{entry['return_id']} is refunded, and its money did not go back"

    def _made(self) -> Iterator[dict[str, Any]]:
        """The refunds of returns that the provider has, also if they failed later."""
        for intent in self.intents:
            for refund in intent.get("refunds", []):
                if "return_id" in refund["metadata"]:
                    yield refund

    def _standing(self) -> dict[str, list[int]]:
        """The amounts that went back for each return, and stayed."""
        amounts: dict[str, list[int]] = {}
        for refund in self._made():
            if refund["status"] not in _GAVE_NOTHING_BACK:
                amounts.setdefault(refund["metadata"]["return_id"], []).append(refund["amount"])
        return amounts

    def _failed(self) -> Iterator[dict[str, Any]]:
        """The provider's reports on refunds of returns that failed."""
        for report in (self.payment or {}).get("reports", {}).values():
            if report.get("return_id") and report["status"] in _GAVE_NOTHING_BACK:
                yield report


def _held(entry: _Item) -> list[_Item]:
    """The pieces that no other return can have: the inspected ones, or the announced ones that may still arrive."""
    if found := entry.get("findings"):
        return [line for kind in ("restocked", "written_off", "not_accepted") for line in found[kind]]
    return [] if entry["status"] in _ENDED_WITHOUT_PIECES else list(entry["lines"])


def _pieces(lines: Iterable[_Item]) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for line in lines:
        pieces[line["sku"]] += int(line["quantity"])
    return pieces

"""DynamoDB as AWS lets writers meet on it: a transaction that finds another one at its items is cancelled.

The embedded cloud serves one request after the other, so two transactions never meet there. This stands in front of it
and keeps AWS's rule: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
("Transaction conflict handling").
"""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError


class ContendedDynamoDb:
    """A DynamoDB client whose transactions are at their items for `seconds` at least, and refuse to share them."""

    def __init__(self, dynamodb: Any, *, seconds: float, refuses: bool) -> None:
        self._dynamodb = dynamodb
        self._seconds = seconds
        self._refuses = refuses
        self._guard = threading.Lock()
        self._in_use: set[str] = set()
        self.counts: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dynamodb, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        """The call's answer; raises TransactionCanceledException when another one is at the same items."""
        keys = list(_keys(arguments["TransactItems"]))
        with self._guard:
            self.counts["transactions"] += 1
            met = self._refuses and bool(self._in_use.intersection(keys))
            if met:
                self.counts["conflicts"] += 1
            else:
                self._in_use.update(keys)
        if met:
            raise _conflict(len(keys))
        try:
            ends_at = time.monotonic() + self._seconds
            answer = self._dynamodb.transact_write_items(**arguments)
            # AWS takes its time to prepare and to commit, which the embedded cloud on loopback does not.
            time.sleep(max(0.0, ends_at - time.monotonic()))
            return answer
        finally:
            with self._guard:
                self._in_use.difference_update(keys)


def _keys(entries: Iterable[dict[str, Any]]) -> Iterable[str]:
    for entry in entries:
        ((operation, arguments),) = entry.items()
        yield arguments["Item" if operation == "Put" else "Key"]["pk"]["S"]


def _conflict(entries: int) -> ClientError:
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "Transaction conflict"},
        "CancellationReasons": [{"Code": "TransactionConflict"}] * entries,
    }
    return ClientError(answer, "TransactWriteItems")

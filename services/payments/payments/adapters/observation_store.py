"""The observations table: the provider's statements on its intents, apart from our own payments.

`pk` = `intent#<provider reference>` for the last observation of an intent, `event#<event id>` for a recorded event. The
index `by-difference` has the observations that fit no payment of ours, and no others.
"""

from typing import Any

from payments.domain.observation import Observation
from shared.dynamo import to_item
from shared.versioned_table import VersionedTable, WriteConflict

# The provider repeats an event for three days, and lets operators send it again for thirty.
EVENT_LIFETIME_SECONDS = 31 * 24 * 3600
# Differences are few, so one key of the index holds them.
_DIFFERING = "yes"


class ObservationStore:
    """The observations table."""

    def __init__(self, dynamodb: Any, table_name: str) -> None:
        self._table = VersionedTable(dynamodb, table_name)

    def last(self, reference: str) -> Observation | None:
        """The last observation of an intent, or None."""
        item = self._table.get({"pk": f"intent#{reference}"})
        return Observation.model_validate(item) if item else None

    def record(self, event_id: str, observation: Observation | None, now: int) -> bool:
        """Stores the event's id and the intent's next `observation`, if there is one: both or none.

        Returns False, and stores nothing, if the event was recorded before. `now` is in Unix seconds. Raises
        WriteConflict unless `observation` is the next version.
        """
        event = {"pk": f"event#{event_id}", "expires_at": now + EVENT_LIFETIME_SECONDS}
        writes = [self._table.new(event)]
        if observation:
            writes.append(self._table.successor(_item(observation), replaces=observation.version - 1))
        failed = self._table.write_all(writes)
        if failed and 0 not in failed:
            raise WriteConflict(event_id)
        return not failed

    def save(self, observation: Observation) -> None:
        """Stores the next version of an intent's observation; raises WriteConflict unless it is the next."""
        self._table.put(_item(observation), replaces=observation.version - 1)

    def differing(self, limit: int) -> list[str]:
        """The references of up to `limit` intents whose observation fits no payment of ours, the oldest first."""
        answer = self._table.dynamodb.query(
            TableName=self._table.name,
            IndexName="by-difference",
            KeyConditionExpression="differing = :yes",
            ExpressionAttributeValues=to_item({":yes": _DIFFERING}),
            Limit=limit,
        )
        return [item["pk"]["S"].removeprefix("intent#") for item in answer["Items"]]


def _item(observation: Observation) -> dict[str, Any]:
    return {
        "pk": f"intent#{observation.reference}",
        **({"differing": _DIFFERING} if observation.differs_from else {}),
        **observation.model_dump(mode="json", exclude_none=True),
    }

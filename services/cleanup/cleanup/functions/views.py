"""The answers of the cleanup's API."""

from typing import Annotated, Self

from cleanup.domain.dead_letters import DeadLetterQueue, Group
from shared.clock import timestamp
from shared.record import About, Record


class QueueView(Record):
    """A dead-letter queue, and how many messages wait in it."""

    queue: Annotated[str, About(description="The consumer that gave them up", examples=["OrdersErase"])]
    waiting: Annotated[int, About(description="About how many", examples=[0])]
    redrivable: Annotated[bool, About(description="Whether this API can send them again", examples=[True])]

    @classmethod
    def of(cls, queue: DeadLetterQueue, waiting: int) -> Self:
        """The view of `queue`."""
        return cls(queue=queue.owner, waiting=waiting, redrivable=queue.source is not None)


class DeadLetterQueues(Record):
    """Every dead-letter queue of the shop."""

    queues: list[QueueView]


class GroupView(Record):
    """Messages of one type that wait for the same reason."""

    count: Annotated[int, About(examples=[3])]
    oldest: Annotated[
        str,
        About(description="When the oldest of them was sent", examples=["2026-03-02T09:30:00.125Z"]),
    ]
    aggregate_ids: Annotated[
        list[str],
        About(
            description="What up to five of them are about",
            examples=[["ord_118ebd08bdee58bf9a4d0d7d1e76a930"]],
        ),
    ]
    event_type: Annotated[
        str | None, About(description="Null if the message is no event", examples=["order.confirmed"])
    ] = None
    reason: Annotated[
        str | None,
        About(
            description="Why the consumer can never handle it, without ids; null if it failed at every delivery, and "
            "then the consumer's log has the error",
            examples=["UnknownVersion: version 99 of order.confirmed is not known here"],
        ),
    ] = None

    @classmethod
    def of(cls, group: Group) -> Self:
        """The view of `group`."""
        return cls(
            count=group.count,
            oldest=timestamp(group.oldest),
            aggregate_ids=group.aggregate_ids,
            event_type=group.event_type,
            reason=group.reason,
        )


class DeadLetters(Record):
    """The messages of one queue in groups, without their bodies."""

    queue: Annotated[str, About(examples=["OrdersErase"])]
    waiting: Annotated[int, About(description="About how many messages wait", examples=[3])]
    inspected: Annotated[
        int, About(description="How many of them the groups have; at most 100", examples=[3])
    ]
    redrivable: Annotated[bool, About(examples=[True])]
    as_of: Annotated[
        str,
        About(
            description="The moment of the inspection, for `before` of a redrive",
            examples=["2026-03-02T09:30:00.125Z"],
        ),
    ]
    groups: list[GroupView]


class Redrive(Record):
    """What a redrive did."""

    queue: Annotated[str, About(examples=["OrdersErase"])]
    sent: Annotated[
        int,
        About(description="How many messages it sent again; at most 100, so repeat it until 0", examples=[3]),
    ]
    waiting: Annotated[int, About(description="About how many messages still wait", examples=[0])]

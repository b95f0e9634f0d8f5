"""Erases a deleted user's personal data from their orders, whatever their status, and closes the account to new ones.

One invocation erases one page of orders and sends the queue a message for the next, so that no account is too large. An
order that was being placed while its account was closed may reach the index only after the last page was read. So the
orders are gone through once more when every such placement is over and the index has caught up with it.
"""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from orders.adapters.order_store import Position, despite_lost_races
from orders.dependencies import order_store
from shared.aws import client
from shared.clock import timestamp, utc_now
from shared.consumer import consumer_handler
from shared.environment import LambdaEnvironment
from shared.events import Event
from shared.observability import count

PAGE = 50

# Longer than a placement can take (its function's timeout is 10 s) and than an index lags behind its table.
SETTLED_AFTER = timedelta(seconds=60)


class UserDeleted(BaseModel):
    """What this consumer reads of `user.deleted`; `after` is where its own message for the next page goes on."""

    user_id: Annotated[str, Field(min_length=1)]
    after: Position | None = None


class Environment(LambdaEnvironment):
    """What this function reads from its environment."""

    queue_url: str


environment = Environment.load()


def erase(event: Event) -> None:
    """Erases a page of the user's orders and sees to it that the rest follows; a repeat changes nothing."""
    deleted, now = UserDeleted.model_validate(event.data), utc_now()
    closed_at = order_store().close_account(deleted.user_id, timestamp(now))
    orders, position = order_store().orders_of_customer(deleted.user_id, PAGE, deleted.after)
    for order in orders:
        despite_lost_races(order_store().change, order.order_id, lambda current: current.erase(now))
    count("OrdersErased", sum(order.erased_at is None for order in orders))
    if position:
        _go_on(event, deleted.model_copy(update={"after": position}))
    elif now - datetime.fromisoformat(closed_at) < SETTLED_AFTER:
        _go_on(event, deleted.model_copy(update={"after": None}), delay=SETTLED_AFTER)


def _go_on(event: Event, deleted: UserDeleted, delay: timedelta = timedelta(0)) -> None:
    client("sqs").send_message(
        QueueUrl=environment.queue_url,
        MessageBody=event.model_copy(update={"data": deleted.model_dump(mode="json")}).model_dump_json(),
        DelaySeconds=int(delay.total_seconds()),
    )


handler = consumer_handler({"user.deleted": erase})

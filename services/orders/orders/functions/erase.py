"""Erases a deleted user's personal data from their orders, and closes the account to new ones.

One invocation erases one page and sends its own queue a message for the next, so that no account is too large.
"""

from typing import Annotated

from orders.adapters.order_store import Position
from orders.dependencies import ErasureQueueUrl, erasure_queue, order_store
from orders.domain.account_erasure import erase_page
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count
from shared.record import About, Record


class UserDeleted(Record):
    """The part of `user.deleted` that this consumer reads; `after` is where its own message goes on."""

    user_id: Annotated[str, About(min_length=1)]
    after: Position | None = None


# A function that lacks the name of its queue refuses to start.
ErasureQueueUrl.load()


def erase(event: Event) -> None:
    """Erases a page of the user's orders and sends the message for the next; a repeat changes nothing."""
    deleted = UserDeleted.model_validate(event.data)
    erased, following = erase_page(deleted.user_id, deleted.after, order_store(), utc_now())
    count("OrdersErased", erased)
    if following:
        goes_on = deleted.model_copy(update={"after": following.after})
        erasure_queue().send(event, goes_on.model_dump(), following.delay)


handler = consumer_handler({"user.deleted": erase})

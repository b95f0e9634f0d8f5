"""Ends a deleted user's connections and erases their feed, on `user.deleted`."""

from live.dependencies import live_store, sockets
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count


def erase(event: Event) -> None:
    """Erases the user that a `user.deleted` is about; a repeat erases what is left.

    The account is closed first: whatever connects or is told from then on leaves nothing behind.
    """
    customer_id = event.aggregate_id
    live_store().close_account(customer_id, utc_now())
    for connection in live_store().connections(customer_id):
        sockets().close(connection.connection_id)
    count("LiveItemsErased", live_store().erase(customer_id))


handler = consumer_handler({"user.deleted": erase})

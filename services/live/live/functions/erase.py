"""Closes a deleted user's connections and erases their feed, on `user.deleted`."""

from live.dependencies import live_store, sockets
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count


def erase(event: Event) -> None:
    """Erases the user in `user.deleted`; a repeat erases the rest.

    The account is closed first: from then on no change and no connection of the user is stored.
    """
    customer_id = event.aggregate_id
    live_store().close_account(customer_id, utc_now())
    for connection in live_store().connections(customer_id):
        sockets().close(connection.connection_id)
    count("LiveItemsErased", live_store().erase(customer_id))


handler = consumer_handler({"user.deleted": erase})

"""Pushes each status change to the customer: first into their feed, then to each connection that watches the order.

If the queue delivers an event again, its change has the same cursor. Clients recognize the repeat by it.

On `user.deleted` there is nobody left to push to: it closes the user's connections and erases their feed.
"""

from live.adapters.sockets import ConnectionGone, SocketBusy
from live.dependencies import live_store, sockets
from live.domain.connection import Connection
from live.domain.feed import STATUS_EVENTS, change_in
from live.domain.messages import as_text, changed
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.errors import TransientError
from shared.events import Event
from shared.observability import count, logger


class NotPushed(TransientError):
    """API Gateway did not take the message for some connections; the queue delivers the event again."""


def push(event: Event) -> None:
    """Pushes the status in `event` to its customer, unless their feed has a newer one. Raises NotPushed."""
    customer_id, change = change_in(event)
    now = utc_now()
    entry = live_store().append(customer_id, change, now)
    if entry is None:
        logger.debug("not pushed: the feed has a newer status, or the account is closed")
        count("LiveChangesSuperseded")
        return
    message, failed = as_text(changed(entry)), 0
    for connection in live_store().connections(customer_id):
        if connection.is_over(now):
            # The client connects again with a fresh token, and catches up.
            sockets().close(connection.connection_id)
            live_store().disconnect(connection.customer_id, connection.connection_id)
        elif connection.watches(change.order_id):
            failed += not _sent(connection, message)
    if failed:
        raise NotPushed(f"{failed} connections")


def _sent(connection: Connection, message: str) -> bool:
    """Whether the message needs no further try: it was sent, or the client has left."""
    try:
        sockets().send(connection.connection_id, message)
    except ConnectionGone:
        live_store().disconnect(connection.customer_id, connection.connection_id)
        count("ConnectionsGone")
    except SocketBusy as busy:
        logger.warning("message not taken", reason=str(busy))
        return False
    else:
        count("LiveChangesPushed")
    return True


def erase(event: Event) -> None:
    """Erases the user in `user.deleted`; a repeat erases the rest.

    The account is closed first: from then on no change and no connection of the user is stored.
    """
    customer_id = event.aggregate_id
    live_store().close_account(customer_id, utc_now())
    for connection in live_store().connections(customer_id):
        sockets().close(connection.connection_id)
    count("LiveItemsErased", live_store().erase(customer_id))


handler = consumer_handler(
    {**dict.fromkeys(STATUS_EVENTS, push), "order.placed": {1: push, 2: push}, "user.deleted": erase}
)

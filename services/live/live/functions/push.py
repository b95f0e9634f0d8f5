"""Tells customers of status changes: into their feed first, so that nothing is missed, then to whoever watches.

A push may come twice, when the queue delivers an event again after a connection failed for the moment; the message is
the same then, and clients know it by its cursor.
"""

from botocore.exceptions import ClientError

from live.adapters.sockets import Gone
from live.dependencies import live_store, sockets
from live.domain.feed import STATUS_EVENTS, Connection, change_told_by
from live.domain.messages import OrderChanged, text
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.errors import TransientError
from shared.events import Event
from shared.observability import count, logger


class NotPushed(TransientError):
    """API Gateway did not take the message for some connections; the queue delivers the event again."""


def push(event: Event) -> None:
    """Tells the order's customer of the status in `event`, unless a newer one was told. Raises NotPushed."""
    customer_id, change = change_told_by(event)
    now = utc_now()
    entry = live_store().tell(customer_id, change, now)
    if entry is None:
        logger.info("nothing to tell: something newer was told, or the customer was erased")
        count("LiveChangesSuperseded")
        return
    message, failed = text(OrderChanged.of(entry)), 0
    for connection in live_store().connections(customer_id):
        if connection.is_over(now):
            _drop(connection)
        elif connection.watches(change.order_id):
            failed += not _sent(connection, message)
    if failed:
        raise NotPushed(f"{failed} connections")


def _sent(connection: Connection, message: str) -> bool:
    """Whether the message is there, or nobody is to get it."""
    try:
        sockets().send(connection.connection_id, message)
    except Gone:
        live_store().disconnect(connection.customer_id, connection.connection_id)
        count("ConnectionsGone")
    except ClientError as error:
        logger.warning("message not taken", reason=error.response["Error"]["Code"])
        return False
    else:
        count("LiveChangesPushed")
    return True


def _drop(connection: Connection) -> None:
    """Ends a connection whose token has run out; the client comes back with a fresh one, and catches up."""
    sockets().close(connection.connection_id)
    live_store().disconnect(connection.customer_id, connection.connection_id)


handler = consumer_handler(dict.fromkeys(STATUS_EVENTS, push))

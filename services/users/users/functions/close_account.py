"""Removes the sign-in of a user who was erased.

The account goes after the profile, by the event that the profile's end wrote: whatever fails on the way, the queue
brings the event again, so nobody is left with a sign-in to nothing.
"""

from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count
from users.dependencies import accounts


def close_account(event: Event) -> None:
    """Removes the account of the user that a `user.deleted` is about; there being none is as good.

    Raises AccountsBusy, which another try may settle.
    """
    if accounts().close(event.aggregate_id):
        count("AccountsClosed")


handler = consumer_handler({"user.deleted": close_account})

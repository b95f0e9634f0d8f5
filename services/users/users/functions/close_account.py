"""Removes the account of a user who was erased.

The account is removed after the profile, by the event that closed the profile. If a step fails, the queue delivers the
event again, so no account outlives its profile permanently.
"""

from shared.consumer import consumer_handler
from shared.events import Event
from shared.observability import count
from users.dependencies import accounts


def close_account(event: Event) -> None:
    """Removes the account of the user in `user.deleted`, if there is one.

    Raises AccountsBusy; the queue then delivers the event again.
    """
    if accounts().close(event.aggregate_id):
        count("AccountsClosed")


handler = consumer_handler({"user.deleted": close_account})

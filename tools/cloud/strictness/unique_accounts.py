"""Cognito holds each address once, also of accounts that are made at once.

MiniStack makes each account in a thread of its own: it looks whether the address has an account, and adds one later. So
of two sign-ups at once both may succeed. Cognito refuses the second with `UsernameExistsException`
(https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html).
"""

import threading
from collections.abc import Callable
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.services import cognito  # type: ignore[import-not-found]


def install() -> None:
    """Makes one account at a time. This system has no trigger that would make another one meanwhile."""
    lock = threading.Lock()

    def one_at_a_time(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def make_alone(data: Any) -> Any:
            with lock:
                return make(data)

        return make_alone

    cognito._sign_up = one_at_a_time(cognito._sign_up)
    cognito._admin_create_user = one_at_a_time(cognito._admin_create_user)

"""When a token was issued, by what API Gateway hands over of it."""

from types import SimpleNamespace
from typing import Any

import pytest

from shared.access import verified_caller


def issued_at(claim: Any) -> int:
    request = SimpleNamespace(authorizer={"claims": {"sub": "user-1", "token_use": "id", "iat": claim}})
    app: Any = SimpleNamespace(current_event=SimpleNamespace(request_context=request))
    caller = verified_caller(app)
    assert caller is not None
    return caller.issued_at


@pytest.mark.parametrize(
    "claim",
    [
        1614944416,
        "1614944416",  # as the embedded cloud hands it over
        "Fri Mar 05 11:40:16 UTC 2021",  # as API Gateway's REST APIs do
    ],
)
def test_the_time_of_a_token_is_read_in_each_form(claim: Any) -> None:
    assert issued_at(claim) == 1614944416


@pytest.mark.parametrize("claim", ["", "soon", "Fri Mar 05 11:40:16 CET 2021", "\u0661\u0662", "-1"])
def test_a_time_that_cannot_be_read_is_that_of_a_very_old_token(claim: str) -> None:
    assert issued_at(claim) == 0

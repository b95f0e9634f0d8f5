"""`make watch` says whose orders it shows."""

import jwt
import pytest

from tools.console import StepError
from tools.shop.watch import whose


def test_a_token_names_its_customer() -> None:
    token = jwt.encode({"sub": "user-1", "email": "ada@example.com"}, "a key that the reader does not need")
    assert whose(token) == "ada@example.com, user user-1"


def test_what_is_no_token_is_refused_with_a_way_to_get_one() -> None:
    with pytest.raises(StepError, match="TOKEN is no identity token") as refused:
        whose("nonsense")
    assert "make token" in refused.value.advice

"""A function's environment is checked when it starts."""

import pytest

from shared.environment import LambdaEnvironment
from shared.record import ValidationError


class Environment(LambdaEnvironment):
    stock_table: str
    stock_limit: int = 5


def test_a_field_reads_the_variable_of_its_name_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCK_TABLE", "stock")
    monkeypatch.setenv("STOCK_LIMIT", "7")
    environment = Environment.load()
    assert (environment.stock_table, environment.stock_limit) == ("stock", 7)


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STOCK_TABLE", raising=False)
    with pytest.raises(ValidationError, match="STOCK_TABLE"):
        Environment.load()


def test_an_environment_that_lacks_a_variable_shows_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AAA_SECRET", "hidden-key")
    monkeypatch.setenv("STOCK_LIMIT", "hidden-limit")
    with pytest.raises(ValidationError) as refused:
        Environment.load()
    assert "hidden" not in str(refused.value)

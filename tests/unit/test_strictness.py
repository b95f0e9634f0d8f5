"""The settings of the embedded cloud's strictness."""

import pytest

from tools.cloud import strict
from tools.cloud.strictness import settings
from tools.console import StepError


@pytest.fixture(autouse=True)
def known_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two settings, both off."""
    monkeypatch.setattr(settings, "DESCRIPTIONS", {"doors": "Doors are locked.", "limit": "A limit holds."})
    monkeypatch.setattr(settings, "_values", {})


def test_a_setting_is_off_until_it_is_changed() -> None:
    assert not settings.is_on("doors")
    settings.change({"doors": 1})
    assert settings.is_on("doors")
    assert settings.current() == {"doors": 1, "limit": 0}


def test_a_change_with_an_unknown_name_changes_nothing() -> None:
    with pytest.raises(ValueError, match="no setting windows; there is doors, limit"):
        settings.change({"doors": 1, "windows": 1})
    assert settings.current() == {"doors": 0, "limit": 0}


def test_an_unknown_setting_is_never_taken_for_one_that_is_off() -> None:
    with pytest.raises(KeyError):
        settings.is_on("windows")


@pytest.mark.parametrize("number", ["-1", "many", "inf", "nan"])
def test_a_value_is_a_number_from_zero_on(number: str) -> None:
    with pytest.raises(ValueError, match="limit="):
        settings.change({"limit": number})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("doors", {"doors": 1.0}),
        ("doors limit=10", {"doors": 1.0, "limit": 10.0}),
        ("doors,limit=0", {"doors": 1.0, "limit": 0.0}),
    ],
)
def test_strict_names_settings_with_their_values(
    monkeypatch: pytest.MonkeyPatch, text: str, found: dict[str, float]
) -> None:
    monkeypatch.setenv("STRICT", text)
    assert strict.requested() == found


def test_a_setting_without_a_value_is_as_on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_AS_ON_AWS", {"limit": 10})
    assert settings.parsed("doors limit") == {"doors": 1.0, "limit": 10.0}


def test_a_wrong_name_in_strict_gets_the_list_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRICT", "windows")
    with pytest.raises(StepError) as refused:
        strict.requested()
    assert "doors" in refused.value.advice
    assert "Doors are locked." in refused.value.advice

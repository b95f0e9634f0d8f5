"""A record reads the values that it wrote, refuses others without repeating them, and has pydantic's schema."""

import json
from dataclasses import FrozenInstanceError, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import pydantic
import pytest
from pydantic import BaseModel, TypeAdapter

from shared.record import About, Record, ValidationError


class Kind(StrEnum):
    TEA = "tea"


class Line(Record):
    sku: Annotated[str, About(min_length=1, description="Stock-keeping unit", examples=["TEA"])]
    quantity: Annotated[int, About(ge=1)]


class Other(Line):
    """A line of another kind."""


class Parcel(Record):
    """What leaves."""

    kind: Kind
    lines: list[Line]
    note: str | None = None
    sent_at: datetime | None = None
    gift: bool = False
    counts: dict[str, int] = field(default_factory=dict)


GOOD = {"kind": "tea", "lines": [{"sku": "A", "quantity": 2}]}


def test_a_record_reads_what_it_wrote() -> None:
    parcel = Parcel(kind=Kind.TEA, lines=[Line(sku="A", quantity=2)], counts={"a": 1}, note="ä")
    assert Parcel.model_validate(parcel.model_dump()) == parcel
    assert Parcel.model_validate_json(parcel.model_dump_json()) == parcel
    assert '"note":"ä"' in parcel.model_dump_json()


def test_its_values_are_those_of_json() -> None:
    dumped = Parcel.model_validate(GOOD).model_dump()
    assert type(dumped["kind"]) is str
    assert dumped["lines"] == GOOD["lines"]


def test_fields_that_are_as_by_default_or_none_can_be_left_out() -> None:
    parcel = Parcel.model_validate(GOOD)
    assert parcel.model_dump(exclude_defaults=True) == GOOD
    assert parcel.model_dump(exclude_none=True) == {**GOOD, "gift": False, "counts": {}}


def test_unknown_values_are_left_out() -> None:
    assert Parcel.model_validate({**GOOD, "later": 1}) == Parcel.model_validate(GOOD)


def test_a_moment_is_read_with_its_zone() -> None:
    read = Parcel.model_validate({**GOOD, "sent_at": "2026-03-02T09:30:00.125Z"})
    assert read.sent_at == datetime(2026, 3, 2, 9, 30, 0, 125000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ({"kind": "hidden"}, "kind"),
        ({"lines": "hidden"}, "lines"),
        ({"lines": [{"sku": "hidden", "quantity": 0}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "hidden", "quantity": True}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "hidden", "quantity": "2"}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "", "quantity": 1}]}, "lines.0.sku"),
        ({"lines": [{"quantity": 1}]}, "lines.0.sku"),
        ({"lines": ["hidden"]}, "lines.0"),
        ({"note": 17}, "note"),
        ({"sent_at": "hidden"}, "sent_at"),
        ({"gift": "hidden"}, "gift"),
        ({"counts": {"hidden": "hidden"}}, "counts"),
        ({"counts": None}, "counts"),
    ],
)
def test_other_values_are_refused_by_their_place_and_not_repeated(broken: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Parcel.model_validate({**GOOD, **broken})
    assert str(refused.value).startswith(f"{place}: ")
    assert "hidden" not in str(refused.value)
    assert refused.value.__context__ is None or "hidden" not in str(refused.value.__context__)


@pytest.mark.parametrize("text", ["hidden", '"hidden"', "[" * 100_000, "null"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Parcel.model_validate_json(text)
    assert "hidden" not in str(refused.value)


def test_a_copy_differs_in_what_is_given() -> None:
    parcel = Parcel.model_validate(GOOD)
    assert parcel.model_copy(update={"note": "x"}).note == "x"
    assert parcel.note is None


def test_records_are_equal_by_their_class_and_values() -> None:
    parcel = Parcel.model_validate(GOOD)
    assert parcel == Parcel.model_validate(GOOD)
    assert parcel != Parcel.model_validate({**GOOD, "gift": True})
    assert Line(sku="A", quantity=2) != Other(sku="A", quantity=2)
    assert {Line(sku="A", quantity=2), Line(quantity=2, sku="A")} == {Line(sku="A", quantity=2)}


def test_a_record_shows_its_values_in_the_order_of_its_fields() -> None:
    assert repr(Line(quantity=2, sku="A")) == "Line(sku='A', quantity=2)"
    assert list(Parcel(lines=[], kind=Kind.TEA, gift=True).model_dump()) == [
        "kind",
        "lines",
        "note",
        "sent_at",
        "gift",
        "counts",
    ]


def test_a_record_cannot_be_changed() -> None:
    line: Any = Line(sku="A", quantity=2)
    with pytest.raises(FrozenInstanceError):
        line.sku = "B"
    with pytest.raises(FrozenInstanceError):
        del line.sku
    assert line.sku == "A"


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"sku": "A"}, "quantity"),
        ({"sku": "A", "quantity": 1, "price": 1}, "price"),
        ({"sku": "A", "price": 1}, "price, quantity"),
    ],
)
def test_a_constructor_names_the_missing_and_the_unknown_fields(values: dict[str, Any], wrong: str) -> None:
    with pytest.raises(TypeError, match=f"^Line: missing or unknown: {wrong}$"):
        Line(**values)


def test_each_record_has_a_default_of_its_own() -> None:
    Parcel(kind=Kind.TEA, lines=[]).counts["a"] = 1
    assert Parcel(kind=Kind.TEA, lines=[]).counts == {}


def test_a_record_has_no_methods_that_python_would_compile_for_it() -> None:
    assert not {"__init__", "__eq__", "__repr__", "__setattr__", "__delattr__"} & vars(Line).keys()


def test_a_model_at_the_edge_takes_a_record_with_its_limits_and_shows_its_schema() -> None:
    class Answer(BaseModel):
        line: Line

    assert json.loads(Answer(line=Line(sku="A", quantity=2)).model_dump_json()) == {
        "line": {"sku": "A", "quantity": 2}
    }
    with pytest.raises(pydantic.ValidationError):
        Answer.model_validate({"line": {"sku": "A", "quantity": 0}})
    sku = TypeAdapter(Line).json_schema()["properties"]["sku"]
    assert sku == {
        "title": "Sku",
        "type": "string",
        "minLength": 1,
        "description": "Stock-keeping unit",
        "examples": ["TEA"],
    }

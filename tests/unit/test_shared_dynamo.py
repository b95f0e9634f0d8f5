"""Plain values to DynamoDB's typed ones and back."""

from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from shared.dynamo import condition_failed, from_item, to_item

VALUES = st.recursive(
    st.integers(min_value=-(10**30), max_value=10**30)
    | st.text()
    | st.booleans()
    | st.sets(st.text(), min_size=1, max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=12,
)


def in_order(typed: Any) -> Any:
    """The typed values with the entries of each set in order."""
    if isinstance(typed, dict):
        return {name: sorted(value) if name == "SS" else in_order(value) for name, value in typed.items()}
    return [in_order(entry) for entry in typed] if isinstance(typed, list) else typed


@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=5))
def test_values_come_back_as_they_went_in(values: dict[str, Any]) -> None:
    assert from_item(to_item(values)) == values


@given(st.dictionaries(st.text(min_size=1), VALUES | st.none(), max_size=5))
def test_an_item_is_what_boto3_makes_of_it(values: dict[str, Any]) -> None:
    """Operators and older versions of the system read and write the same items with boto3."""
    as_boto3 = TypeSerializer().serialize(values)["M"]
    assert in_order(to_item({"all": values})) == in_order({"all": {"M": as_boto3}})
    assert from_item(as_boto3) == TypeDeserializer().deserialize({"M": as_boto3})


@pytest.mark.parametrize(
    ("digits", "number"), [("12", 12), ("-7", -7), ("1.50", 1.5), ("3.0", 3), ("1E+2", 100), ("0", 0)]
)
def test_a_number_is_read_in_every_form_that_dynamodb_knows(digits: str, number: float) -> None:
    back = from_item({"n": {"N": digits}})["n"]
    assert (back, type(back)) == (number, type(number))


@pytest.mark.parametrize("value", [1.5, b"x", {1}, set(), object()])
def test_a_value_of_another_type_is_refused_without_being_shown(value: Any) -> None:
    with pytest.raises(TypeError, match=type(value).__name__):
        to_item({"nested": [value]})


@pytest.mark.parametrize("typed", [{"B": b"x"}, {"BS": [b"a"]}, {"NS": ["1"]}])
def test_an_attribute_of_another_type_is_refused(typed: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(typed))):
        from_item({"nested": {"L": [typed]}})


def test_what_is_no_number_is_refused_without_being_shown() -> None:
    with pytest.raises(ValueError, match="is no number") as refused:
        from_item({"n": {"N": "Ada Secret"}})
    assert (refused.value.__cause__, refused.value.__suppress_context__) == (None, True)


def test_whole_numbers_come_back_as_int_at_any_depth() -> None:
    back = from_item(to_item({"lines": [{"price": {"amount": 5}}]}))
    assert type(back["lines"][0]["price"]["amount"]) is int


def test_nothing_is_stored_for_none() -> None:
    assert to_item({"pk": "a", "line2": None}) == {"pk": {"S": "a"}}


@pytest.mark.parametrize(
    ("code", "expected"), [("ConditionalCheckFailedException", True), ("ThrottlingException", False)]
)
def test_a_failed_condition_is_distinguished_from_other_errors(code: str, expected: bool) -> None:
    error = ClientError({"Error": {"Code": code, "Message": ""}}, "PutItem")
    assert condition_failed(error) is expected

"""Plain values to DynamoDB's typed ones and back."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from shared.dynamo import condition_failed, from_item, to_item

VALUES = st.recursive(
    st.integers(min_value=-(10**30), max_value=10**30) | st.text() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=5))
def test_values_come_back_as_they_went_in(values: dict[str, Any]) -> None:
    assert from_item(to_item(values)) == values


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

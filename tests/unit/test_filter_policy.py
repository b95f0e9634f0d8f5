"""Filter policies are read as SNS reads them, as far as the template has any."""

from typing import Any

import pytest

from tools.contracts.template import resources
from tools.filter_policy import UnknownRule, lets_through, named_types

ALL_BUT_USERS = {"event_type": [{"anything-but": {"prefix": "user."}}]}


def test_a_policy_lets_the_types_through_that_it_names() -> None:
    policy = {"event_type": ["order.placed", "order.confirmed"]}
    assert named_types(policy) == ["order.placed", "order.confirmed"]
    assert lets_through(policy, "order.confirmed")
    assert not lets_through(policy, "order.confirmed_again")
    assert not lets_through(policy, "order")


def test_a_rule_lets_all_but_a_prefix_through() -> None:
    assert named_types(ALL_BUT_USERS) == []
    assert lets_through(ALL_BUT_USERS, "users_of_tea.counted")
    assert lets_through(ALL_BUT_USERS, "order.placed")
    assert not lets_through(ALL_BUT_USERS, "user.deleted")


def test_one_rule_of_several_is_enough() -> None:
    policy = {"event_type": [*ALL_BUT_USERS["event_type"], "user.deleted"]}
    assert lets_through(policy, "user.deleted")
    assert not lets_through(policy, "user.changed")


@pytest.mark.parametrize(
    "policy", [{"event_type": [{"numeric": [">", 1]}]}, {"store": ["tea"]}, {}, {"event_type": [7]}]
)
def test_a_policy_that_it_does_not_know_is_no_guess(policy: dict[str, Any]) -> None:
    with pytest.raises(UnknownRule):
        lets_through(policy, "order.placed")


def test_it_knows_every_policy_of_the_template() -> None:
    policies = [
        resource["Properties"]["FilterPolicy"]
        for resource in resources().values()
        if resource["Type"] == "AWS::SNS::Subscription" and "FilterPolicy" in resource["Properties"]
    ]
    assert len(policies) > 10
    for policy in policies:
        lets_through(policy, "no.such_type")

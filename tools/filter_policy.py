"""Which events a subscription's filter policy lets through, as SNS decides it.

https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

_TYPE = "event_type"


class UnknownRule(ValueError):
    """The policy has a rule that no template of ours has."""


def lets_through(policy: Mapping[str, Any], event_type: str) -> bool:
    """Whether SNS delivers events of that type to a subscription with this policy; raises UnknownRule."""
    return any(_fits(rule, event_type) for rule in _rules(policy))


def named_types(policy: Mapping[str, Any]) -> list[str]:
    """The types that the policy names, in its order; a policy may let through more by a rule. Raises UnknownRule."""
    return [rule for rule in _rules(policy) if isinstance(rule, str)]


def _rules(policy: Mapping[str, Any]) -> Sequence[Any]:
    if policy.keys() != {_TYPE}:
        raise UnknownRule(f"a filter policy is about {_TYPE} alone, and this one about {', '.join(policy)}")
    rules: Sequence[Any] = policy[_TYPE]
    return rules


def _fits(rule: Any, event_type: str) -> bool:
    match rule:
        case str():
            return rule == event_type
        case {"anything-but": {"prefix": str(prefix)}}:
            return not event_type.startswith(prefix)
    raise UnknownRule(f"{rule!r} is no rule of the template's filter policies")

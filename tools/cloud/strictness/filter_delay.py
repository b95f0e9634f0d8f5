"""A subscription's changed filter takes effect `filter_delay_seconds` later.

On AWS that takes up to 15 minutes: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html

Until then SNS filters as before. A new subscription's filter is in effect at once.
"""

import time
from itertools import takewhile
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.services import sns  # type: ignore[import-not-found]

from . import settings

SETTING = "filter_delay_seconds"
_FILTER = {"FilterPolicy", "FilterPolicyScope"}

# Of each subscription whose filter changed: since when, and what SNS filters by; the oldest first.
_filters: dict[str, list[tuple[float, dict[str, Any]]]] = {}


def install() -> None:
    """Makes SNS filter by what a subscription was before its last change, until the change takes effect."""
    change, matches = sns._set_subscription_attributes, sns._matches_filter_policy

    def set_subscription_attributes(request: dict[str, Any]) -> Any:
        arn = sns._p(request, "SubscriptionArn")
        before = _attributes(arn)
        answer = change(request)
        after = _attributes(arn)
        if not settings.is_on(SETTING):
            # It is in effect at once, and stays so when later changes take their time again.
            _filters.pop(arn, None)
        elif _of_filter(before) != _of_filter(after):
            history = _filters.setdefault(arn, [(0.0, before)])
            history.append((time.monotonic() + settings.value(SETTING), after))
        return answer

    def matches_filter_policy(subscription: dict[str, Any], *message: Any) -> Any:
        history = _filters.get(subscription["arn"])
        if history is None or not settings.is_on(SETTING):
            return matches(subscription, *message)
        now = time.monotonic()
        *_, (_, attributes) = takewhile(lambda entry: entry[0] <= now, history)
        return matches({**subscription, "attributes": attributes}, *message)

    sns._set_subscription_attributes = set_subscription_attributes
    sns._matches_filter_policy = matches_filter_policy


def _attributes(arn: str) -> dict[str, Any]:
    subscription = sns._find_subscription(sns._sub_arn_to_topic.get(arn, ""), arn) or {}
    return dict(subscription.get("attributes", {}))


def _of_filter(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: attributes.get(name) for name in _FILTER}

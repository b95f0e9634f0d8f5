"""Takes the group `admin` out of the token of an account without a second factor: Cognito asks before it makes a token.

Cognito can demand a second factor of all users of a pool or of none. So an account without one signs in, and can set
one up, but is no admin yet. https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html

The user pool is in the event and not in the environment, because the pool itself names this function. Cognito refuses
the sign-in if the function fails. It adds nothing to a customer's sign-in but its invocation.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.access import ADMIN_GROUP
from shared.observability import count, entry_point, logger
from users.dependencies import second_factor_settings, second_factors


@entry_point
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The event with the groups that its token is to name (version 1 of the trigger)."""
    groups = event["request"]["groupConfiguration"]
    named = groups.get("groupsToOverride") or []
    if not second_factor_settings().is_required or ADMIN_GROUP not in named:
        return event
    if second_factors().has_one(event["userPoolId"], event["userName"]):
        return event
    logger.warning("admin has no second factor", user_id=event["request"]["userAttributes"].get("sub", ""))
    count("AdminsWithoutSecondFactor")
    kept = [group for group in named if group != ADMIN_GROUP]
    details: dict[str, Any] = {"groupOverrideDetails": {**groups, "groupsToOverride": kept}}
    if not kept:
        # Cognito does not say whether an empty list overrides anything; without the claim, the token names no group.
        details["claimsToSuppress"] = ["cognito:groups"]
    return event | {"response": {"claimsOverrideDetails": details}}

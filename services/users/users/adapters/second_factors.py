"""The second factors of accounts in a Cognito user pool."""

from typing import Any


class SecondFactors:
    """Says which accounts have one."""

    def __init__(self, cognito: Any) -> None:
        self._cognito = cognito

    def has_one(self, user_pool_id: str, username: str) -> bool:
        """Whether Cognito asks the account for a second factor at each sign-in."""
        found = self._cognito.admin_get_user(UserPoolId=user_pool_id, Username=username)
        return bool(found.get("UserMFASettingList"))

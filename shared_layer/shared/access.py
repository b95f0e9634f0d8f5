"""Access control: the caller, as the verified token names them, and two checks.

An admin has an admin's rights by a token of the admins' app client alone. These tokens live for five minutes, so a
removed or deleted admin keeps the rights no longer. `ADMIN_CLIENT_ID` names the client; without it nobody is an admin.
API Gateway may keep an authorizer's decision for five minutes, and AWS does not say whether it does so for user pools.
So the end of such a token is checked here once more.

A route declares its `Access`. `Access.admit` checks the token before the request is read. Only a route that has found
a thing knows its owner; then it calls `require_owner` of shared/audit_trail.py. It also declares whose data an admin
reaches by it (`Whose`). docs/authorization.md lists both for every route.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from shared.errors import Forbidden, NotFound, Unauthorized
from shared.record import Record

CUSTOMER_GROUP = "customer"
ADMIN_GROUP = "admin"

IDENTITY_TOKEN = "id"  # noqa: S105 # nosec B105 - a kind of token
"""The `token_use` of the tokens that the API and the WebSocket take."""

_HOLDERS = {
    CUSTOMER_GROUP: f"the group {CUSTOMER_GROUP}, which your token does not name",
    ADMIN_GROUP: f"a token of the group {ADMIN_GROUP} from a sign-in with the admins' app client",
}

# java.util.Date.toString(), in UTC.
_JAVA_DATE = "%a %b %d %H:%M:%S UTC %Y"


class Caller(Record):
    """The caller, by Cognito's verified token; `issued` is the token's time as its claim `iat` says it."""

    user_id: str
    email: str = ""
    email_verified: bool = False
    name: str = ""
    locale: str = ""
    groups: frozenset[str] = frozenset()
    issued: str = ""
    client_id: str = ""
    """The app client that the token is for."""

    @property
    def is_admin(self) -> bool:
        """Whether the caller runs the shop."""
        return ADMIN_GROUP in self.groups

    @property
    def issued_at(self) -> int:
        """The token's time in seconds since 1970. Few routes need it, and to read a date loads a module."""
        return _seconds(self.issued)

    def reach[Thing](self, thing: Thing | None, owner_id: Callable[[Thing], str]) -> Thing:
        """`thing`, when it is the caller's own by its `owner_id` or the caller is an admin.

        Raises NotFound otherwise, also when the thing does not exist: a caller cannot find out which of the two it was.
        Routes call `require_owner`, which also leaves the admin's line in the audit trail.
        """
        if thing is None or (owner_id(thing) != self.user_id and not self.is_admin):
            raise NotFound("There is no such resource, or it is not yours.")
        return thing


class Access(StrEnum):
    """The callers that a route admits."""

    ANYONE = "anyone"
    SIGNED_IN = "signed-in"
    CUSTOMER = "customer"
    OWNER = "owner"
    """The owner of the thing, and admins; the route calls `require_owner` once it has found the thing."""
    ADMIN = "admin"

    def admit(self, caller: Caller | None) -> None:
        """Lets the caller pass, as far as the token shows.

        Raises Unauthorized without a token, Forbidden without the group.
        """
        if self is Access.ANYONE:
            return
        if caller is None:
            raise Unauthorized("This resource needs a valid token.")
        needed = {Access.CUSTOMER: CUSTOMER_GROUP, Access.ADMIN: ADMIN_GROUP}.get(self)
        if needed and needed not in caller.groups:
            raise Forbidden(f"This needs {_HOLDERS[needed]}.")


class Whose(StrEnum):
    """The owners of the data that an admin reaches by a route. All but the shop's leave a line in the audit trail."""

    OWNER = "owner"
    """One customer's."""
    LISTED = "listed"
    """Those of each person in the answer."""
    EVERYBODY = "everybody"
    """Those of all customers, by a file that holds some of them."""
    SHOP = "shop"
    """Nobody's: they belong to the shop, and name no customer. Products, stock and the list of jobs do."""


def caller_of(app: APIGatewayRestResolver) -> Caller:
    """The authenticated caller of the current request; raises Unauthorized when no verified token came with it."""
    caller = verified_caller(app)
    if caller is None:
        raise Unauthorized("This resource needs a valid token.")
    return caller


def verified_caller(app: APIGatewayRestResolver) -> Caller | None:
    """The caller of the current request by the claims that API Gateway's authorizer verified, or None.

    Only an identity token names a caller. API Gateway takes no other one on a method without scopes
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-enable-cognito-user-pool.html); this check
    holds also if a deployment gives a method scopes.
    """
    authorizer: Any = app.current_event.request_context.authorizer
    claims = (authorizer or {}).get("claims") or {}
    if "sub" not in claims or claims.get("token_use") != IDENTITY_TOKEN:
        return None
    return Caller(
        user_id=claims["sub"],
        email=claims.get("email", ""),
        email_verified=str(claims.get("email_verified", "")).lower() == "true",
        name=claims.get("name", ""),
        locale=claims.get("locale", ""),
        groups=_groups_that_count(claims),
        issued=str(claims.get("iat", "")),
        client_id=str(claims.get("aud", "")),
    )


def _groups_that_count(claims: Any) -> frozenset[str]:
    """The groups whose rights the token gives: an admin's by a token of the admins' app client, until it expires."""
    groups = _groups_in(str(claims.get("cognito:groups", "")))
    if ADMIN_GROUP in groups and not (_is_of_admins_client(claims) and not _has_expired(claims)):
        return groups - {ADMIN_GROUP}
    return groups


def _is_of_admins_client(claims: Any) -> bool:
    """An identity token names its app client in `aud`."""
    client = claims.get("aud")
    return bool(client) and client == os.environ.get("ADMIN_CLIENT_ID")


def _has_expired(claims: Any) -> bool:
    return _seconds(str(claims.get("exp", ""))) <= time.time()


def _groups_in(claim: str) -> frozenset[str]:
    """The groups of a claim, which API Gateway writes as `a,b` or as `[a b]`."""
    return frozenset(claim.strip("[]").replace(",", " ").split())


def _seconds(claim: str) -> int:
    """The time of an `iat` or `exp` claim, in seconds since 1970; 0, as if it were very old, if it is unreadable.

    A token holds a number. API Gateway's REST APIs pass it on as a Java date: `Fri Mar 05 11:40:16 UTC 2021`.
    """
    if claim.isascii() and claim.isdecimal():
        return int(claim)
    try:
        return int(datetime.strptime(claim, _JAVA_DATE).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return 0

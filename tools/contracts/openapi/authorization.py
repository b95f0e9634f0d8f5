"""docs/authorization.md: what each operation answers to each kind of caller.

The cells are not written down anywhere: they are what the two checks of `shared.access`, which every request passes,
say to a caller of each kind.
"""

from collections.abc import Mapping
from typing import Any

from shared.access import ADMIN_GROUP, CUSTOMER_GROUP, Access, Caller, require_owner
from shared.errors import Problem
from tools.contracts.openapi.document import operations_of
from tools.settings import REPOSITORY

TABLE = REPOSITORY / "docs" / "authorization.md"

_NO_OWNER = "\N{EN DASH}"
_OWN, _OTHERS = "caller", "somebody-else"

_PREFACE = """\
# Who may do what

Made from the routes by `make openapi`; a test fails when it is out of date.

Each operation declares its access with `contract(Access...)`, which is at once what is checked, before anything of the
request is read, and what the OpenAPI document says in `x-access`. Whose a thing is can be known only once it is found;
`require_owner` decides that, and what is not the caller's answers as if it did not exist. Both checks stand in
`shared_layer/shared/access.py`. API Gateway's Cognito authorizer verifies the token before either.

| Caller | Means |
|---|---|
| nobody | no token, or one that is expired or forged |
| signed in | a valid token that names no group; the thing, if there is one, is somebody else's |
| customer | a token with the group `customer`; the thing is somebody else's |
| owner | a valid token, whatever its groups; the thing is the caller's own |
| admin | a token with the group `admin` alone; the thing is somebody else's |

A cell is the status that the caller meets: a success in bold, or the refusal. A dash: the operation is about no thing
that somebody owns. Whoever is let through can still meet the operation's other answers.

"""


def authorization_table(document: Mapping[str, Any]) -> str:
    """The page: a row for each operation of `document`, a column for each kind of caller."""
    lines = [
        "| Operation | `x-access` | nobody | signed in | customer | owner | admin |",
        "|---|---|---|---|---|---|---|",
    ]
    for method, path, operation in operations_of(document):
        access = Access(operation["x-access"])
        cells = _cells(access, success=_success_of(operation))
        lines.append(f"| `{method.upper()} {path}` | {access} | {' | '.join(cells)} |")
    return _PREFACE + "\n".join(lines) + "\n"


def _cells(access: Access, *, success: str) -> list[str]:
    signed_in, customer, admin = (
        Caller(user_id=_OWN, groups=frozenset(groups)) for groups in ((), (CUSTOMER_GROUP,), (ADMIN_GROUP,))
    )
    return [
        _answer(access, None, _OTHERS, success),
        _answer(access, signed_in, _OTHERS, success),
        _answer(access, customer, _OTHERS, success),
        _answer(access, signed_in, _OWN, success) if access is Access.OWNER else _NO_OWNER,
        _answer(access, admin, _OTHERS, success),
    ]


def _answer(access: Access, caller: Caller | None, owner_id: str, success: str) -> str:
    try:
        access.admit(caller)
        if access is Access.OWNER and caller is not None:
            require_owner(caller, owner_id, str)
    except Problem as refusal:
        return str(int(refusal.status))
    return f"**{success}**"


def _success_of(operation: Mapping[str, Any]) -> str:
    return str(min(operation["responses"]))

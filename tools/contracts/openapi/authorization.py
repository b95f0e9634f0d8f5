"""docs/authorization.md: the answer of each operation to each kind of caller.

The cells are computed: the two checks of `shared.access`, which every request passes, run for a caller of each kind.
The last column is what the route declares.
"""

from collections.abc import Mapping
from typing import Any

from shared.access import ADMIN_GROUP, CUSTOMER_GROUP, Access, Caller
from shared.errors import Problem
from tools.contracts.openapi.document import operations_of
from tools.settings import REPOSITORY

TABLE = REPOSITORY / "docs" / "authorization.md"

_NO_OWNER = "\N{EN DASH}"
_OWN, _OTHERS = "caller", "another-user"

_PREFACE = """\
# Who may do what

`make openapi` makes this page from the routes. A test fails if the page is out of date.

Each operation declares its access with `contract(Access...)`. The API checks that access before it reads anything of
the request, and the OpenAPI document has it in `x-access`. The owner of a thing is only known once the thing is found:
then `require_owner` checks it, and a thing of another user answers as if it did not exist. Both checks are in
`shared_layer/shared/access.py`. API Gateway's Cognito authorizer verifies the token before them.

If an admin reads or changes another's data, the request leaves a line in the
[audit trail](operations.md#who-looked-at-a-persons-data) first. A route for admins must declare whose data it reaches,
`contract(Access.ADMIN, whose=...)`, and the document has it in `x-audited`.

| Caller | Meaning |
|---|---|
| nobody | no identity token, or one that is expired or forged; an access token is none |
| signed in | a valid token without a group; the thing, if there is one, belongs to another user |
| customer | a token with the group `customer`; the thing belongs to another user |
| owner | a valid token with any groups; the thing belongs to the caller |
| admin | a token of the admins' app client with the group `admin` alone; the thing belongs to another user |

A cell is the status that the caller gets: a success in bold, or the refusal. A dash means that the operation is about
nothing that has an owner. An admitted caller may still get the operation's other answers.

| `x-audited` | The admin's line is about |
|---|---|
| owner | one customer, if that is not the admin |
| listed | each person in the answer |
| everybody | all customers: the answer links an export of orders, or the request asks for one |
| \N{EN DASH} | nobody: admins have no more rights here than others, or the data are the shop's own |

"""


def authorization_table(document: Mapping[str, Any]) -> str:
    """The page: a row for each operation of `document`, a column for each kind of caller."""
    lines = [
        "| Operation | `x-access` | nobody | signed in | customer | owner | admin | `x-audited` |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method, path, operation in operations_of(document):
        access = Access(operation["x-access"])
        cells = _cells(access, success=_success_of(operation))
        audited = operation.get("x-audited", _NO_OWNER)
        lines.append(f"| `{method.upper()} {path}` | {access} | {' | '.join(cells)} | {audited} |")
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
            caller.reach(owner_id, str)
    except Problem as refusal:
        return str(int(refusal.status))
    return f"**{success}**"


def _success_of(operation: Mapping[str, Any]) -> str:
    return str(min(operation["responses"]))

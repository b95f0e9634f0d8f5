"""The audit trail: which admin read or changed whose data, apart from the functions' logs.

A line stands before the route goes on: before it changes anything, and before it answers. If DynamoDB does not take the
line, the request ends with 503, and shows and changes nothing. A line has ids alone. It says what an admin asked for,
also if the route then refused it.

The table's key: `pk` = the id of the person whose data it is, or EVERYBODY; `sk` = time and a random part. Functions
may put items and read none. So a function cannot find the key of a line, and cannot replace the line.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from itertools import batched
from typing import Any
from uuid import uuid4

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from botocore.exceptions import BotoCoreError, ClientError

from shared.access import caller_of
from shared.aws import client
from shared.clock import timestamp, utc_now
from shared.dynamo import to_item
from shared.environment import LambdaEnvironment
from shared.errors import TransientError
from shared.observability import logger

EVERYBODY = "everybody"
"""Stands for the id of a person if the access is to the data of all customers."""

KEPT_FOR = timedelta(days=365)
"""After this time DynamoDB deletes a line."""

_LINES_AT_ONCE = 100  # DynamoDB's limit for a transaction


class AuditTrailTable(LambdaEnvironment):
    """Names the table."""

    audit_trail_table_name: str


class AccessNotRecorded(TransientError):
    """The audit trail did not take the line, so the request ends here."""


def require_owner[Thing](
    app: APIGatewayRestResolver, thing: Thing | None, owner_id: Callable[[Thing], str]
) -> Thing:
    """`thing`, if it is the caller's own by its `owner_id`, or if the caller is an admin, who leaves a line.

    Raises NotFound as `Caller.reach`, and AccessNotRecorded.
    """
    found = caller_of(app).reach(thing, owner_id)
    owner = owner_id(found)
    record_access(app, {owner: _ids_in_path(app) - {owner}})
    return found


def record_access(app: APIGatewayRestResolver, touched: Mapping[str, Iterable[str]]) -> None:
    """Leaves a line for each person whose data the present request reads or changes.

    `touched` has the ids of the things of each person, such as orders. The caller's own data need no line, so the
    request of a customer costs no call. Raises AccessNotRecorded.
    """
    caller, request = caller_of(app), app.current_event.request_context
    others = {person: sorted(things) for person, things in touched.items() if person != caller.user_id}
    if not others:
        return
    now = utc_now()
    access = {
        "admin_id": caller.user_id,
        "client_id": caller.client_id,
        "operation": app.context["_route"].func.__name__,
        "source_ip": request.identity.source_ip,
        "correlation_id": logger.get_correlation_id(),
        "request_id": request.request_id,
        "expires_at": int((now + KEPT_FOR).timestamp()),
    }
    _put(
        {"pk": person, "sk": f"{timestamp(now)}#{uuid4()}", "things": things, **access}
        for person, things in others.items()
    )


def _ids_in_path(app: APIGatewayRestResolver) -> set[str]:
    path = app.context["_route"].path
    return {str(value) for name, value in app.context["_route_args"].items() if f"<{name}>" in path}


def _put(lines: Iterable[dict[str, Any]]) -> None:
    for some in batched(lines, _LINES_AT_ONCE, strict=False):
        table = AuditTrailTable.load().audit_trail_table_name
        puts = [{"Put": {"TableName": table, "Item": to_item(line)}} for line in some]
        try:
            client("dynamodb").transact_write_items(TransactItems=puts)
        except (ClientError, BotoCoreError) as error:
            raise AccessNotRecorded(f"the audit trail took no line: {error}") from error

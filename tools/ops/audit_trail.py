"""The audit trail: which admin read or changed a person's data. The functions write its lines (shared/audit_trail.py).

It reads the table page by page with the operator's own credentials, so it works the same on AWS and in the embedded
cloud. No function may read the table.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from heapq import merge
from typing import Any, Self

from shared.audit_trail import EVERYBODY
from shared.dynamo import from_item, to_item
from tools.console import StepError
from tools.stack import Stack


@dataclass(frozen=True, order=True)
class Access:
    """A line of the audit trail."""

    at: str
    whose: str
    operation: str
    things: tuple[str, ...]
    admin_id: str
    client_id: str
    source_ip: str
    correlation_id: str
    request_id: str

    @classmethod
    def of(cls, item: dict[str, Any]) -> Self:
        """The line that `item` holds."""
        line = from_item(item)
        line |= {"at": line["sk"].partition("#")[0], "whose": line["pk"], "things": tuple(line["things"])}
        return cls(**{name: line[name] for name in cls.__dataclass_fields__})

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        whose = "  (of everybody)" if self.whose == EVERYBODY else ""
        things = "".join(f" {thing}" for thing in self.things)
        return (
            f"{self.at}  {self.admin_id} from {self.source_ip}: {self.operation}{things}{whose}  "
            f"correlation id {self.correlation_id}"
        )


def show(stack: Stack, person: str, *, as_json: bool) -> None:
    """Prints the accesses to the data of a person, oldest first; as JSON, one object on each line.

    `person` is an id, or the address of a profile; raises StepError if no profile has the address.
    """
    user_id = _id_of(stack, person) if "@" in person else person
    number = 0
    for access in of_person(stack, user_id):
        number += 1
        print(json.dumps(access.as_dict()) if as_json else access)
    if not as_json:
        print(f"Accesses of admins to the data of {user_id} within the last year: {number}")


def of_person(stack: Stack, user_id: str) -> Iterator[Access]:
    """The accesses to the data of a person, and those to the data of everybody, oldest first."""
    return merge(*(_lines(stack, person) for person in {user_id, EVERYBODY}))


def of_order(stack: Stack, customer_id: str, order_id: str) -> list[Access]:
    """The accesses to an order, oldest first. Exports of many orders are not among them."""
    return [access for access in _lines(stack, customer_id) if order_id in access.things]


def _lines(stack: Stack, person: str) -> Iterator[Access]:
    pages: Iterable[dict[str, Any]] = (
        stack.client("dynamodb")
        .get_paginator("query")
        .paginate(
            TableName=stack.resource("AuditTrailTable"),
            KeyConditionExpression="pk = :person",
            ExpressionAttributeValues=to_item({":person": person}),
            ConsistentRead=True,
        )
    )
    return (Access.of(item) for page in pages for item in page["Items"])


def _id_of(stack: Stack, email: str) -> str:
    answer = stack.client("dynamodb").query(
        TableName=stack.resource("UsersTable"),
        IndexName="by-email",
        KeyConditionExpression="email = :email",
        ExpressionAttributeValues=to_item({":email": email.lower()}),
        ScanIndexForward=False,
        Limit=1,
    )
    if not answer["Items"]:
        raise StepError(
            f"No profile in {stack.name} has the address {email}.",
            "A closed account has its id alone: make trace PERSON=<id>.",
        )
    return str(from_item(answer["Items"][0])["pk"])

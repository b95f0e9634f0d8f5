"""What can go wrong at each point of a run, and what it is called in a schedule.

At an outgoing call of a function:

    error           it fails before it has any effect (the SDK's own retries are used up)
    throttle        the same, as a throttle; the provider answers 429 once
    lost            it takes effect, and no answer comes (the SDK's retries are used up)
    resent          it takes effect, the answer is lost, and the SDK sends the request again
    contended       a transaction meets another one and is cancelled without effect
    partial         SNS refuses the entries, in an answer that is a success
    unprocessed     DynamoDB answers a batch with nothing but keys to ask for again
    down            the provider takes no request any more until the invocation ends
    mute            the provider does what it is asked and answers nothing until the invocation ends
    killed          the process ends before the call takes effect
    killed-after    the process ends after it took effect
    late            the function's time is up while it waits; the request takes effect after the next task's end
    latest          the same; it takes effect when everything else has come to an end

At the delivery of a message, a stream batch, a client's request, or the invocation of a task:

    dup             delivered, or invoked, twice in a row
    dup-late        delivered again when everything else has come to an end
    swap            delivered after what is pending behind it
    unsent          the task's invocation is refused before the function runs
    throttled       the same, as a throttle
    unheard         the function runs, and its answer is lost
    broken          the function crashes from now on, at every invocation, without effect
    cut             the EXPRESS execution ends here for ever, before the task's function is invoked
    cut-after       the same, after its function has run
    deaf            the function runs from now on, and its answer is always lost (a task's time is always up)

Actions of others, which are no faults:

    cancel          the customer cancels the order
    leave           the customer closed the account, and orders (or returns) hear of it
    forget          the same, and shipping hears of it
    race            what is pending behind it runs in between, to its end
    return          the customer requests a return
    accept          an operator accepts it
    inspect         its pieces arrive, and an operator inspects them
    withdraw        the customer withdraws it
    bounce          the provider reports that a refund failed after all
    overdue         an hour has passed meanwhile, and the scheduled functions that find something to do run
"""

import json
from collections.abc import Container
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import requests
from botocore.exceptions import ClientError, ReadTimeoutError

ACTIONS = (
    *("cancel", "leave", "forget", "return", "accept", "inspect", "withdraw", "bounce", "race", "overdue"),
)
# Where a schedule's event happens: before anything of the step, or at one of its calls.
DELIVERY = -1

_READS = {"GetItem", "BatchGetItem", "Query", "Scan", "GetSecretValue", "DescribeExecution"}
_READ_FAULTS = ("error", "throttle", "lost", "killed")
_WRITE_FAULTS = ("error", "throttle", "lost", "resent", "killed", "killed-after", "late", "latest")
_PROVIDER_FAULTS = (
    *("error", "throttle", "lost", "down", "mute", "killed", "killed-after", "late", "latest"),
)
_PROVIDER_READ_FAULTS = ("error", "throttle", "lost", "down", "killed")


class Ended(BaseException):
    """The function's process ended before it could answer; `error` is what Lambda calls that."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


KILLED = "Runtime.ExitError"
OUT_OF_TIME = "Sandbox.Timedout"


@dataclass(frozen=True, eq=False)
class Call:
    """An outgoing call of a function: to an AWS service, or to the provider (`service` is then "provider")."""

    function: str
    service: str
    operation: str
    arguments: dict[str, Any]

    def __str__(self) -> str:
        return self.name

    @cached_property
    def name(self) -> str:
        """Who calls whom for what."""
        return f"{self.function} {self.service}:{self.operation}"

    @cached_property
    def text(self) -> str:
        """The same for the same request, whoever makes it."""
        return json.dumps([self.service, self.operation, self.arguments], sort_keys=True)

    @cached_property
    def faults(self) -> tuple[str, ...]:
        """What can go wrong at it."""
        return _faults_of(self)

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.operation in _READS or self.operation.startswith("GET ")

    def writes_only(self, tables: Container[str]) -> bool:
        """Whether it is a transaction that writes these tables, and no other."""
        entries = self.arguments.get("TransactItems", []) if self.operation == "TransactWriteItems" else []
        written = [write["TableName"] for entry in entries for write in entry.values()]
        return bool(written) and all(table in tables for table in written)


def _faults_of(call: Call) -> tuple[str, ...]:
    if call.service == "provider":
        return _PROVIDER_READ_FAULTS if call.reads else _PROVIDER_FAULTS
    if call.operation == "BatchGetItem":
        return (*_READ_FAULTS, "unprocessed")
    if call.reads:
        return _READ_FAULTS
    if call.operation == "TransactWriteItems":
        # The SDK sends a token with it, by which DynamoDB knows the request again: a resent one is no other fault.
        return (*(fault for fault in _WRITE_FAULTS if fault != "resent"), "contended")
    if call.operation == "PublishBatch":
        return (*_WRITE_FAULTS, "partial")
    return _WRITE_FAULTS


def refused(call: Call, code: str) -> ClientError:
    """The SDK's exception for an answer with an error's `code`."""
    return ClientError({"Error": {"Code": code, "Message": "as the schedule has it"}}, call.operation)


def cancelled(call: Call) -> ClientError:
    """A transaction's cancellation by another one."""
    reasons = [
        {"Code": "TransactionConflict"},
        *({"Code": "None"} for _ in call.arguments["TransactItems"][1:]),
    ]
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "as the schedule has it"},
        "CancellationReasons": reasons,
    }
    return ClientError(answer, call.operation)


def unanswered(call: Call) -> Exception:
    """What the client raises when no answer comes."""
    if call.service == "provider":
        return requests.ReadTimeout("as the schedule has it")
    return ReadTimeoutError(endpoint_url=f"https://{call.service}")

"""Fails while a dead letter waits in any queue, so that one alarm on its errors rings for all of them.

CloudWatch bills each metric that an alarm reads, also within an expression. This function's errors are one metric, and
AWS counts them for nothing.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cleanup.dependencies import dead_letter_queues
from cleanup.domain.runs import DeadLettersWait
from shared.observability import entry_point


@entry_point
def handler(_: dict[str, Any], context: LambdaContext) -> None:
    """The Lambda handler of the schedule's event; raises DeadLettersWait, which names the queues."""
    waiting = dead_letter_queues().waiting()
    if waiting:
        raise DeadLettersWait(", ".join(f"{name}: {length}" for name, length in waiting.items()))

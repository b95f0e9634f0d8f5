"""How long Lambda bills an invocation for: a model, because time in the embedded cloud is not AWS's.

An invocation computes and waits. Its computing is the CPU time of its process here, at the median of its warm
invocations. Lambda gives a function CPU in proportion to its memory, a whole vCPU at 1,769 MB:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html

It waits for its calls of AWS, each as long as such a call usually takes within a region. Cold starts are not in the
model: at a steady pace they are rare.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

_MEMORY_OF_A_CPU = 1769
_MILLISECONDS = 1000

WAITS = {
    "dynamodb": 0.005,
    "s3": 0.025,
    "secretsmanager": 0.010,
    "ses": 0.060,
    "sns": 0.015,
    "sqs": 0.010,
    "states": 0.030,
}
"""Seconds that a call of a service usually takes; the table is an assumption, and `Model` scales it."""
OTHER_WAIT = 0.020
PROVIDER_WAIT = 0.300
"""Seconds that a request to the payment provider usually takes."""


@dataclass(frozen=True)
class Model:
    """What the bill assumes beyond what was measured; other values show how much it owes to that."""

    cpu: float = 1.0
    """How much CPU time an invocation takes on AWS, as a multiple of what it took here."""
    waits: float = 1.0
    """How long it waits for its calls, as a multiple of what the table says."""
    executions: float = 1.0
    """How long an EXPRESS execution takes on AWS, as a multiple of the time on the clock that it took here."""
    each_message_alone: bool = False
    """Whether a poller finds one message at a time, and not as many as here, or as a batch window gathers."""

    def billed_seconds(self, cpu_seconds: float, memory: int, calls: Mapping[str, float]) -> float:
        """What Lambda bills for an invocation with so much CPU time and so many calls by service, in whole ms."""
        share = min(1.0, memory / _MEMORY_OF_A_CPU)
        waiting = sum(number * WAITS.get(service, OTHER_WAIT) for service, number in calls.items())
        seconds = self.cpu * cpu_seconds / share + self.waits * waiting
        return max(1, ceil(round(seconds * _MILLISECONDS, 6))) / _MILLISECONDS


AS_MEASURED = Model()

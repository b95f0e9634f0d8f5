"""The embedded cloud's recording of what AWS would bill, with physical names replaced by those in the template.

`tools/cloud/metering` describes the facts.
"""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from tools.bill.declared import Declared
from tools.cloud.metering.recording import PATH
from tools.stack import Stack

type Fact = dict[str, Any]

_TIMEOUT_SECONDS = 30
_STREAM = re.compile(r":table/([^/]+)/stream/")
_NAMED_TYPES = frozenset(
    f"AWS::{kind}"
    for kind in (
        "ApiGateway::RestApi",
        "DynamoDB::Table",
        "Lambda::Function",
        "SNS::Topic",
        "SQS::Queue",
        "StepFunctions::StateMachine",
    )
)
_NAMES = ("function", "caller", "table", "topic", "queue", "machine", "api", "source")


@dataclass(frozen=True)
class Recording:
    """A recording that runs."""

    stack: Stack

    @property
    def _url(self) -> str:
        return self.stack.endpoint + PATH

    def restart(self) -> None:
        """Begins anew."""
        requests.put(self._url, timeout=_TIMEOUT_SECONDS).raise_for_status()

    def facts(self) -> list[Fact]:
        """What has been recorded so far."""
        answer = requests.get(self._url, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines() if line]


@contextmanager
def recording(stack: Stack) -> Iterator[Recording]:
    """Records until the end of the block."""
    running = Recording(stack)
    running.restart()
    try:
        yield running
    finally:
        requests.delete(running._url, timeout=_TIMEOUT_SECONDS).raise_for_status()


def named(facts: Iterable[Fact], stack: Stack, declared: Declared) -> list[Fact]:
    """The facts with logical ids. A resource of no stack, or of another, gets an empty name."""
    kinds = {name: resource["Type"] for name, resource in declared.template["Resources"].items()}
    logical = {
        _last(physical): name for name, physical in stack.resources.items() if kinds.get(name) in _NAMED_TYPES
    }
    return [
        {**fact, **{field: logical.get(_last(fact[field]), "") for field in _NAMES if fact.get(field)}}
        for fact in facts
    ]


def of_orders(facts: Iterable[Fact], declared: Declared) -> list[Fact]:
    """The facts that orders cause: neither those of scheduled functions, nor of resources that production lacks."""
    scheduled = {target for _, target in declared.schedules.values()}
    return [fact for fact in facts if _begun_by(fact) not in scheduled and _is_declared(fact, declared)]


def of_functions(facts: Iterable[Fact], names: set[str]) -> list[Fact]:
    """The facts that these functions or state machines cause."""
    return [fact for fact in facts if _begun_by(fact) in names]


def _begun_by(fact: Fact) -> str:
    return str(fact.get("function") or fact.get("machine") or fact.get("caller") or "")


def _is_declared(fact: Fact, declared: Declared) -> bool:
    # The sandbox provider stands in for a provider elsewhere: its resources are not part of the bill.
    names = (fact.get(field) for field in ("function", "caller", "table", "machine", "queue", "api"))
    return all(name in declared.resources for name in names if name)


def _last(physical: str) -> str:
    """The name at the end of an ARN or a URL; of a stream's ARN, the table's name."""
    if stream := _STREAM.search(physical):
        return stream[1]
    return physical.rpartition("/")[2].rpartition(":")[2]

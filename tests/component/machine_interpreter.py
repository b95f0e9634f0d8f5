"""moto's interpreter of state machines, with tasks that the test answers in Lambda's place."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.client import BaseClient
from moto import mock_aws


@contextmanager
def interpreting(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[str, str], dict[str, Any]]
) -> Iterator[None]:
    """A pretended account that runs state machines. `answer` is given each invoked function's name and its payload as
    JSON, and returns what Lambda's Invoke does."""
    call = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's own, which its stubs leave out

    def call_or_invoke(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "Invoke":
            return answer(arguments["FunctionName"], arguments["Payload"])
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", call_or_invoke)
    # The interpreter waits between retries by the clock; here it need not.
    monkeypatch.setattr(
        "moto.stepfunctions.parser.asl.component.common.retry.retrier_decl.time",
        SimpleNamespace(sleep=lambda _seconds: None),
    )
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield

"""A function logs one line for its work, its details in a share of its invocations, and a metric only if it counts."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from shared.observability import count, entry_point, logger


def invoke(context: Any) -> None:
    """An invocation that logs its work and a detail of it."""

    @entry_point
    def handler(_: dict[str, Any], __: Any) -> None:
        logger.debug("detail")
        logger.info("work done")

    handler({}, context)


def test_a_line_says_what_happened_in_which_invocation_and_no_more(lambda_context: Any, logged: Any) -> None:
    invoke(lambda_context)
    invoke(lambda_context)
    line = logged("work done")[-1]
    assert line.keys() == {"level", "message", "timestamp", "service", "function_request_id"}
    assert line["function_request_id"] == lambda_context.aws_request_id


@pytest.mark.parametrize(("rate", "details"), [("0", 0), ("1", 1)])
def test_a_share_of_the_invocations_logs_its_details(
    rate: str, details: int, lambda_context: Any, logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_SAMPLE_RATE", rate)
    invoke(lambda_context)
    assert len(logged("detail")) == details
    assert len(logged("work done")) == 1


def test_the_first_invocation_of_an_environment_says_so() -> None:
    assert _lines_of_a_fresh_function() == [("work done", True), ("work done", None)]


def test_lambdas_own_level_opens_neither_the_functions_details_nor_the_lines_of_libraries() -> None:
    """Lambda sets the root logger and this variable to `ApplicationLogLevel`."""
    assert _lines_of_a_fresh_function(AWS_LAMBDA_LOG_LEVEL="DEBUG") == [
        ("work done", True),
        ("work done", None),
    ]


def test_an_exception_is_logged_once(lambda_context: Any, logged: Any) -> None:
    @entry_point
    def handler(_: dict[str, Any], __: Any) -> None:
        try:
            raise ValueError("no")
        except ValueError:
            logger.exception("work failed")

    handler({}, lambda_context)
    [line] = logged("work failed")
    assert line["exception_name"] == "ValueError"
    assert "Traceback" in line["exception"]
    assert "stack_trace" not in line


def test_what_was_not_counted_costs_no_metric(
    lambda_context: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    @entry_point
    def handler(_: dict[str, Any], __: Any) -> None:
        count("Nothing", 0)

    handler({}, lambda_context)
    assert capsys.readouterr().out == ""


def test_the_metrics_of_an_invocation_that_fails_are_counted(
    lambda_context: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    @entry_point
    def handler(_: dict[str, Any], __: Any) -> None:
        count("Tried")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        handler({}, lambda_context)
    assert json.loads(capsys.readouterr().out)["Tried"] == [1.0]


_FRESH_FUNCTION = """
import logging, os
from types import SimpleNamespace
root = logging.getLogger()
root.addHandler(logging.StreamHandler())
root.setLevel(os.environ.get("AWS_LAMBDA_LOG_LEVEL", "WARNING"))
from shared.observability import entry_point, logger
@entry_point
def handler(event, context):
    logging.getLogger("botocore").debug("the whole request")
    logger.debug("detail")
    logger.info("work done")
context = SimpleNamespace(aws_request_id="r-1")
handler({}, context)
handler({}, context)
"""


def _lines_of_a_fresh_function(**environment: str) -> list[tuple[str, bool | None]]:
    """The message and the mark of a cold start of each line that two invocations log in a new process."""
    done = subprocess.run(  # noqa: S603 - this file's own program
        [sys.executable, "-c", _FRESH_FUNCTION],
        env={**os.environ, **environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return [(line["message"], line.get("cold_start")) for line in map(json.loads, done.stdout.splitlines())]

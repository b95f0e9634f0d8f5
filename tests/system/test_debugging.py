"""A debugger attaches to a function in the embedded cloud, as `make debug` has it."""

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.system.debug_adapter import Debugger, debugger
from tools.console import StepError
from tools.dev.debug import debugged
from tools.settings import HOST, REPOSITORY
from tools.stack import Stack
from tools.waiting import wait_for

pytestmark = pytest.mark.embedded_only("attaches to a function's process")

FUNCTION = "GatewayApi"
API = REPOSITORY / "services" / "gateway" / "gateway" / "functions" / "api.py"
LAYER = REPOSITORY / "shared_layer" / "shared" / "api.py"
LAYER_LINE = "is_read = event"
SECONDS = 60


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        number: int = probe.getsockname()[1]
    return number


def line_of(text: str, path: Path) -> int:
    (number,) = (number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)
    return number


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def frame_at(attached: Debugger, path: Path, line: int) -> tuple[int, dict[str, str]]:
    thread, frame = attached.stopped()
    assert (frame["source"]["path"], frame["line"]) == (str(path), line)
    return thread, frame


def attaches(port: int) -> bool:
    try:
        with debugger(port) as attached:
            return attached.attach({})
    except (ConnectionError, EOFError):
        return False


def test_a_function_stops_at_breakpoints_in_the_working_tree_and_then_answers(port: int) -> None:
    stack = Stack.current()
    of_the_service, of_the_layer = line_of("running = environment()", API), line_of(LAYER_LINE, LAYER)
    with ThreadPoolExecutor() as requesting, debugged(stack, FUNCTION, port), debugger(port) as attached:
        assert attached.attach({API: [of_the_service], LAYER: [of_the_layer]})
        # Two at once take turns, so that each meets the debugger.
        answers = [
            requesting.submit(requests.get, f"{stack.api_url}/health", timeout=SECONDS) for _ in range(2)
        ]
        for _ in answers:
            thread, frame = frame_at(attached, API, of_the_service)
            # The function has ten seconds on AWS.
            assert (
                int(attached.evaluate("app.lambda_context.get_remaining_time_in_millis()", frame)) > 600_000
            )
            attached.go_on(thread)
            thread, _ = frame_at(attached, LAYER, of_the_layer)
            attached.go_on(thread)
        assert [answer.result(SECONDS).json()["status"] for answer in answers] == ["ok", "ok"]

    wait_for(lambda: is_free(port), "the debugger to be gone", seconds=SECONDS)
    assert requests.get(f"{stack.api_url}/health", timeout=SECONDS).ok


def test_an_environment_that_ended_is_replaced_by_one_with_a_debugger(port: int) -> None:
    stack = Stack.current()
    name = stack.resource(f"{FUNCTION}Function")
    present = stack.client("lambda").get_function_configuration(FunctionName=name)["Layers"]
    with debugged(stack, FUNCTION, port):
        with debugger(port) as attached:
            attached.attach({})
            stack.client("lambda").update_function_configuration(
                FunctionName=name, Layers=[layer["Arn"] for layer in present]
            )
            attached.event("terminated")
        # The debugger of the one that ended may still answer, and hang up.
        wait_for(lambda: attaches(port), "a debugger in the next environment", seconds=SECONDS)


def test_what_cannot_be_debugged_is_refused(port: int) -> None:
    stack = Stack.current()
    with pytest.raises(StepError) as unknown, debugged(stack, "gateway", port):
        pass
    assert str(unknown.value) == "No function is named 'gateway'."
    assert unknown.value.advice == "Name one of these: GatewayApi."
    with socket.socket() as taken:
        taken.bind((HOST, port))
        taken.listen()
        with pytest.raises(StepError, match=f"port {port} is taken"), debugged(stack, FUNCTION, port):
            pass

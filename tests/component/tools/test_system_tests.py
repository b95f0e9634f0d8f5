"""`make system STACK=...`: what the system tests do before their first test."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tools.settings import REPOSITORY

DESCRIBED = """<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult>
<Stacks><member><StackName>cartwright-live</StackName><StackStatus>UPDATE_COMPLETE</StackStatus><Parameters><member>
<ParameterKey>{name}</ParameterKey><ParameterValue>{value}</ParameterValue></member></Parameters></member></Stacks>
</DescribeStacksResult></DescribeStacksResponse>"""


@pytest.fixture
def endpoint(parameter: tuple[str, str]) -> Iterator[tuple[str, list[str]]]:
    """A cloud with one stack, which has the parameter; and the actions that were asked for."""
    name, value = parameter
    described = DESCRIBED.format(name=name, value=value)
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked.extend(part for part in body.split("&") if part.startswith("Action="))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(described.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        serving.join()


def system_tests(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs some system tests as `make system STACK=cartwright-live REGION=eu-central-1` does."""
    environment = os.environ | {
        "STACK": "cartwright-live",
        "REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        **variables,
    }
    return subprocess.run(  # noqa: S603 - this repository's own tests
        [sys.executable, "-m", "pytest", "--no-fold-skipped", "-p", "no:cacheprovider", *arguments],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("parameter", "reason"),
    [
        (("Stage", "prod"), "the stack cartwright-live is for production: its parameter Stage is prod."),
        (
            ("PaymentProviderUrl", "https://api.stripe.com"),
            "the stack cartwright-live has a payment provider.",
        ),
    ],
    ids=["production", "real payments"],
)
def test_a_stack_that_is_not_for_tests_is_refused_before_anything_is_done_to_it(
    endpoint: tuple[str, list[str]], reason: str
) -> None:
    url, asked = endpoint

    refused = system_tests("tests/system/test_gateway.py", AWS_ENDPOINT_URL=url)

    assert refused.returncode == 1
    assert reason in refused.stdout
    assert set(asked) == {"Action=DescribeStacks"}


def test_a_test_that_needs_the_embedded_cloud_is_skipped_by_its_name_with_the_reason() -> None:
    run = system_tests("tests/system/test_mails.py", "-k", "welcomed")

    assert run.returncode == 0, run.stdout
    assert "0 system tests use the stack as one on AWS" in run.stdout
    assert (
        "SKIPPED tests/system/test_mails.py::test_a_user_is_welcomed_once_in_their_language_after_the_first_sign_in - "
        "Skipped: needs the embedded cloud: reads the mails that SES sent"
    ) in run.stdout

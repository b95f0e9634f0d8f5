"""What IAM answers the embedded cloud's own services is remembered, and no longer than until IAM changes."""

import json
import subprocess

import pytest

from tools.settings import CLOUD_PYTHON, REPOSITORY, server_environment

pytestmark = pytest.mark.embedded_only("runs the embedded cloud's own code")

# It runs under the embedded cloud's Python. IAM allows the first question and no other; between the two questions of a
# pair comes nothing, between the pairs a request to IAM.
ASK_IN_PAIRS = """
import asyncio, json
from ministack.services import iam
from strictness import service_roles

async def change(*request):
    pass

def is_allowed(*question):
    asked.append(question)
    return len(asked) == 1

asked = []
iam.handle_request, service_roles.is_allowed = change, is_allowed
service_roles.install()
question = ("OrdersApi", "arn:aws:iam::000000000000:role/orders", "sqs:ReceiveMessage", "arn:of:the:queue")
answers = [service_roles.ask(*question) for _ in range(2)]
asyncio.run(iam.handle_request("POST", "/", {}, b"", {}))
print(json.dumps(answers + [service_roles.ask(*question) for _ in range(2)]))
"""


def test_an_answer_is_remembered_until_iam_changes() -> None:
    finished = subprocess.run(  # noqa: S603 - the code above
        [str(CLOUD_PYTHON), "-c", ASK_IN_PAIRS],
        env=server_environment(4566) | {"PYTHONPATH": str(REPOSITORY / "tools" / "cloud")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout) == [True, True, False, False]

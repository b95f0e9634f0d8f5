"""The shortcuts of the embedded cloud: an environment still sees its code and its layer, and its output is whole."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.settings import CLOUD_PYTHON, REPOSITORY, server_environment

pytestmark = pytest.mark.embedded_only("runs the embedded cloud's own code")

# It runs under the embedded cloud's Python: two environments of one function with one layer, each invoked twice. Their
# output comes slowly, as on a busy machine.
RUN_TWO_ENVIRONMENTS = """
import io, json, time, zipfile
from ministack.core import lambda_runtime
from ministack.services import lambda_svc
import shortcuts

def archive(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as written:
        for name, text in files.items():
            written.writestr(name.replace("__", "/") + ".py", text)
    return content.getvalue()

LAYER = archive(python__layered="")
CODE = archive(index='''
import os, layered
def handler(event, context):
    for number in range(event):
        print("line", number)
    return [os.path.realpath(file) for file in (__file__, layered.__file__)] + [os.getcwd()]
''')
CONFIGURATION = {"FunctionName": "f", "Runtime": "python3.13", "Handler": "index.handler", "Timeout": 20,
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f", "Layers": ["arn:of:the:layer"]}
lambda_svc._resolve_layer_zip = lambda attachment: LAYER
lambda_runtime.execution_credentials = lambda configuration: {}

def read_slowly(worker):
    for line in worker._proc.stderr:
        time.sleep(0.3)
        worker._stderr_queue.put(line.rstrip())

lambda_runtime.Worker._read_stderr = read_slowly
shortcuts.install()
workers = [lambda_runtime.Worker("f", CONFIGURATION, CODE) for _ in range(2)]
print(json.dumps([worker.invoke(lines, "id") for worker in workers for lines in (2, 0)]))
assert lambda_svc._resolve_layer_zip("arn:of:the:layer") == LAYER
lambda_runtime.kill_workers(workers)
"""


# An answer with a body, and one without.
SEND_TWO_ANSWERS = """
import asyncio, json
from hypercorn.protocol.events import Body, EndBody, Response
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.config import Config
from hypercorn.asyncio.worker_context import WorkerContext
import shortcuts

async def sent(*answer):
    sent = []
    async def send(event):
        sent.append(event.data.decode())
    protocol = H11Protocol(None, Config(), WorkerContext(None), None, None, False, None, None, send)
    protocol.connection.receive_data(b"GET / HTTP/1.1\\r\\nhost: localhost\\r\\n\\r\\n")
    protocol.connection.next_event()
    for event in answer:
        await protocol.stream_send(event)
    return [piece for piece in sent if piece]

async def send_two():
    length = [(b"content-length", b"4")]
    return [
        await sent(Response(1, length, 200), Body(1, b"body"), EndBody(1)),
        await sent(Response(1, [], 204), EndBody(1)),
    ]

shortcuts.install()
print(json.dumps(asyncio.run(send_two())))
"""


def run(code: str, tmp_path: Path) -> Any:
    """What the code prints as JSON."""
    finished = subprocess.run(  # noqa: S603 - code of this file
        [str(CLOUD_PYTHON), "-c", code],
        env=server_environment(4566)
        | {"PYTHONPATH": str(REPOSITORY / "tools" / "cloud"), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def test_two_environments_share_code_and_layer_and_each_invocation_has_its_own_output(tmp_path: Path) -> None:
    answers = run(RUN_TWO_ENVIRONMENTS, tmp_path)
    assert [answer["log"] for answer in answers] == ["line 0\nline 1", ""] * 2
    code, layered, folders = (set(values) for values in zip(*(one["result"] for one in answers), strict=True))
    for [module] in (code, layered):
        assert Path(module).is_relative_to(tmp_path)
    assert len(folders) == 2


def test_an_answer_leaves_in_one_piece(tmp_path: Path) -> None:
    [with_body], [without] = run(SEND_TWO_ANSWERS, tmp_path)
    assert with_body.startswith("HTTP/1.1 200") and with_body.endswith("\r\n\r\nbody")
    assert without.startswith("HTTP/1.1 204") and without.endswith("\r\n\r\n")

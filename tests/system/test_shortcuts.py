"""The shortcuts of the embedded cloud: an environment still sees its layer, and its output is whole."""

import json
import subprocess
from pathlib import Path

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
    return os.path.realpath(layered.__file__)
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


def test_two_environments_share_a_layer_and_each_invocation_has_its_own_output(tmp_path: Path) -> None:
    finished = subprocess.run(  # noqa: S603 - the code above
        [str(CLOUD_PYTHON), "-c", RUN_TWO_ENVIRONMENTS],
        env=server_environment(4566)
        | {"PYTHONPATH": str(REPOSITORY / "tools" / "cloud"), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    answers = json.loads(finished.stdout)
    assert [answer["log"] for answer in answers] == ["line 0\nline 1", ""] * 2
    [module] = {answer["result"] for answer in answers}
    assert Path(module).is_relative_to(tmp_path)

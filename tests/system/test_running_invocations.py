"""In the embedded cloud, as on AWS, an update of a function lets its running invocations end."""

import json
import subprocess
from pathlib import Path

import pytest

from tools.settings import CLOUD_PYTHON, REPOSITORY, server_environment

pytestmark = pytest.mark.embedded_only("runs the embedded cloud's own code")

# It runs under the embedded cloud's Python: one environment is at work and another idle when the function is updated.
UPDATE_DURING_AN_INVOCATION = """
import io, json, sys, threading, time, zipfile
from pathlib import Path
from ministack.core import lambda_runtime
from strictness import running_invocations

started, may_end = (Path(sys.argv[1]) / name for name in ("started", "may-end"))
content = io.BytesIO()
with zipfile.ZipFile(content, "w") as archive:
    archive.writestr("index.py", '''
import time
from pathlib import Path
def handler(event, context):
    if event:
        Path(event[0]).touch()
        while not Path(event[1]).exists():
            time.sleep(0.01)
    return "done"
''')
CONFIGURATION = {"FunctionName": "f", "Runtime": "python3.13", "Handler": "index.handler", "Timeout": 20,
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f"}
lambda_runtime.execution_credentials = lambda configuration: {}
running_invocations.install()

busy, idle = (lambda_runtime.acquire_worker("f", CONFIGURATION, content.getvalue())[0] for _ in range(2))
idle.invoke([], "id")
lambda_runtime.release_worker(idle)
answers = []

def work():
    answers.append(busy.invoke([str(started), str(may_end)], "id"))
    lambda_runtime.release_worker(busy)

thread = threading.Thread(target=work)
thread.start()
while not started.exists():
    time.sleep(0.01)
processes = [busy._proc, idle._proc]
lambda_runtime.invalidate_worker("f")
ended = [process.poll() is not None for process in processes]
may_end.touch()
thread.join()
print(json.dumps({"ended": ended, "answer": answers[0].get("result"), "finally": processes[0].poll() is not None}))
"""


def test_an_update_ends_idle_environments_at_once_and_a_busy_one_after_its_invocation(tmp_path: Path) -> None:
    finished = subprocess.run(  # noqa: S603 - the code above
        [str(CLOUD_PYTHON), "-c", UPDATE_DURING_AN_INVOCATION, str(tmp_path)],
        env=server_environment(4566) | {"PYTHONPATH": str(REPOSITORY / "tools" / "cloud")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    shown = json.loads(finished.stdout.splitlines()[-1])
    assert shown == {"ended": [False, True], "answer": "done", "finally": True}

"""The embedded cloud's forked workers: each execution environment is a process of its own, and shares only imports."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.settings import CLOUD_PYTHON, REPOSITORY, server_environment

pytestmark = pytest.mark.embedded_only("runs the embedded cloud's own code")

OURS = REPOSITORY / "tools" / "cloud"

# It runs under the embedded cloud's Python: environments of one function with one layer, which holds a package that the
# fork server imports.
RUN_ENVIRONMENTS = """
import io, json, sys, zipfile
sys.path.insert(0, CLOUD)
from ministack.core import lambda_runtime
from ministack.services import lambda_svc
import forked_workers, shortcuts

def archive(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as written:
        for name, text in files.items():
            written.writestr(name.replace("__", "/") + ".py", text)
    return content.getvalue()

LAYER = archive(python__pydantic="import os; IMPORTED_BY = os.getpid()", python__layered="")
CODE = archive(index='''
import os, random, sys, time
import layered, pydantic
seen = []
def handler(event, context):
    seen.append(event)
    print("line of", event)
    if event == "exit":
        os._exit(1)
    if event == "sleep":
        time.sleep(60)
    return {
        "pid": os.getpid(), "imported_by": pydantic.IMPORTED_BY, "seen": seen, "name": os.environ["NAME"],
        "other": os.environ.get("OTHER"), "folder": os.getcwd(), "random": random.random(),
        "layered": os.path.realpath(layered.__file__), "path": sys.path,
    }
''')
lambda_svc._resolve_layer_zip = lambda attachment: LAYER
lambda_runtime.execution_credentials = lambda configuration: {}
shortcuts.install()
forked_workers.install()

def environment(timeout=20, **variables):
    configuration = {"FunctionName": "f", "Runtime": "python3.13", "Handler": "index.handler", "Timeout": timeout,
        "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f", "Layers": ["arn:of:the:layer"],
        "Environment": {"Variables": variables}}
    return lambda_runtime.Worker("f", configuration, CODE)
"""


def run(code: str, tmp_path: Path) -> Any:
    """What the code prints as JSON."""
    finished = subprocess.run(  # noqa: S603 - code of this file
        [str(CLOUD_PYTHON), "-c", f"CLOUD = {str(OURS)!r}{RUN_ENVIRONMENTS}{code}"],
        env=server_environment(4566) | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def test_environments_share_imports_and_nothing_else(tmp_path: Path) -> None:
    one, again, two = run(
        """
workers = [environment(NAME="one", OTHER="x"), environment(NAME="two")]
print(json.dumps([workers[0].invoke(1, "id"), workers[0].invoke(2, "id"), workers[1].invoke(3, "id")]))
lambda_runtime.kill_workers(workers)
""",
        tmp_path,
    )
    first, second, third = one["result"], again["result"], two["result"]
    assert one["log"] == "line of 1"
    assert (first["seen"], second["seen"], third["seen"]) == ([1], [1, 2], [3])
    assert first["pid"] == second["pid"] != third["pid"]
    assert first["imported_by"] == third["imported_by"] not in {first["pid"], third["pid"]}
    assert [(found["name"], found["other"]) for found in (first, third)] == [("one", "x"), ("two", None)]
    assert first["folder"] != third["folder"] and first["random"] != third["random"]
    assert Path(first["layered"]).is_relative_to(tmp_path) and str(OURS) not in first["path"]


def test_the_end_of_an_environment_is_seen(tmp_path: Path) -> None:
    died, after_death, late, after_timeout, killed = run(
        """
worker = environment(NAME="one", timeout=2)
answers = [worker.invoke(event, "id") for event in ("exit", "again", "sleep", "again")]
process = worker._proc
lambda_runtime.kill_workers([worker])
print(json.dumps([*answers, process.poll()]))
""",
        tmp_path,
    )
    assert (died["status"], late["error"]) == ("error", "Task timed out after 2.00 seconds")
    assert after_death["cold_start"] and after_death["result"]["seen"] == ["again"]
    assert after_timeout["cold_start"] and after_timeout["result"]["seen"] == ["again"]
    assert killed == 0

"""The functions that `sam build` made, and processes that run them as Lambda does."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.console import StepError, tail
from tools.contracts.template import default_text, resources, template
from tools.settings import CREDENTIALS, REGION, REPOSITORY

BUILD = REPOSITORY / ".aws-sam" / "build"
LAYER = Path("SharedLayer", "python")
# Without the packages of the tools, which lie in an environment of their own.
PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
_PROCESS = Path(__file__).with_name("process.py")
# No one listens there; a function that connects when it starts is refused at once.
_NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Subject:
    """Something to start: a module with its handler, and the folders that Python finds it in."""

    name: str
    handler: str
    folders: tuple[Path, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Figures:
    """What one process took: milliseconds of processor time but for `wall`, and megabytes."""

    init: float
    wall: float
    peak: float
    # Of each event, in their order.
    calls: list[float]
    # When each event was done, by the machine's clock.
    ends: list[float]
    # The modules after the start, each with the file that it comes from.
    modules: dict[str, str]


@cache
def built_functions(build: Path = BUILD) -> tuple[Subject, ...]:
    """Every function of the template, in its order, as it was built into a folder."""
    everywhere = _variables(template()["Globals"]["Function"])
    return tuple(
        Subject(
            name,
            resource["Properties"]["Handler"],
            (build / name, build / LAYER),
            {**everywhere, **_variables(resource["Properties"])},
        )
        for name, resource in resources().items()
        if resource["Type"] == "AWS::Serverless::Function"
    )


def start(subject: Subject, events: Sequence[Any] = (), endpoint: str = _NOWHERE) -> Figures:
    """Starts the subject in a fresh process, hands it the events, and returns what that took."""
    if missing := [folder for folder in subject.folders if not folder.exists()]:
        raise StepError(f"{missing[0]} is not there.", "`make build` builds it.")
    with TemporaryDirectory() as folder:
        given, figures, log = (Path(folder) / name for name in ("events.json", "figures.json", "log"))
        given.write_text(json.dumps(events))
        with log.open("wb") as output:
            ended = subprocess.run(
                [PYTHON, "-S", "-P", _PROCESS, subject.handler, given, figures],
                env=_environment(subject, endpoint),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                check=False,
            )
        if ended.returncode:
            raise StepError(f"{subject.name} does not start:\n{tail(log)}", "`make build` builds it anew.")
        return Figures(**json.loads(figures.read_text()))


def _environment(subject: Subject, endpoint: str) -> dict[str, str]:
    """What Lambda sets, and what the template says: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html."""
    return {
        "PATH": os.defpath,
        "LANG": "en_US.UTF-8",
        # Sets have the same order in each process, and so have imports that follow it.
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(map(str, subject.folders)),
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": subject.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": endpoint,
        # The request is traced. The X-Ray SDK sends its traces to this address, and nobody reads them.
        "_X_AMZN_TRACE_ID": "Root=1-6744a0a0-000000000000000000000000;Parent=0000000000000001;Sampled=1",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        **subject.variables,
    }


def _variables(function: Mapping[str, Any]) -> dict[str, str]:
    """The variables as texts; the resources in them need not exist."""
    declared = function.get("Environment", {}).get("Variables", {})
    return {name: default_text(value) for name, value in declared.items() if value != {"Ref": "AWS::NoValue"}}

"""Builds and deploys the template to the embedded cloud with sam; skips both if nothing has changed.

If a person changed a function of the stack by hand, it repairs that function.

A deployment to an empty cloud leaves a snapshot behind. Another empty cloud loads it instead of deploying the same.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tools.cloud import deployed, drift, parts, sync, workarounds
from tools.cloudformation_yaml import read_yaml
from tools.console import StepError, run, step
from tools.server_record import Server
from tools.settings import CLOUD, CONFIG_ENV, LOCAL, REPOSITORY, SAM, SNAPSHOT, STATE, tool_environment
from tools.stack import Stack

BUILD_LOG = STATE / "build.log"
DEPLOY_LOG = STATE / "deploy.log"
_BUILT = LOCAL / "built.json"
_SAVED = SNAPSHOT / "saved.json"
_ARTIFACTS = REPOSITORY / ".aws-sam" / "build" / "template.yaml"

# Everything that the stack is made of. The recipe is separate: sam's own cache compares sources only, and must not be
# used if the recipe has changed.
_SOURCES = (
    "template.yaml",
    "samconfig.toml",
    "services",
    "shared_layer",
    "statemachines",
    "requirements/runtime.txt",
)
_RECIPE = ("build.mk",)

# What a snapshot depends on beside these: the embedded cloud, and sam.
_CLOUD = ("tools/cloud", "requirements/cloud.txt", "requirements/sam.txt")
# As in tools/cloud/snapshot.py, which only the embedded cloud's own Python can import.
_SNAPSHOT_PATH = "/_cartwright/snapshot"
_SNAPSHOT_SECONDS = 60

_to = f" to the {CLOUD} cloud" if CLOUD else ""


def build(server: Server) -> None:
    """Runs `sam build` unless the sources equal the last build's; raises StepError if it fails."""
    sources, recipe = _digest(*_SOURCES, *_RECIPE), _digest(*_RECIPE)
    with step("Building the functions and the layer") as running, _alone("build"):
        last = _read(_BUILT)
        if last.get("sources") == sources and _ARTIFACTS.exists():
            running.note("nothing has changed")
            return
        if not SAM.exists():
            raise StepError("SAM CLI is not installed.", "Run `make setup`.")
        _BUILT.unlink(missing_ok=True)
        fresh = [] if last.get("recipe") == recipe else ["--no-cached"]
        run(
            [SAM, "build", "--config-env", CONFIG_ENV, *fresh],
            log=BUILD_LOG,
            environment=tool_environment(server.endpoint),
            advice="Correct the error in the log. `rm -rf .aws-sam` makes the next build start from nothing.",
        )
        # `sam deploy` reads the template seven times, and reads JSON in a hundredth of YAML's time.
        _ARTIFACTS.write_text(json.dumps(read_yaml(_ARTIFACTS.read_text())))
        _BUILT.write_text(json.dumps({"sources": sources, "recipe": recipe}))


@contextmanager
def _alone(work: str) -> Iterator[None]:
    """All clouds share the build and the snapshot: the first of several commands does the work, and others wait."""
    with (LOCAL / f"{work}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def deploy(server: Server) -> None:
    """Makes the stack in this server unless it has this very stack; raises StepError if `sam deploy` fails.

    Sam does not see what was synced since its last deployment. So `sync.undo` takes that back in the end.
    """
    wanted, before = parts.digests(), deployed.of(server)
    stack = Stack(server.endpoint)
    if _is_empty(stack):
        with _alone("snapshot"):
            _deploy_to_empty(server, stack)
    elif before.is_of_the_tree() and stack.is_complete():
        with step(f"Deploying the stack{_to}") as running:
            repaired = drift.repair(stack)
            running.note(f"repaired {'; '.join(repaired)}" if repaired else "nothing has changed")
        return
    else:
        before.forget_parts()
        _deploy(server, stack)
        sync.undo(stack, before.synced)
    drift.remember(stack)
    deployed.record(server, wanted)


def _is_empty(stack: Stack) -> bool:
    """Whether nobody has deployed anything yet: sam deploys a stack of its own, and a deleted one stays listed."""
    return not stack.client("cloudformation").list_stacks()["StackSummaries"]


def _deploy_to_empty(server: Server, stack: Stack) -> None:
    """Loads the snapshot, or else deploys with sam and saves one."""
    saved = {"sources": _digest(*_SOURCES, *_RECIPE, *_CLOUD)}
    address = server.endpoint + _SNAPSHOT_PATH
    if _read(_SAVED) == saved:
        with step(f"Deploying the stack{_to}") as running:
            if not requests.post(address, timeout=_SNAPSHOT_SECONDS).ok:
                raise StepError(
                    "The cloud cannot load the snapshot of the last deployment.",
                    "Remove .local/snapshot, run `make down`, and try again.",
                    STATE / "ministack.log",
                )
            running.note("as last time, from the snapshot")
        return
    _deploy(server, stack)
    _SAVED.unlink(missing_ok=True)
    # A schedule of the stack may run meanwhile and spoil the copy. Then the next cloud deploys by itself as well.
    if requests.put(address, timeout=_SNAPSHOT_SECONDS).ok:
        _SAVED.write_text(json.dumps(saved))


def _deploy(server: Server, stack: Stack) -> None:
    with step(f"Deploying the stack{_to}"):
        run(
            [SAM, "deploy", "--config-env", CONFIG_ENV, "--no-progressbar", "--use-json"],
            log=DEPLOY_LOG,
            environment=tool_environment(server.endpoint),
            advice="Correct the error, and run `make up` again. The cloud's own log is .local/ministack.log.",
        )
    with step(f"Adapting the stack to the {CLOUD or 'embedded'} cloud") as running:
        running.note(workarounds.apply(stack))


def _digest(*paths: str) -> str:
    return parts.digest(sorted({file for name in paths for file in parts.files(REPOSITORY / name)}))


def _read(record: Path) -> dict[str, str]:
    """The record, or an empty one if it is missing or broken off."""
    try:
        content: dict[str, str] = json.loads(record.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return content

"""Runs `sam local` so that its containers use the embedded cloud's tables, queues and topics."""

import json
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tools.cloud.sam_local import image
from tools.cloud.sam_local.bridge import reachable_from_containers
from tools.cloud.sam_local.engine import DockerFailed, Engine, docker_engine
from tools.cloud.sam_local.image import runtime_image
from tools.console import StepError, step
from tools.settings import CONFIG_ENV, HOST, REGION, REPOSITORY, SAM, STATE, tool_environment
from tools.stack import Stack
from tools.waiting import NotInTime, wait_for

_HOME = STATE / "sam-local"
VARIABLES = _HOME / "variables.json"
API_LOG = _HOME / "start-api.log"
_START_SECONDS = 120.0
_STOP_SECONDS = 60.0
_INVOKE_SECONDS = 180.0


class InvocationFailed(Exception):
    """`sam local invoke` itself failed, not the function; the message is the end of its output."""


@dataclass(frozen=True)
class Emulator:
    """A prepared `sam local`; `endpoint` is the embedded cloud as containers see it."""

    engine: Engine
    endpoint: str
    cloud: str
    """The embedded cloud as this machine sees it."""

    def command(self, *arguments: str | Path) -> list[str]:
        """The command line of `sam local` with the arguments for the embedded cloud."""
        subcommand, *rest = map(str, arguments)
        given = [
            "--config-env",
            CONFIG_ENV,
            "--env-vars",
            str(VARIABLES),
            "--region",
            REGION,
            "--skip-pull-image",
        ]
        return [str(SAM), "local", subcommand, *rest, *given]

    def environment(self) -> dict[str, str]:
        """The environment variables that the command line needs."""
        return tool_environment(self.cloud) | {"DOCKER_HOST": self.engine.host}

    def invoke(self, function: str, event: Path) -> Any:
        """Runs a function (by its name in the template) on a file's event once, and returns its result.

        If the function raises, the result is its error as Lambda reports it. Raises InvocationFailed.
        """
        finished = subprocess.run(
            self.command("invoke", function, "--event", event),
            cwd=REPOSITORY,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INVOKE_SECONDS,
            check=False,
        )
        try:
            return json.loads(finished.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError):
            raise InvocationFailed(f"{function}: {finished.stderr[-2000:]}") from None

    @contextmanager
    def api(self) -> Iterator[str]:
        """`sam local start-api` for as long as the block runs; the base URL of both APIs' routes."""
        with socket.create_server((HOST, 0)) as probe:
            port = probe.getsockname()[1]
        url = f"http://{HOST}:{port}"
        options = ["--host", HOST, "--port", str(port), "--warm-containers", "LAZY", "--no-watch"]
        with API_LOG.open("wb") as log:
            process = subprocess.Popen(
                self.command("start-api", *options),
                cwd=REPOSITORY,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_for(
                lambda: process.poll() is not None or _answers(url),
                "sam local start-api",
                seconds=_START_SECONDS,
            )
            if process.poll() is not None:
                raise StepError(
                    f"`sam local start-api` ended with exit code {process.returncode}.", "", API_LOG
                )
            yield url
        except NotInTime as error:
            raise StepError(
                f"`sam local start-api` did not start: {error}.", "The log says why.", API_LOG
            ) from error
        finally:
            process.send_signal(signal.SIGINT)  # as by Ctrl-C: it removes its containers
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def emulator(stack: Stack) -> Iterator[Emulator]:
    """Prepares `sam local` for the stack, step by step on the terminal; clears up at the end of the block.

    Raises EngineUnavailable if Docker cannot run, and StepError if another step fails.
    """
    port = urlsplit(stack.endpoint).port
    assert port is not None, "the embedded cloud's endpoint names its port"
    _HOME.mkdir(parents=True, exist_ok=True)
    with ExitStack() as prepared:
        with step("Finding a Docker engine") as finding:
            engine = prepared.enter_context(docker_engine())
            finding.note(
                f"Docker {engine.version}, {'started for this command' if engine.own else 'which ran already'}"
            )
        with step("Getting the runtime's image") as getting:
            getting.note(prepared.enter_context(runtime_image(engine)))
        with step("Connecting containers to the embedded cloud") as connecting:
            endpoint = prepared.enter_context(reachable_from_containers(engine, port))
            _require_reachable(engine, endpoint)
            connecting.note(endpoint)
        with step("Writing the functions' variables") as writing:
            variables = variables_of(stack, endpoint)
            VARIABLES.write_text(json.dumps(variables, indent=2) + "\n")
            writing.note(f"{len(variables)} functions, {VARIABLES.relative_to(REPOSITORY)}")
        yield Emulator(engine, endpoint, stack.endpoint)


def run(stack: Stack, arguments: list[str]) -> int:
    """Runs `sam local` with these arguments in the foreground; its exit code."""
    with emulator(stack) as prepared:
        command = prepared.command(*arguments)
        print(f"\n$ {' '.join(command)}", flush=True)
        process = subprocess.Popen(command, cwd=REPOSITORY, env=prepared.environment())
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                # The terminal sent it to sam too, which removes its containers and ends.
                continue


def variables_of(stack: Stack, endpoint: str) -> dict[str, dict[str, str]]:
    """The environment variables of each function of the stack, by its name in the template, for `--env-vars`.

    They come from the deployed function, so they have the real names of tables and queues. `endpoint` replaces the
    address of the embedded cloud.
    """
    client = stack.client("lambda")
    return {
        logical_id: {
            name: value.replace(stack.endpoint, endpoint)
            for name, value in _deployed_variables(client, physical_id).items()
        }
        | {"AWS_ENDPOINT_URL": endpoint}
        for logical_id, physical_id in sorted(stack.resources.items())
        if logical_id.endswith("Function")
    }


def _deployed_variables(client: Any, function: str) -> dict[str, str]:
    environment = client.get_function_configuration(FunctionName=function).get("Environment", {})
    return dict(environment.get("Variables", {}))


def _require_reachable(engine: Engine, endpoint: str) -> None:
    """Raises StepError unless a container reaches the embedded cloud."""
    program = f"import urllib.request; urllib.request.urlopen('{endpoint}/_ministack/health', timeout=10)"
    try:
        engine.docker("run", "--rm", f"--entrypoint={image.PYTHON}", image.NAME, "-c", program)
    except DockerFailed as error:
        raise StepError(
            f"Containers do not reach the embedded cloud at {endpoint}: {str(error).splitlines()[-1]}.",
            "A firewall on this machine may block connections from the engine's bridge.",
        ) from error


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 # nosec B310 - loopback
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False

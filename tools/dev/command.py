"""`make dev` and `make sync`: the embedded cloud follows the working tree, and the tests that a change concerns run."""

import argparse
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from watchfiles import Change, DefaultFilter, watch

from tools.cloud import lifecycle
from tools.cloud.parts import STACK, part_of
from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.dev.concerned import concerned_tests
from tools.dev.embedded import refuse_aws
from tools.dev.syncing import Broken, Syncing, code_is_enough
from tools.dev.tests_beside import TestsBeside
from tools.settings import REPOSITORY

# What an editor writes together comes together; it comes this much later.
_MILLISECONDS_TOGETHER = 30
_MILLISECONDS_TO_BEGIN = 300
_WATCHED = ("services", "shared_layer", "statemachines", "tests")
_SINGLE = ("template.yaml", "samconfig.toml", "build.mk", "requirements")


def register(subcommands: Subcommands) -> None:
    """Registers `dev` and `sync`."""
    add_command(
        subcommands,
        "dev",
        _dev,
        description="deploy each change to the embedded cloud as you save it, and run the tests that it concerns",
    )
    parser = add_command(
        subcommands, "sync", _sync, description="deploy what changed to the running embedded cloud, once"
    )
    parser.add_argument(
        "service", nargs="?", default="", help="a service, or `shared` (default: what changed)"
    )


class SourceFilter(DefaultFilter):
    """Lets the stack's sources and the tests through, but no products of tools and editors."""

    def __call__(self, change: Change, path: str) -> bool:
        """Whether a change of this file concerns anybody."""
        named = _named(path)
        return super().__call__(change, path) and (
            part_of(named) is not None or (named.parts[0] == "tests" and named.suffix == ".py")
        )


def _dev(arguments: argparse.Namespace) -> int:
    refuse_aws("dev")
    if not code_is_enough():
        lifecycle.up(arguments)
    syncing, tests = Syncing(), TestsBeside(_say)
    print(
        f"The API answers at {syncing.api_url}\n"
        f"`make dev` watches {', '.join(f'{folder}/' for folder in _WATCHED)} and template.yaml.\n"
        "A saved change of a service or of shared_layer/ goes to its functions at once, and its tests run.\n"
        "A change of the template, a state machine or a requirement deploys the whole stack.\n"
        "Nothing here reaches AWS. Ctrl-C ends it, and the cloud runs on.\n"
    )
    # A shell that starts it in the background has it ignore the signal of Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if problem := syncing.warm_up():
            _say(problem)
        elif syncing.changed():
            _say(str(syncing.bring(syncing.changed())))
        for changed in _changes():
            _follow(syncing, tests, changed)
    except KeyboardInterrupt:
        print("\nStopped watching. The cloud runs on; `make down` stops it.")
    finally:
        tests.end()
    return 0


def _changes() -> Iterator[list[PurePosixPath]]:
    """The files that change from now on, as often as some do."""
    watched = [REPOSITORY / name for name in (*_WATCHED, *_SINGLE)]
    answers = watch(
        *watched,
        watch_filter=SourceFilter(),
        step=_MILLISECONDS_TOGETHER,
        rust_timeout=_MILLISECONDS_TO_BEGIN,
        yield_on_timeout=True,
    )
    for number, changes in enumerate(answers):
        # The first answer shows that it watches.
        if number == 0:
            _say("ready")
        if changes:
            yield sorted({_named(path) for _, path in changes})


def _follow(syncing: Syncing, tests: TestsBeside, changed: list[PurePosixPath]) -> None:
    """Deploys what the changed files concern, and starts their tests."""
    tests.end()
    _say(_listed(changed))
    try:
        if parts := syncing.changed():
            _say(str(syncing.bring(parts)))
    except Broken as problem:
        _say(f"{problem}\nNothing was deployed; the cloud answers as before.")
        return
    except StepError as error:
        _say(error.explain())
        return
    except FileNotFoundError as error:
        _say(f"{error.filename} is gone again; the next change deploys.")
        return
    tests.start(concerned_tests(changed, REPOSITORY))


def _sync(arguments: argparse.Namespace) -> int:
    refuse_aws("sync")
    syncing, service = Syncing(), arguments.service
    if service and not syncing.known(service):
        raise StepError(f"No service is named {service}.", "Name a folder of services/, or `shared`.")
    parts = syncing.changed()
    if service and STACK in parts:
        _say("The template or a requirement has changed, too: `make sync` or `make up` deploys that.")
    wanted = {service} if service else parts
    if not wanted:
        _say("Nothing has changed since the last deployment.")
        return 0
    try:
        _say(str(syncing.bring(wanted)))
    except Broken as problem:
        raise StepError(str(problem), "Nothing was deployed; the cloud answers as before.") from problem
    return 0


def _named(path: str) -> PurePosixPath:
    return PurePosixPath(Path(path).relative_to(REPOSITORY).as_posix())


def _listed(paths: Iterable[PurePosixPath]) -> str:
    first, *others = paths
    return f"{first}{f' and {len(others)} more' if others else ''}"


def _say(text: str) -> None:
    """Prints the text behind the time; its further lines stand below."""
    first, *others = text.splitlines()
    print(
        "\n".join([f"{time.strftime('%H:%M:%S')}  {first}", *(f"          {line}" for line in others)]),
        flush=True,
    )

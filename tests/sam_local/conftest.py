"""`sam local` with Docker against the running embedded cloud; `make sam-local` starts that first.

Where Docker cannot run, all of them are skipped, with the reason.
"""

import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tools.cloud.sam_local.emulator import Emulator, emulator
from tools.cloud.sam_local.engine import EngineUnavailable
from tools.stack import Stack


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The running stack."""
    return Stack.current()


@pytest.fixture(scope="session")
def sam_local(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """`sam local`, ready to run; each step of the preparation is printed as it happens."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with ExitStack() as opened:
        try:
            with capture.global_and_fixture_disabled():
                sys.stdout.write("\n")
                ready = opened.enter_context(emulator(stack))
        except EngineUnavailable as reason:
            pytest.skip(f"`sam local` was not tested, Docker cannot run here. {reason}")
        yield ready


@pytest.fixture(scope="session")
def local_api(sam_local: Emulator) -> Iterator[str]:
    """The base URL of a running `sam local start-api`."""
    with sam_local.api() as url:
        yield url

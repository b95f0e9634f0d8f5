"""The fork server of the embedded cloud skips a module that no layer has: a wrong name would show nowhere."""

import importlib

import pytest

from tools.cloud.fork_server import IMPORTED


@pytest.mark.parametrize("name", IMPORTED)
def test_it_imports_modules_that_there_are(name: str) -> None:
    assert importlib.import_module(name).__name__ == name

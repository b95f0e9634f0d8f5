"""How long the made-up requests go on, and with what."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/fuzz --examples 25 --fuzz-seed 1`."""
    parser.addoption("--examples", type=int, default=2, help="made-up requests per operation and phase")
    parser.addoption("--fuzz-seed", type=int, default=1, help="repeats a run")

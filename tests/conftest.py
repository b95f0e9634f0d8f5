"""What holds for all tests."""

import gc

import pytest
from hypothesis import settings

from tests.longest_first import LongestFirst
from tests.random_order import RandomOrder
from tests.times import Times

# No test is about speed: a busy machine makes nothing wrong.
settings.register_profile("without a clock", deadline=None)
settings.load_profile("without a clock")

_ALLOCATIONS_BETWEEN_COLLECTIONS = 20_000


def pytest_configure(config: pytest.Config) -> None:
    """Shuffles the tests, puts the longest first, and records how long each takes."""
    config.pluginmanager.register(RandomOrder(config), "random-order")
    # Of two that come last, pytest asks first the one that was registered first.
    config.pluginmanager.register(LongestFirst(), "longest-first")
    config.pluginmanager.register(Times(config), "times")


def pytest_collection_finish() -> None:
    """Spares the collector of garbage what stays to the end: it would look through all modules again and again."""
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS)

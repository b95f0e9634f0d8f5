"""What holds for all tests."""

import pytest
from hypothesis import settings

from tests.random_order import RandomOrder
from tests.times import Times

# No test is about speed: a busy machine makes nothing wrong.
settings.register_profile("without a clock", deadline=None)
settings.load_profile("without a clock")


def pytest_configure(config: pytest.Config) -> None:
    """Shuffles the tests, and records how long each takes."""
    config.pluginmanager.register(RandomOrder(config), "random-order")
    config.pluginmanager.register(Times(config), "times")

"""Tests run in a random order, so that none comes to rely on another. `SEED=...` repeats an order.

Test files are shuffled, and the tests within each. A test's place depends on the seed and on its name alone. So a few
of the tests keep the order that they had among all.
"""

import os
import random
from hashlib import sha256
from typing import Any

import pytest

_SEED = "seed"


class RandomOrder:
    """The plugin of pytest that shuffles. All workers of a run shuffle alike."""

    def __init__(self, config: pytest.Config) -> None:
        handed_over = getattr(config, "workerinput", {}).get(_SEED)
        # The order need not be hard to guess.
        self.seed: str = handed_over or os.environ.get("SEED") or str(random.randrange(100_000))  # noqa: S311

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """A worker is about to start."""
        node.workerinput[_SEED] = self.seed

    def pytest_report_header(self) -> str:
        """How to repeat the order."""
        return f"random order: SEED={self.seed}"

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Shuffles."""
        items.sort(key=lambda item: (self._place(str(item.path)), self._place(item.nodeid)))

    def _place(self, name: str) -> str:
        return sha256(f"{self.seed} {name}".encode()).hexdigest()

"""The files of system tests that wait longest come first, so that no worker is left with one of them at the end.

`make slowest` shows how long each takes. Among themselves, the files that are named here keep the order that they have,
and so do the others.
"""

from pathlib import Path

import pytest

_SYSTEM = Path(__file__).parent / "system"

LONGEST = frozenset(
    {
        "test_after_the_end",
        "test_budgets",
        "test_choreography",
        "test_examples",
        "test_faults",
        "test_filter_changes",
        "test_fulfilment",
        "test_jobs",
        "test_mail_set_up",
        "test_new_account",
        "test_operations",
        "test_order_personal_data",
        "test_order_saga",
        "test_rebuild",
        "test_resumption",
        "test_rush",
        "test_schedules",
    }
)


class LongestFirst:
    """The plugin of pytest that puts them first."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """The order is settled but for this."""
        items.sort(key=lambda item: item.path.parent != _SYSTEM or item.path.stem not in LONGEST)

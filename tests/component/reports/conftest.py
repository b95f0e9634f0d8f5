"""The reports service in an empty account."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.component.reports.account import Service, reports_account


@pytest.fixture
def service(aws: None, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with reports_account(lambda_context, monkeypatch) as service:
        yield service

"""The payments service on pretended tables, with a payment provider in memory."""

import pytest

from payments.adapters.payment_store import PaymentStore
from payments.domain.payment_service import PaymentService
from shared.aws import client
from tests.component.payments.fakes import NOW, FakeProvider
from tests.component.payments.provider_server import payments_tables


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that starts over after a conflict does so at once."""
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)


@pytest.fixture
def tables(aws: None) -> None:
    """The two tables of payments."""
    payments_tables()


@pytest.fixture
def store(tables: None) -> PaymentStore:
    return PaymentStore(client("dynamodb"), "payments")


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def payment_service(store: PaymentStore, provider: FakeProvider) -> PaymentService:
    return PaymentService(store, provider, lambda: NOW)

"""Each event that a service published during the other tests keeps the contract that its readers rely on."""

from collections import defaultdict
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from tests.system.conftest import STACK
from tests.system.observer import Observer
from tools.contracts.events.contracts import Contract, contracts

pytestmark = pytest.mark.last


@pytest.fixture(scope="module")
def published(observer: Observer) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """All events that a relay has published since the tests began, by type and version."""
    found = defaultdict(list)
    for event in observer.events():
        found[event["event_type"], event["event_version"]].append(event)
    return found


def test_every_published_event_has_a_contract(published: dict[tuple[str, int], list[dict[str, Any]]]) -> None:
    assert published.keys() <= {
        (contract.event_type, contract.payload.event_version) for contract in contracts()
    }


@pytest.mark.parametrize("contract", contracts(), ids=lambda contract: contract.name)
def test_a_published_event_keeps_its_contract(
    contract: Contract,
    published: dict[tuple[str, int], list[dict[str, Any]]],
    request: pytest.FixtureRequest,
) -> None:
    events = published.get((contract.event_type, contract.payload.event_version), [])
    # On a stack that is not the embedded cloud's, the tests that publish it may have been skipped.
    if not events and (STACK or request.config.args != ["tests/system"]):
        pytest.skip("no test of this run has it published")
    assert events, "no test has it published"
    validator = Draft202012Validator(contract.schema())
    for event in events:
        validator.validate(event)

"""What the producers really told while the other tests ran: each event keeps the contract that its readers rely on."""

from collections import defaultdict
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from tests.system.observer import Observer
from tools.contracts.events.contracts import Contract, contracts

pytestmark = pytest.mark.last


@pytest.fixture(scope="module")
def told(observer: Observer) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """All events that a relay has published since the tests began, by type and version."""
    found = defaultdict(list)
    for event in observer.events():
        found[event["event_type"], event["event_version"]].append(event)
    return found


def test_nothing_is_told_that_has_no_contract(told: dict[tuple[str, int], list[dict[str, Any]]]) -> None:
    assert told.keys() <= {(contract.event_type, contract.payload.event_version) for contract in contracts()}


@pytest.mark.parametrize("contract", contracts(), ids=lambda contract: contract.name)
def test_what_is_told_keeps_its_contract(
    contract: Contract,
    told: dict[tuple[str, int], list[dict[str, Any]]],
    request: pytest.FixtureRequest,
) -> None:
    events = told.get((contract.event_type, contract.payload.event_version), [])
    if not events and request.config.args != ["tests/system"]:
        pytest.skip("no test of this run made anybody tell it")
    assert events, "no test makes the shop tell it"
    validator = Draft202012Validator(contract.schema())
    for event in events:
        validator.validate(event)

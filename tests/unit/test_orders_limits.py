"""The limits of a placement: pieces, declined payments, and orders that are not decided yet."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.customer_account import CustomerAccount
from orders.domain.placement_limits import (
    PlacementLimits,
    TooManyDeclines,
    TooManyPieces,
    TooManyUndecidedOrders,
)
from orders.domain.status import AccountClosed
from tests.unit.orders_commands import request_of

LIMITS = PlacementLimits(
    max_pieces_per_line=9, max_pieces_per_order=20, max_undecided_orders=3, max_declines_per_hour=3
)
NOON = datetime.fromisoformat("2026-11-21T12:00:00.000Z")


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def declined(*minutes: float) -> CustomerAccount:
    """An account with a declined payment at each of these minutes after noon."""
    account = CustomerAccount()
    for number, minute in enumerate(minutes):
        account = account.decline(f"ord_{number}", at(minute))
    return account


class TestPieces:
    def test_an_order_at_both_limits_passes(self) -> None:
        LIMITS.check_pieces(request_of(("TEA", 9), ("MUG", 9), ("CUP", 2)))

    def test_each_line_over_the_limit_is_named(self) -> None:
        with pytest.raises(TooManyPieces) as refused:
            LIMITS.check_pieces(request_of(("TEA", 10), ("MUG", 9), ("CUP", 999)))
        assert [error["pointer"] for error in refused.value.errors] == [
            "/body/lines/0/quantity",
            "/body/lines/2/quantity",
        ]

    def test_lines_that_are_too_many_pieces_together_are_refused(self) -> None:
        with pytest.raises(TooManyPieces) as refused:
            LIMITS.check_pieces(request_of(("TEA", 9), ("MUG", 9), ("CUP", 3)))
        assert [error["pointer"] for error in refused.value.errors] == ["/body/lines"]


class TestDeclines:
    def test_the_last_decline_that_the_limit_allows_does_not_stop_the_customer(self) -> None:
        LIMITS.check_declines(declined(0, 1), at(2))

    def test_the_customer_waits_until_the_first_of_the_declines_is_an_hour_ago(self) -> None:
        with pytest.raises(TooManyDeclines) as refused:
            LIMITS.check_declines(declined(0, 1, 2), at(3))
        assert refused.value.retry_after == 57 * 60

        LIMITS.check_declines(declined(0, 1, 2), at(60))

    def test_more_declines_than_the_limit_wait_for_the_latest_of_them(self) -> None:
        with pytest.raises(TooManyDeclines) as refused:
            LIMITS.check_declines(declined(0, 1, 2, 30, 40), at(61))
        assert refused.value.retry_after == 60

    @given(st.lists(st.floats(0, 300), max_size=40), st.floats(0, 300))
    def test_whoever_waits_as_long_as_told_may_order(self, minutes: list[float], later: float) -> None:
        account, now = declined(*sorted(minutes)), at(max([*minutes, later]))
        wait = told_to_wait(account, now)
        assert 0 <= wait <= 3600
        assert told_to_wait(account, now + timedelta(seconds=wait)) == 0

    @given(st.lists(st.floats(0, 300), min_size=1, max_size=40))
    def test_an_account_remembers_an_hour_of_declines_at_most(self, minutes: list[float]) -> None:
        account = declined(*sorted(minutes))
        assert set(account.declines.values()) == {
            moment for moment in account.declines.values() if at(max(minutes) - 60.01) < when(moment)
        }

    def test_a_payment_counts_once_however_often_its_step_runs(self) -> None:
        once = CustomerAccount().decline("ord_1", NOON)
        assert once.decline("ord_1", at(5)) == once

    def test_a_closed_account_remembers_no_decline(self) -> None:
        closed = declined(0, 1).close("2026-11-21T12:10:00.000Z")
        assert closed.declines == {}
        assert closed.decline("ord_9", at(11)) == closed
        with pytest.raises(AccountClosed):
            closed.require_open()

    def test_an_account_that_an_earlier_release_closed_stays_closed_since_then(self) -> None:
        stored = CustomerAccount.model_validate(
            {"pk": "customer#ada", "closed_at": "2026-01-01T00:00:00.000Z"}
        )
        assert stored.close("2026-11-21T12:10:00.000Z") == stored


class TestUndecidedOrders:
    def test_so_many_orders_may_wait_for_their_decision_and_no_more(self) -> None:
        LIMITS.check_undecided(2)
        with pytest.raises(TooManyUndecidedOrders) as refused:
            LIMITS.check_undecided(3)
        assert refused.value.retry_after == 2


def told_to_wait(account: CustomerAccount, now: datetime) -> int:
    """The seconds in `Retry-After`; 0 if the account may order."""
    try:
        LIMITS.check_declines(account, now)
    except TooManyDeclines as refused:
        return refused.retry_after or 0
    return 0


def when(moment: str) -> datetime:
    return datetime.fromisoformat(moment)

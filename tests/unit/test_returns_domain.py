"""The rules of an order's returns: which pieces, until when, and for how much money."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returns.domain.order_returns import MAX_RETURNS, OrderReturns, return_id_for
from returns.domain.pieces import BoughtLine, pieces_in, refund_for
from returns.domain.policy import ReturnPolicy
from returns.domain.status import (
    IdempotencyKeyReused,
    MoreThanAnnounced,
    MoreThanBought,
    NotInOrder,
    RefundUnexpected,
    RefusalReason,
    ReturnPeriodOver,
    ReturnReason,
    ReturnStatus,
    ReturnUnknown,
    TooManyReturns,
)
from shared.errors import Problem
from shared.events import Event
from tests.unit.returns_commands import (
    LATER,
    NOW,
    POLICY,
    RETURN,
    accept,
    bought,
    eur,
    event_types,
    found,
    inspect,
    order_in,
    record_refund,
    request,
    withdraw,
)


def ask(
    order: OrderReturns, number: int = 1, policy: ReturnPolicy = POLICY, **pieces: int
) -> tuple[OrderReturns, list[Event]]:
    return order.request(
        f"ret_{number}", pieces, ReturnReason.DAMAGED, policy, correlation_id="corr-1", now=LATER
    )


class TestARequest:
    def test_is_published_with_its_pieces_and_its_reason(self) -> None:
        order, [event] = request(bought())

        assert event.event_id == "returns-ord_1:2:return.requested"
        assert event.correlation_id == "corr-1"
        assert event.data == {
            "return_id": RETURN,
            "order_id": "ord_1",
            "customer_id": "ada",
            "status": "requested",
            "lines": [{"sku": "TEA", "quantity": 2}],
            "reason": "damaged",
        }
        assert order.returnable == {"MUG": 1}

    def test_again_changes_nothing_even_after_the_period(self) -> None:
        order, _ = request(bought())
        again = order.request(
            RETURN,
            {"TEA": 2},
            ReturnReason.DAMAGED,
            POLICY,
            correlation_id="corr-2",
            now=NOW + timedelta(days=99),
        )
        assert again == (order, [])

    @pytest.mark.parametrize(
        ("pieces", "reason"), [({"TEA": 1}, ReturnReason.DAMAGED), ({"TEA": 2}, ReturnReason.OTHER)]
    )
    def test_with_another_body_under_the_same_key_is_refused(
        self, pieces: dict[str, int], reason: ReturnReason
    ) -> None:
        order, _ = request(bought())
        with pytest.raises(IdempotencyKeyReused):
            order.request(RETURN, pieces, reason, POLICY, correlation_id="corr-1", now=LATER)

    def test_of_more_pieces_than_were_bought_is_refused_by_line(self) -> None:
        with pytest.raises(MoreThanBought) as refusal:
            ask(bought(), MUG=1, TEA=3)
        assert refusal.value.errors == [{"pointer": "/body/lines/1/quantity", "detail": "2 can be returned"}]

    def test_of_pieces_that_are_in_another_return_is_refused(self) -> None:
        order, _ = ask(bought(), 1, TEA=1)
        order, _ = ask(order, 2, TEA=1)
        with pytest.raises(MoreThanBought):
            ask(order, 3, TEA=1)

    def test_of_a_product_that_was_not_bought_is_refused_by_line(self) -> None:
        with pytest.raises(NotInOrder) as refusal:
            ask(bought(), TEA=1, POT=1)
        assert refusal.value.errors == [
            {"pointer": "/body/lines/1/sku", "detail": "the order has no such product"}
        ]

    @pytest.mark.parametrize("ended", ["refused", "withdrawn", "expired"])
    def test_of_pieces_whose_return_ended_without_them_is_taken(self, ended: str) -> None:
        order, _ = ask(order_in(ended), 2, TEA=2)
        assert order.find("ret_2").status is ReturnStatus.REQUESTED

    @pytest.mark.parametrize("arrived", ["inspected", "refunded", "closed"])
    def test_of_pieces_that_were_inspected_is_refused_also_if_they_were_not_accepted(
        self, arrived: str
    ) -> None:
        with pytest.raises(MoreThanBought):
            ask(order_in(arrived), 2, TEA=1)

    def test_of_pieces_that_never_arrived_with_an_inspected_return_is_taken(self) -> None:
        order, _ = order_in("accepted").inspect(RETURN, found({"TEA": 1}), LATER)
        assert ask(order, 2, TEA=1)[0].returnable == {"MUG": 1}
        with pytest.raises(MoreThanBought):
            ask(order, 2, TEA=2)

    def test_is_taken_in_the_last_moment_of_the_period_and_refused_after_it(self) -> None:
        end = NOW + timedelta(days=30)
        arguments = (RETURN, {"TEA": 1}, ReturnReason.DAMAGED, POLICY)
        assert bought().request(*arguments, correlation_id="corr-1", now=end)[1]
        with pytest.raises(ReturnPeriodOver, match="within 30 days, until 2026-03-31 12:00 UTC"):
            bought().request(*arguments, correlation_id="corr-1", now=end + timedelta(milliseconds=1))

    def test_beyond_the_most_returns_of_an_order_is_refused(self) -> None:
        order = bought()
        for number in range(MAX_RETURNS):
            order, _ = ask(order, number, TEA=1)
            order, _ = order.withdraw(f"ret_{number}", LATER)
        with pytest.raises(TooManyReturns, match="20 returns"):
            ask(order, MAX_RETURNS, TEA=1)

    def test_has_an_id_of_its_order_and_key_which_never_changes(self) -> None:
        assert return_id_for("ord_1", "key-1") == "ret_b0a9c5bc6d155b0bae4e5c1d6a5e9558"
        assert return_id_for("ord_1", "key-2") != return_id_for("ord_1", "key-1")
        assert return_id_for("ord_2", "key-1") != return_id_for("ord_1", "key-1")


class TestTheRuleThatAcceptsAtOnce:
    def test_accepts_a_return_up_to_its_amount_with_both_events_in_order(self) -> None:
        order, events = ask(bought(), policy=ReturnPolicy(return_days=30, returns_accepted_up_to=1580), TEA=2)

        assert order.find(RETURN).status is ReturnStatus.ACCEPTED
        assert event_types(events) == ["return.requested", "return.accepted"]
        assert [event.aggregate_version for event in events] == [2, 3]
        assert order.version == 3

    @pytest.mark.parametrize("up_to", [0, 1579])
    def test_leaves_a_dearer_return_to_an_operator(self, up_to: int) -> None:
        order, events = ask(
            bought(), policy=ReturnPolicy(return_days=30, returns_accepted_up_to=up_to), TEA=2
        )
        assert event_types(events) == ["return.requested"]
        assert order.find(RETURN).status is ReturnStatus.REQUESTED

    def test_counts_all_returns_of_the_order_so_that_small_ones_do_not_pass_it_one_by_one(self) -> None:
        policy = ReturnPolicy(return_days=30, returns_accepted_up_to=800)
        order, _ = ask(bought(), 1, policy, TEA=1)
        order, _ = ask(order, 2, policy, TEA=1)
        assert [entry.status for entry in order.returns] == [ReturnStatus.ACCEPTED, ReturnStatus.REQUESTED]

    def test_is_off_at_zero_also_for_pieces_that_cost_nothing(self) -> None:
        gift = bought().model_copy(update={"bought": [BoughtLine(sku="GIFT", quantity=1, unit_price=eur(0))]})
        assert event_types(ask(gift, GIFT=1)[1]) == ["return.requested"]


class TestAnInspection:
    def test_says_what_is_restocked_written_off_and_paid_back(self) -> None:
        order, [event] = order_in("labelled").inspect(RETURN, found({"TEA": 1}, {"TEA": 1}), LATER)

        assert order.find(RETURN).refund == eur(1580)
        assert {name: event.data[name] for name in ("restocked", "written_off", "refund")} == {
            "restocked": [{"sku": "TEA", "quantity": 1}],
            "written_off": [{"sku": "TEA", "quantity": 1}],
            "refund": {"amount": 1580, "currency": "EUR"},
        }

    def test_that_accepts_nothing_pays_nothing_and_closes_the_return(self) -> None:
        order, [event] = order_in("labelled").inspect(RETURN, found(not_accepted={"TEA": 2}), LATER)
        assert (order.find(RETURN).status, event.data["status"]) == (ReturnStatus.CLOSED, "closed")
        assert event.data["refund"] == {"amount": 0, "currency": "EUR"}

    def test_of_more_pieces_than_announced_is_refused(self) -> None:
        with pytest.raises(MoreThanAnnounced, match="TEA"):
            order_in("labelled").inspect(RETURN, found({"TEA": 1}, {"TEA": 1}, {"TEA": 1}), LATER)

    def test_of_a_product_that_the_return_does_not_have_is_refused(self) -> None:
        with pytest.raises(NotInOrder):
            order_in("labelled").inspect(RETURN, found({"MUG": 1}), LATER)

    def test_of_a_late_parcel_is_taken_unless_another_return_has_its_pieces(self) -> None:
        expired = order_in("expired")
        assert inspect(expired)[0].find(RETURN).status is ReturnStatus.INSPECTED
        asked_again, _ = ask(expired, 2, TEA=1)
        with pytest.raises(MoreThanBought):
            inspect(asked_again)

    def test_of_the_orders_last_pieces_pays_the_shipping_too(self) -> None:
        order, _ = inspect(order_in("labelled"))
        order, _ = ask(order, 2, MUG=1)
        order, _ = order.accept("ret_2", POLICY, LATER)
        order, _ = order.inspect("ret_2", found(written_off={"MUG": 1}), LATER)
        assert order.find("ret_2").refund == eur(1250 + 490)


class TestTheTime:
    def test_a_return_expires_at_the_same_time_for_each_reader(self) -> None:
        order = order_in("labelled")
        end = LATER + timedelta(days=30)
        assert order.as_of(end) == (order, [])
        first, [event] = order.as_of(end + timedelta(milliseconds=1))
        later, _ = order.as_of(end + timedelta(days=5))
        assert first == later
        assert first.find(RETURN).history[-1].at == "2026-03-31T13:00:00.000Z"
        assert event.event_type == "return.expired"

    def test_the_next_change_stores_what_expired_before_it(self) -> None:
        now = LATER + timedelta(days=1)
        order, _ = ask(order_in("labelled"), 2, MUG=1)
        generous = ReturnPolicy(return_days=365, returns_accepted_up_to=0)
        order, events = order.accept("ret_2", generous, now + timedelta(days=30))
        assert event_types(events) == ["return.expired", "return.accepted"]
        assert [event.aggregate_version for event in events] == [order.version - 1, order.version]
        assert [entry.status for entry in order.returns] == [ReturnStatus.EXPIRED, ReturnStatus.ACCEPTED]


class TestARefund:
    def test_of_another_amount_is_no_answer_to_the_inspection(self) -> None:
        with pytest.raises(RefundUnexpected, match="inspected"):
            order_in("inspected").record_refund(RETURN, eur(1579), LATER)

    def test_is_published_with_its_amount(self) -> None:
        _, [event] = record_refund(order_in("inspected"))
        assert event.data["refund"] == {"amount": 1580, "currency": "EUR"}

    def test_of_some_pieces_is_their_price(self) -> None:
        order = bought()
        assert refund_for({"TEA": 1}, {}, order.bought, order.shipping) == eur(790)

    def test_of_nothing_is_nothing_also_if_all_came_back_before(self) -> None:
        order = bought()
        assert refund_for({}, {"TEA": 2, "MUG": 1}, order.bought, order.shipping) == eur(0)


@pytest.mark.parametrize("change", [accept, withdraw, inspect, record_refund])
def test_an_unknown_return_is_refused(change: object) -> None:
    assert callable(change)
    with pytest.raises(ReturnUnknown):
        change(bought())


_PIECES = st.fixed_dictionaries({"TEA": st.integers(0, 2), "MUG": st.integers(0, 1)})
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "accept", "refuse", "withdraw", "inspect", "refund"]),
        st.integers(0, 3),
        _PIECES,
        _PIECES,
        st.integers(0, 45),
    ),
    max_size=25,
)


@given(_STEPS)
def test_never_more_is_returned_than_bought_nor_more_refunded_than_paid(
    steps: list[tuple[str, int, dict[str, int], dict[str, int], int]],
) -> None:
    """This holds after any requests, decisions and inspections at any times. The returns hold bought pieces alone. The
    refunds stay within the price, and are the whole price exactly if everything was accepted back."""
    order, published, now = bought(), list[Event](), LATER
    paid = 2 * 790 + 1250 + 490
    for name, number, pieces, others, days in steps:
        now += timedelta(days=days) / 10
        with_pieces = {sku: quantity for sku, quantity in pieces.items() if quantity}
        entry = f"ret_{number}"
        try:
            match name:
                case "ask":
                    order, events = order.request(
                        entry, with_pieces, ReturnReason.OTHER, POLICY, correlation_id="corr-1", now=now
                    )
                case "accept":
                    order, events = order.accept(entry, POLICY, now)
                case "refuse":
                    order, events = order.refuse(entry, RefusalReason.OTHER, now)
                case "withdraw":
                    order, events = order.withdraw(entry, now)
                case "inspect":
                    some = {sku: quantity for sku, quantity in others.items() if quantity}
                    order, events = order.inspect(entry, found(with_pieces, not_accepted=some), now)
                case _:
                    known = order.find(entry)
                    order, events = order.record_refund(entry, known.refund or eur(0), now)
        except (Problem, RefundUnexpected):
            continue
        published += events

        held = sum((one.held for one in order.returns), pieces_in())
        assert held["TEA"] <= 2
        assert held["MUG"] <= 1
        refunds = sum(one.refund.amount for one in order.returns if one.refund)
        accepted = sum((one.accepted for one in order.returns), pieces_in())
        assert (refunds == paid) == (accepted == {"TEA": 2, "MUG": 1})
        assert refunds <= paid
    versions = [event.aggregate_version for event in published]
    assert versions == sorted(set(versions)), "each event has a version of its own"
    assert order.version == (versions[-1] if versions else 1)

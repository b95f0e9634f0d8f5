"""The provider's later reports on refunds and disputes, and the events that operators have to subscribe to."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.observation import OBSERVED_TYPES, Observation
from payments.domain.payment import Payment, PaymentStatus
from payments.domain.provider_event import ProviderEvent
from payments.domain.provider_report import REPORTED_TYPES, ProviderReport
from payments.domain.report import PaymentIssue, Report
from tests.component.saga_orders import saga_order

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
SECONDS = int(NOW.timestamp())
ORDER = saga_order()
TOTAL = ORDER.total.amount
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def event(event_type: str, at: int = SECONDS, **shown: Any) -> ProviderEvent:
    return ProviderEvent.model_validate(
        {"id": "evt_1", "type": event_type, "created": at, "data": {"object": shown}}
    )


def refund(
    status: str | None,
    subject: str = "re_1",
    amount: int = TOTAL,
    at: int = SECONDS,
    return_id: str | None = None,
) -> ProviderReport:
    """As Stripe shows a refund that we asked for: https://docs.stripe.com/api/refunds/object"""
    shown = {
        "id": subject,
        "object": "refund",
        "amount": amount,
        "charge": "ch_1",
        "currency": "eur",
        "failure_reason": "expired_or_canceled_card" if status == "failed" else None,
        "metadata": {"order_id": ORDER.order_id, **({"return_id": return_id} if return_id else {})},
        "payment_intent": "pi_1",
        "status": status,
    }
    report = ProviderReport.in_event(event("refund.updated", at, **shown))
    assert report is not None
    return report


def dispute(status: str | None, at: int = SECONDS, subject: str = "du_1") -> ProviderReport:
    """As Stripe shows a dispute, which has no metadata of ours: https://docs.stripe.com/api/disputes/object"""
    shown = {
        "id": subject,
        "object": "dispute",
        "amount": TOTAL,
        "charge": "ch_1",
        "metadata": {},
        "payment_intent": "pi_1",
        "reason": "fraudulent",
        "status": status,
    }
    report = ProviderReport.in_event(event("charge.dispute.updated", at, **shown))
    assert report is not None
    return report


def payment(status: PaymentStatus = PaymentStatus.REFUNDED) -> Payment:
    return Payment.begun(ORDER, NOW).model_copy(update={"status": status, "provider_reference": "pi_1"})


def after(*reports: ProviderReport, status: PaymentStatus = PaymentStatus.REFUNDED) -> Payment:
    reported = payment(status)
    for each in reports:
        reported, _ = reported.report(each.subject, each.report, LATER)
    return reported


def test_the_operations_guide_lists_exactly_the_events_that_the_webhook_hears() -> None:
    section = OPERATIONS.read_text().split("## The payment provider's webhook\n")[1].split("\n## ")[0]
    listed = re.findall(r"`((?:charge|payment_intent|refund)\.[a-z_.]+)`", section)

    assert sorted(listed) == sorted([*OBSERVED_TYPES, *REPORTED_TYPES])


@pytest.mark.parametrize("event_type", sorted(OBSERVED_TYPES))
def test_an_event_about_an_intent_is_an_observation(event_type: str) -> None:
    shown: dict[str, Any] = {"id": "pi_1", "payment_intent": "pi_1", "captured": True, "refunded": True}
    heard = event(event_type, **shown, metadata={"order_id": ORDER.order_id})

    assert Observation.in_event(heard) is not None
    assert ProviderReport.in_event(heard) is None


@pytest.mark.parametrize("event_type", sorted(REPORTED_TYPES))
def test_an_event_about_a_refund_or_a_dispute_is_a_report(event_type: str) -> None:
    heard = event(event_type, id="re_1", payment_intent="pi_1", status="failed", amount=TOTAL, metadata={})

    report = ProviderReport.in_event(heard)

    assert report is not None
    assert (report.subject, report.reference, report.order_id) == ("re_1", "pi_1", None)
    assert Observation.in_event(heard) is None


@pytest.mark.parametrize(
    ("reports", "issues"),
    [
        ([refund("pending")], []),
        ([refund("succeeded")], []),
        ([refund("failed")], ["refund_failed"]),
        ([refund("canceled")], ["refund_failed"]),
        ([refund("requires_action")], ["refund_requires_action"]),
        ([refund("pending"), refund("failed", at=SECONDS + 9)], ["refund_failed"]),
        ([refund("failed"), refund("succeeded", "re_2")], []),
        ([refund("failed"), refund("succeeded", "re_2", TOTAL - 1)], ["refund_failed"]),
        ([refund("failed"), refund("a status of the future", at=SECONDS + 9)], ["refund_failed"]),
        ([refund(None)], []),
        ([refund("failed"), refund(None, at=SECONDS + 9)], ["refund_failed"]),
        ([refund("failed"), refund(None, "re_2")], ["refund_failed"]),
        ([dispute("lost"), dispute(None, SECONDS + 9)], ["dispute_lost"]),
        ([dispute(None)], ["disputed"]),
        ([dispute("needs_response")], ["disputed"]),
        ([dispute("a status of the future")], ["disputed"]),
        ([dispute("lost")], ["dispute_lost"]),
        ([dispute("needs_response"), dispute("won", SECONDS + 9)], []),
        ([dispute("warning_needs_response"), dispute("warning_closed", SECONDS + 9)], []),
        ([dispute("lost"), refund("failed")], ["dispute_lost", "refund_failed"]),
    ],
)
def test_a_payment_says_what_is_wrong_with_its_money(
    reports: list[ProviderReport], issues: list[str]
) -> None:
    assert [issue.value for issue in after(*reports).issues] == issues


R = "ret_1"


@pytest.mark.parametrize(
    ("reports", "issues"),
    [
        ([refund("failed", amount=700, return_id=R)], ["refund_failed"]),
        ([refund("requires_action", amount=700, return_id=R)], ["refund_requires_action"]),
        # Another refund of the same return mends it, also if an operator made it; one of another return does not.
        ([refund("failed", amount=700, return_id=R), refund("pending", "re_2", 700, return_id=R)], []),
        (
            [refund("failed", amount=700, return_id=R), refund("failed", "re_2", 700, return_id=R)],
            ["refund_failed"],
        ),
        (
            [refund("failed", amount=700, return_id=R), refund("succeeded", "re_2", 900, return_id="ret_2")],
            ["refund_failed"],
        ),
        ([refund("failed", amount=700, return_id=R), refund("succeeded", "re_2", 900)], ["refund_failed"]),
        ([refund("failed", amount=700, return_id=R), refund("succeeded", "re_2")], []),
        # A refund by hand that fails is no return's.
        ([refund("failed", amount=300), refund("succeeded", "re_2", 700, return_id=R)], ["refund_failed"]),
    ],
)
def test_a_failed_refund_of_a_return_counts_until_that_return_has_its_money(
    reports: list[ProviderReport], issues: list[str]
) -> None:
    assert [issue.value for issue in after(*reports, status=PaymentStatus.CAPTURED).issues] == issues
    assert [issue.value for issue in after(*reversed(reports)).issues] == issues


@pytest.mark.parametrize("status", list(PaymentStatus))
def test_a_report_may_come_before_our_own_record_and_leaves_the_status_as_it_is(
    status: PaymentStatus,
) -> None:
    failed = refund("failed")

    reported, [published] = payment(status).report(failed.subject, failed.report, LATER)

    assert reported.status is status
    assert (published.event_type, published.aggregate_version) == ("payment.issues_changed", 2)
    assert published.data["issues"] == ["refund_failed"]
    assert (published.data["order_id"], published.data["amount"]["amount"]) == (ORDER.order_id, TOTAL)


def test_the_issue_stays_when_our_own_record_follows() -> None:
    begun = after(refund("failed"), status=PaymentStatus.REFUNDING)

    refunded, [published] = begun.refund(LATER)

    assert refunded.issues == (PaymentIssue.REFUND_FAILED,)
    assert published.event_type == "payment.refunded"


def test_a_repeat_and_an_older_report_change_nothing() -> None:
    reported = after(refund("failed", at=SECONDS + 9))

    for known in (refund("failed", at=SECONDS + 9), refund("pending", at=SECONDS + 9), refund("succeeded")):
        assert reported.report(known.subject, known.report, LATER) == (reported, [])


def test_the_same_issues_are_published_once() -> None:
    reported = after(dispute("needs_response"))
    later = dispute("under_review", SECONDS + 9)

    assert reported.report(later.subject, later.report, LATER)[1] == []


@pytest.mark.parametrize(
    ("first", "second", "issues", "causes"),
    [
        (
            dispute("needs_response"),
            dispute("needs_response", subject="du_2"),
            ["disputed"],
            ["disputed:du_1", "disputed:du_2"],
        ),
        (
            refund("failed"),
            refund("failed", "re_2"),
            ["refund_failed"],
            ["refund_failed:re_1", "refund_failed:re_2"],
        ),
        (
            refund("failed"),
            refund("requires_action", "re_2"),
            ["refund_failed", "refund_requires_action"],
            ["refund_failed:re_1", "refund_requires_action:re_2"],
        ),
    ],
)
def test_a_second_issue_of_the_payment_is_published_also_if_it_is_of_the_same_kind(
    first: ProviderReport, second: ProviderReport, issues: list[str], causes: list[str]
) -> None:
    _, [published] = after(first).report(second.subject, second.report, LATER)

    assert (published.data["issues"], published.data["causes"]) == (issues, causes)


def test_the_end_of_an_issue_is_published() -> None:
    won = dispute("won", SECONDS + 9)

    _, [published] = after(dispute("needs_response")).report(won.subject, won.report, LATER)

    assert published.data["issues"] == []


def test_a_report_does_not_change_the_event_of_an_earlier_capture() -> None:
    captured, [published] = payment(PaymentStatus.CAPTURING).capture(NOW)
    disputed, _ = captured.report("du_1", dispute("needs_response").report, LATER)

    assert disputed.outcome_of_capture() == published


def test_a_report_does_not_hide_the_failure_that_is_to_be_overcome() -> None:
    failed, [published] = payment(PaymentStatus.CAPTURING).fail_capture("card_declined", NOW)
    disputed, _ = failed.report("du_1", dispute("needs_response").report, LATER)

    assert disputed.failure_version == published.aggregate_version
    assert disputed.outcome_of_capture() == published


_STATUSES = [None, "pending", "requires_action", "succeeded", "canceled", "failed"]


@given(st.permutations([refund(status, at=SECONDS + at) for at in (0, 1) for status in _STATUSES]))
def test_the_latest_statement_does_not_depend_on_the_order_of_arrival(received: list[ProviderReport]) -> None:
    assert after(*received).reports == {"re_1": refund("failed", at=SECONDS + 1).report}


def test_a_refund_of_no_intent_is_no_report() -> None:
    assert ProviderReport.in_event(event("refund.failed", id="re_1", amount=1, status="failed")) is None


def test_a_report_survives_its_storage() -> None:
    stored = Payment.model_validate(after(refund("failed")).model_dump(exclude_none=True))
    assert stored.reports == {
        "re_1": Report(kind="refund", status="failed", amount=TOTAL, reported_at=SECONDS)
    }

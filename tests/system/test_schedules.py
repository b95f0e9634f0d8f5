"""Schedules of the deployed stack start what they name. One test waits for two, since each takes up to a minute."""

from contextlib import ExitStack
from uuid import uuid4

from reports.domain.week import Week
from shared.clock import utc_now
from tools.shop.audit import Auditor
from tools.stack import Stack
from tools.waiting import wait_for

from .test_cleanup import ended, report
from .test_reports import facts_of, send_event, version_of
from .trouble import scheduled_each_minute


def cleanups(stack: Stack) -> set[str]:
    """The executions of the cleanup that there have been."""
    found = stack.client("stepfunctions").list_executions(stateMachineArn=stack.resource("Cleanup"))
    return {execution["executionArn"] for execution in found["executions"]}


def test_schedules_start_the_cleanup_and_the_weekly_report(stack: Stack, auditor: Auditor) -> None:
    week, order_id, known = Week.before(utc_now()), f"ord_{uuid4().hex}", cleanups(stack)
    send_event(stack, "order.confirmed", order_id, week, 1)
    wait_for(lambda: facts_of(auditor, order_id), "a sale that changes the report", seconds=60)
    version = version_of(auditor, week)

    with ExitStack() as schedules:
        for rule in ("CleanupSchedule", "ReportsMakeWeeklyReportFunctionSchedule"):
            schedules.enter_context(scheduled_each_minute(stack, rule))
        new = wait_for(lambda: cleanups(stack) - known, "the cleanup", seconds=150)
        wait_for(lambda: version_of(auditor, week) > version, f"the report on {week}", seconds=150)

    found = report(stack, ended(stack, new.pop()))
    assert found["dry_run"] is False
    assert set(found["sweeps"]) == {"renditions", "uploads"}
    assert not any("error" in sweep for sweep in found["sweeps"].values())

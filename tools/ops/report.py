"""`make report`: has a job make the report on a week, as an admin does by the API, and saves the page."""

import argparse
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from reports.domain.week import Week
from shared.clock import utc_now
from tools.command_line import Subcommands, add_command
from tools.console import StepError, step
from tools.ops import example_week
from tools.ops.operator_api import OperatorApi, add_operator_options, operator_api, problem
from tools.settings import REPOSITORY, STATE
from tools.stack import Stack
from tools.waiting import wait_for

_FINAL = {"succeeded", "failed", "cancelled"}
_LONGEST_SECONDS = 300


def register(subcommands: Subcommands) -> None:
    """Registers `report`."""
    parser = add_command(
        subcommands, "report", _report, description="report on a week's sales, and save the page"
    )
    parser.add_argument(
        "week", nargs="?", metavar="WEEK", help="an ISO week, e.g. 2026-W10 (default: the last complete week)"
    )
    add_operator_options(parser)


def _report(arguments: argparse.Namespace) -> None:
    api = operator_api(arguments)
    week = arguments.week
    if not week:
        week = last_week()
        give_a_past(api.stack, week)
    report(api, week)


def last_week() -> str:
    """The last complete ISO week, in UTC."""
    return str(Week.before(utc_now()))


def give_a_past(stack: Stack, week: str) -> None:
    """Makes up sales for `week` if the stack is an embedded cloud's, which is younger, and has none."""
    if stack.is_embedded and (orders := example_week.fill(stack, Week.named(week))):
        print(f"This cloud is younger than {week}, so {orders} orders are made up for the report.")


def report(api: OperatorApi, week: str) -> Path:
    """Has a job make the report on `week`, saves its page and prints where that is.

    Raises StepError if there is no such week, it is not complete, or the job fails.
    """
    with step(f"Reporting on {week}") as reporting:
        job = _start_job(api, week)
        reporting.note(job["job_id"])

        def ended() -> dict[str, Any] | None:
            found = api.call("GET", f"/jobs/{job['job_id']}", advice="Run it again.")
            return found if found["status"] in _FINAL else None

        job = wait_for(ended, f"the end of {job['job_id']}", seconds=_LONGEST_SECONDS)
    if job["status"] != "succeeded":
        why = job["failure"]["detail"] if job["failure"] else f"The job was {job['status']}."
        raise StepError(f"There is no report on {week}. {why}", "`make logs` shows the log of the job.")
    page = requests.get(job["result"]["url"], timeout=60)
    page.raise_for_status()
    saved = STATE / "reports" / f"{week}.html"
    saved.parent.mkdir(parents=True, exist_ok=True)
    saved.write_bytes(page.content)
    shown = saved.relative_to(REPOSITORY) if saved.is_relative_to(REPOSITORY) else saved
    print(f"\nThe page is {shown}; open it in a browser.")
    print(f"It is also at {job['result']['url']}\nuntil {job['result']['expires_at']}.")
    return saved


def _start_job(api: OperatorApi, week: str) -> dict[str, Any]:
    answer = api.request(
        "POST",
        "/jobs",
        headers={"Idempotency-Key": str(uuid4())},
        json={"kind": "weekly_report", "week": week},
    )
    if not answer.ok:
        raise StepError(
            f"There can be no report on {week!r}. {problem(answer)}",
            "Name a complete week as ISO 8601 writes it, e.g. WEEK=2026-W10.",
        )
    return dict(answer.json())

"""A week's report, as an admin asks for it: by a job, over the API, with the page saved in the end."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests

from shared.clock import utc_now
from tools.console import StepError, step
from tools.settings import REPOSITORY, STATE
from tools.shop.client import Shop
from tools.stack import Stack
from tools.waiting import wait_for

_FINAL = {"succeeded", "failed", "cancelled"}
_LONGEST_SECONDS = 300


def last_week() -> str:
    """The last ISO week that is over, in UTC."""
    calendar = (utc_now() - timedelta(days=7)).isocalendar()
    return f"{calendar.year}-W{calendar.week:02}"


def report(stack: Stack, week: str | None) -> Path:
    """Has the report on `week` (None: the last one that is over) made by a job, and saves its page; prints where.

    Raises StepError when there is no such week, it is not over, or the job fails.
    """
    shop = Shop(stack)
    admin = shop.admin()
    week = week or last_week()
    with step(f"Reporting on {week}") as reporting:
        job = _asked(shop, admin.token, week)
        reporting.note(job["job_id"])

        def ended() -> dict[str, Any] | None:
            answer = shop.request("GET", f"/jobs/{job['job_id']}", token=admin.token)
            answer.raise_for_status()
            return dict(answer.json()) if answer.json()["status"] in _FINAL else None

        job = wait_for(ended, f"the end of {job['job_id']}", seconds=_LONGEST_SECONDS)
    if job["status"] != "succeeded":
        why = job["failure"]["detail"] if job["failure"] else f"It was {job['status']}."
        raise StepError(f"There is no report on {week}: {why}", "`make logs` shows what the functions did.")
    page = requests.get(job["result"]["url"], timeout=60)
    page.raise_for_status()
    saved = STATE / "reports" / f"{week}.html"
    saved.parent.mkdir(parents=True, exist_ok=True)
    saved.write_bytes(page.content)
    print(f"\nThe page is {saved.relative_to(REPOSITORY)}; open it in a browser.")
    print(f"It is also at {job['result']['url']}\nuntil {job['result']['expires_at']}.")
    return saved


def _asked(shop: Shop, token: str, week: str) -> dict[str, Any]:
    answer = shop.request(
        "POST",
        "/jobs",
        token=token,
        headers={"Idempotency-Key": str(uuid4())},
        json={"kind": "weekly_report", "week": week},
    )
    if not answer.ok:
        problem = answer.json()
        raise StepError(
            f"{week!r} cannot be reported on. {problem['detail']}",
            "A week is written as ISO 8601 has it, e.g. WEEK=2026-W10, and must be over.",
        )
    return dict(answer.json())

"""The page about a load, in Markdown: percentiles by route, refusals, the time to the confirmation, the books."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from http import HTTPStatus

from benchmarks.load.books import Books
from benchmarks.load.plan import Happened, Plan

_THROTTLES = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_LISTED = 20


def percentile(values: Sequence[float], hundredths: int) -> float:
    """The smallest value that at least so many hundredths of `values` do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(len(values) * hundredths / 100) - 1)]


def page(title: str, machine: str, plan: Plan, happened: Happened, books: Books) -> str:
    """The whole page; `machine` says how busy the measuring machine was."""
    parts = [
        f"# {title}",
        f"{summary(happened, books)}\n- {machine}",
        f"## Routes\n\nMilliseconds at the client, without refused requests.\n\n{routes(happened)}",
        f"## Orders\n\n{_orders(plan, happened, books)}",
        f"## Refused and failed requests\n\n{_unexpected(happened)}",
        f"## The books\n\n{verdict(books)}",
    ]
    return "\n\n".join(parts) + "\n"


def summary(happened: Happened, books: Books) -> str:
    """What a reader wants to know first: requests and orders a second, and how long both take."""
    answered = [milliseconds for route, status, milliseconds in happened.samples if _is_good(route, status)]
    throttled = sum(status in _THROTTLES for _, status, _ in happened.samples)
    lines = [
        f"- {len(happened.customers)} customers and an admin, for {happened.seconds:.0f} s",
        f"- {len(happened.samples)} requests, {len(happened.samples) / happened.seconds:.1f} a second; "
        + (f"95 % of them within {percentile(answered, 95):.0f} ms" if answered else "none was answered"),
        f"- {len(happened.accepted)} orders, {len(happened.accepted) / happened.seconds:.2f} a second",
        f"- {throttled} requests were throttled",
    ]
    if waits := books.seconds_to_confirmed:
        lines.append(
            f"- confirmed after {percentile(waits, 50):.1f} s (median), 95 % within {percentile(waits, 95):.1f} s"
        )
    return "\n".join(lines)


def routes(happened: Happened) -> str:
    """A row for each route."""
    answers: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for route, status, milliseconds in happened.samples:
        answers[route].append((status, milliseconds))
    rows = []
    for route, seen in sorted(answers.items()):
        good = [milliseconds for status, milliseconds in seen if _is_good(route, status)]
        statuses = Counter(status for status, _ in seen)
        rows.append(
            (
                f"`{route}`",
                len(seen),
                *(f"{percentile(good, hundredths):.0f}" if good else "" for hundredths in (50, 95, 99, 100)),
                *(statuses[throttle] for throttle in _THROTTLES),
                len(seen) - len(good) - sum(statuses[throttle] for throttle in _THROTTLES),
            )
        )
    return _table(("route", "requests", "median", "p95", "p99", "longest", "429", "503", "failed"), rows)


def verdict(books: Books) -> str:
    """The audit in words, with what is wrong."""
    findings = {
        "oversold": books.oversold,
        "lost": books.lost,
        "charged twice": books.charged_twice,
        "never sent": books.made_up,
        "other contradictions": books.contradictions,
    }
    lines = [", ".join(f"{len(found)} {name}" for name, found in findings.items()) + "."]
    for name, found in findings.items():
        lines += [f"- {name}: {each}" for each in found[:_LISTED]]
        if len(found) > _LISTED:
            lines.append(f"- {name}: and {len(found) - _LISTED} more")
    return "\n".join([lines[0], "", *lines[1:]] if lines[1:] else lines)


def _orders(plan: Plan, happened: Happened, books: Books) -> str:
    rows = [(status, count, books.of_the_sale[status]) for status, count in sorted(books.statuses.items())]
    parts = [_table(("status", "orders", "of the sale"), rows)]
    if waits := books.seconds_to_confirmed:
        figures = [f"{percentile(waits, hundredths):.2f}" for hundredths in (50, 95, 99, 100)]
        parts.append(
            "Seconds from placed to confirmed, by the times in the orders' histories:\n\n"
            + _table(("orders", "median", "p95", "p99", "longest"), [(len(waits), *figures)])
        )
    parts.append(
        f"The sale of `{plan.sale_sku}` began after {plan.sale_after:.0f} s: "
        f"{len(happened.of_the_sale)} customers ordered one piece at once."
    )
    return "\n\n".join(parts)


def _unexpected(happened: Happened) -> str:
    seen = Counter((route, status) for route, status, _ in happened.samples if not _is_good(route, status))
    rows = [(f"`{route}`", status or "no answer", count) for (route, status), count in sorted(seen.items())]
    return _table(("route", "status", "answers"), rows) if rows else "None."


def _is_good(route: str, status: int) -> bool:
    is_too_late = status == HTTPStatus.CONFLICT and route.endswith("/cancel")
    return status // 100 == 2 or is_too_late


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)

"""The bill as a table for readers, and as JSON for programs."""

from collections.abc import Iterable, Iterator
from typing import Any

from tools.bill.durations import Model
from tools.bill.idle import LEAST_POLLERS, USUAL_POLLERS
from tools.bill.measuring import MILLION, Measured
from tools.bill.usage import Usage, price_list

BUDGET, AIM = 150.0, 75.0
"""Dollars for a million confirmed and fulfilled orders, without mail."""
IDLE_BUDGET, IDLE_AIM = 5.0, 2.0
"""Dollars for a month without orders."""

_MAIL = "Mail"
# CloudWatch stores logs compressed by gzip and bills them so; lines of JSON shrink to about this share.
_COMPRESSED = 0.15
_LARGEST = 10
_BUDGETED = "fulfilled"
_VARIATIONS = {
    "CPU twice as long": Model(cpu=2.0),
    "CPU half as long": Model(cpu=0.5),
    "calls of AWS twice as long": Model(waits=2.0),
    "EXPRESS executions twice as long": Model(executions=2.0),
    "each message of a queue by itself": Model(each_message_alone=True),
}


def dollars(usages: Iterable[Usage], *, mail: bool = True) -> float:
    """The sum, with or without mail."""
    return sum(usage.dollars for usage in usages if mail or usage.service != _MAIL)


def is_within_budget(measured: Measured) -> bool:
    """Whether a million orders and an idle month cost no more than they may."""
    million = dollars(measured.per_million(_BUDGETED), mail=False)
    return million <= BUDGET and dollars(measured.idle_month()) <= IDLE_BUDGET


def lines(measured: Measured) -> Iterator[str]:
    """The bill, line by line."""
    yield (
        f"List prices of {price_list()['region']}, {price_list()['dated']}; no free tier; "
        f"{measured.per_second:g} orders a second."
    )
    for kind, orders in measured.orders.items():
        usages = measured.per_million(kind)
        yield ""
        yield f"A million {kind} orders, by {orders} of them"
        yield from _by_service(usages, MILLION)
        yield from _causes(usages, MILLION)
        if kind == _BUDGETED:
            yield from _variations(measured, kind)
            yield from _stored(measured, kind)
    idle = measured.idle_month()
    yield ""
    yield "A month without orders"
    yield from _by_service(idle, 1)
    yield from _causes(idle, 1)
    usual = dollars(measured.idle_month(USUAL_POLLERS)) - dollars(idle)
    yield f"  If Lambda polls each idle queue by {USUAL_POLLERS} connections, not by {LEAST_POLLERS}: {usual:+.2f}"
    busy = measured.busy_month()
    yield ""
    yield "A month with orders, more, however many"
    yield from _by_service(busy, 1)
    yield from _causes(busy, 1)
    if unpriced := measured.unpriced():
        yield f"Without a price here: {', '.join(unpriced)}"
    yield ""
    yield from _verdicts(measured)


def as_json(measured: Measured) -> dict[str, Any]:
    """The bill for programs: each usage an order or a month, with its dollars for a million orders or a month."""
    million = {
        kind: {
            "with_mail": dollars(usages),
            "without_mail": dollars(usages, mail=False),
            "orders": measured.orders[kind],
            "invocations_an_order": _invocations(usages) / MILLION,
            "usages": [_shown(usage, MILLION) for usage in usages],
        }
        for kind in measured.orders
        if (usages := measured.per_million(kind))
    }
    return {
        "prices": {"region": price_list()["region"], "dated": price_list()["dated"]},
        "orders_a_second": measured.per_second,
        "million": million,
        "idle_month": _month(measured.idle_month()),
        "busy_month": _month(measured.busy_month()),
        "budget": {"million_without_mail": BUDGET, "idle_month": IDLE_BUDGET},
        "within_budget": is_within_budget(measured),
    }


def _month(usages: list[Usage]) -> dict[str, Any]:
    return {"dollars": dollars(usages), "usages": [_shown(usage, 1) for usage in usages]}


def _shown(usage: Usage, divisor: float) -> dict[str, Any]:
    return {
        "service": usage.service,
        "cause": usage.cause,
        "unit": usage.unit,
        "quantity": usage.quantity / divisor,
        "dollars": usage.dollars,
    }


def _by_service(usages: list[Usage], divisor: float) -> Iterator[str]:
    quantities: dict[str, dict[str, float]] = {}
    sums: dict[str, float] = {}
    for usage in usages:
        sums[usage.service] = sums.get(usage.service, 0) + usage.dollars
        of_service = quantities.setdefault(usage.service, {})
        of_service[usage.unit] = of_service.get(usage.unit, 0) + usage.quantity / divisor
    for service, total in sorted(sums.items(), key=lambda entry: -entry[1]):
        counts = ", ".join(_count(number, unit) for unit, number in quantities[service].items())
        yield f"  {service:<18} {total:>8.2f}  {counts}"
    yield f"  {'together':<18} {dollars(usages):>8.2f}"
    if any(usage.service == _MAIL for usage in usages):
        yield f"  {'without mail':<18} {dollars(usages, mail=False):>8.2f}"


def _count(number: float, unit: str) -> str:
    if unit.startswith("GB of logs") or unit == "GB to the internet":
        return f"{number * 1024**2:.1f} KB{unit.removeprefix('GB')}"
    return f"{number:.3g} {unit}" if number < 1000 else f"{number:,.0f} {unit}"


def _causes(usages: list[Usage], divisor: float) -> Iterator[str]:
    yield f"  The largest {min(_LARGEST, len(usages))} causes"
    for usage in usages[:_LARGEST]:
        what = f"{usage.service}: {usage.cause}"
        yield f"    {usage.dollars:>8.2f}  {what:<58} {_count(usage.quantity / divisor, usage.unit)}"


def _variations(measured: Measured, kind: str) -> Iterator[str]:
    base = dollars(measured.per_million(kind))
    shown = ", ".join(
        f"{name} {dollars(measured.per_million(kind, model)) - base:+.2f}"
        for name, model in _VARIATIONS.items()
    )
    yield f"  If AWS differs from what is assumed: {shown}"


def _stored(measured: Measured, kind: str) -> Iterator[str]:
    without, with_indexes = measured.stored_gb(kind)
    stored = Usage("DynamoDB", "", "dynamodb.gb_months", with_indexes).dollars
    backup = Usage("DynamoDB", "", "dynamodb.backup_gb_months", without).dollars
    logs = sum(u.quantity for u in measured.per_million(kind) if u.price in {"logs.gb", "logs.infrequent_gb"})
    kept = Usage("Logs", "", "logs.gb_months", logs * _COMPRESSED).dollars
    yield (
        f"  They leave {with_indexes:.1f} GB in tables: {stored:.2f} a month, and {backup:.2f} for recovery; "
        f"{logs:.1f} GB of logs: {kept:.2f} a month, until they expire"
    )


def _invocations(usages: Iterable[Usage]) -> float:
    return sum(usage.quantity for usage in usages if usage.price == "lambda.requests")


def _verdicts(measured: Measured) -> Iterator[str]:
    million = dollars(measured.per_million(_BUDGETED), mail=False)
    idle = dollars(measured.idle_month())
    yield _verdict("A million orders without mail", million, BUDGET, AIM)
    yield _verdict("A month without orders", idle, IDLE_BUDGET, IDLE_AIM)


def _verdict(what: str, cost: float, budget: float, aim: float) -> str:
    word = "as aimed at" if cost <= aim else "within the budget" if cost <= budget else "ABOVE THE BUDGET"
    return f"{what + ':':<32} {cost:>8.2f} dollars of {budget:g} (aim {aim:g}): {word}"

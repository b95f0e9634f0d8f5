"""What an operator does to orders: see which need attention, resume one. Both by the API's own routes, as on AWS."""

from typing import Any

from tools.console import StepError
from tools.shop.client import FINAL, Customer, Shop
from tools.stack import Stack

# An execution that tries everything as often as it may and then parks the order.
_LONGEST_RESUMPTION_SECONDS = 300


def show_attention(stack: Stack) -> None:
    """Prints the parked, the stuck and the late orders, a line each."""
    shop = Shop(stack)
    found = _answer(shop, "GET", "/orders/attention?limit=100", shop.admin())
    for kind in ("parked", "stuck", "late"):
        print(f"{len(found[kind])} {kind}")
        for entry in found[kind]:
            why = "; its parcel is gone and its money could not be taken" if entry["uncollected"] else ""
            print(f"  {entry['order_id']}  {entry['status']} since {entry['since']}{why}")


def resume(stack: Stack, order_id: str) -> None:
    """Resumes the order and waits for its end; raises StepError when it cannot be, or is parked again."""
    shop = Shop(stack)
    admin = shop.admin()
    resumed = _answer(shop, "POST", f"/orders/{order_id}/resume", admin)
    # One that stands at once has its money taken once more, which is not its end yet.
    ends = FINAL - {resumed["status"]}
    order = shop.become(admin, order_id, *ends, seconds=_LONGEST_RESUMPTION_SECONDS)
    status = order["status"]
    if status == "parked":
        raise StepError(
            f"{order_id} is parked again: something still could not be undone, or not be paid.",
            "docs/operations.md, Parked orders, shows what it was.",
        )
    print(f"{order_id} is {status}")


def _answer(shop: Shop, method: str, path: str, admin: Customer) -> dict[str, Any]:
    answer = shop.request(method, path, token=admin.token)
    if not answer.ok:
        raise StepError(answer.json()["detail"], "`make attention` lists the parked orders.")
    return dict(answer.json())

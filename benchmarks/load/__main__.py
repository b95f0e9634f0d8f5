"""A shopping mix from many customers at once against a deployed stack, and the audit of the books behind it.

    make load USERS=10 MINUTES=1        (STACK=... REGION=... for any stack but one for production)

It makes up the customers, stocks up, lets Locust simulate them in a process of its own, and waits until every order is
decided. The page is .local/load/report.md, with Locust's charts beside it. The exit code is 0 if the books balance.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from benchmarks.load.accounts import Accounts, made_up_accounts
from benchmarks.load.books import balanced
from benchmarks.load.page import page, summary, verdict
from benchmarks.load.plan import PLAN, RESULT, Happened, Plan
from tools.api import ADMINS_CLIENT, CUSTOMERS_CLIENT
from tools.command_line import add_stack_option, within
from tools.console import StepError, fail, step
from tools.settings import LOCAL, REPOSITORY, tool_environment
from tools.shop import seed
from tools.shop.audit import Auditor
from tools.shop.client import PASSWORD, address
from tools.stack import Stack
from tools.waiting import NotInTime, be_patient

_LOCUST = REPOSITORY / ".venv-load" / "bin" / "locust"
_OUTPUT = LOCAL / "load"
_SEE_LOGS = "`make logs` shows the log lines of the functions."
_MOST_USERS, _MOST_MINUTES = 200, 15.0
# Customers do not begin all at once: it takes so much of the time until the last has come.
_ARRIVALS = 0.2
_SALE_AT = 0.5
_SALE_SKU = "TEA-GLASS-LTD"
_PRODUCTS = (
    "TEA-ASSAM-100",
    "TEA-DARJ-100",
    "TEA-EARL-100",
    "COF-HOUSE-500",
    "COF-ETHIO-250",
    "PAN-HONEY-250",
)
# More than the most users buy in the longest time.
_PIECES = 5000


def main() -> int:
    """Loads the shop, and prints what became of it; the exit code to end with."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--users",
        type=within(1, _MOST_USERS),
        default=10,
        help=f"customers, {_MOST_USERS} at most (default: 10)",
    )
    parser.add_argument(
        "--minutes",
        type=within(0.1, _MOST_MINUTES),
        default=1.0,
        help=f"how long, {_MOST_MINUTES:g} at most; 0.5 is half a minute (default: 1)",
    )
    add_stack_option(parser)
    arguments = parser.parse_args()
    try:
        stack = Stack.named(arguments.stack, arguments.region)
        stack.refuse_production("`make load`")
        stack.refuse_real_provider("`make load`")
        if stack.is_on_aws:
            be_patient()
        return load(stack, users=arguments.users, seconds=arguments.minutes * 60)
    except StepError as error:
        return fail(error)
    except NotInTime as error:
        return fail(StepError(f"The shop did not finish in time: {error}.", _SEE_LOGS))


def load(stack: Stack, *, users: int, seconds: float) -> int:
    """Loads the stack with so many customers for so long; the exit code to end with."""
    seed.fill(stack)
    with made_up_accounts(stack, users) as accounts:
        plan = Plan(
            api_url=stack.api_url,
            sign_in_url=f"{stack.client('cognito-idp').meta.endpoint_url.rstrip('/')}/",
            customers_client=stack.resource(CUSTOMERS_CLIENT),
            admins_client=stack.resource(ADMINS_CLIENT),
            customers=accounts.customers,
            admin=accounts.admin.email,
            password=PASSWORD,
            shipping_address=address(),
            products=list(_PRODUCTS),
            sale_sku=_SALE_SKU,
            sale_after=seconds * _SALE_AT,
            seconds=seconds,
        )
        auditor = Auditor(stack)
        with step("Stocking up"):
            levels = auditor.stock()
            # Half of the customers get a piece of the sale.
            for sku, pieces in {**dict.fromkeys(_PRODUCTS, _PIECES), _SALE_SKU: max(1, users // 2)}.items():
                _move(accounts, sku, pieces - levels[sku]["available"])
        happened = _simulated(stack, plan)
        with step("Waiting until every order is decided"):
            books = balanced(auditor, plan, happened)
    report = _OUTPUT / "report.md"
    machine = f"{os.cpu_count()} cores here, load {os.getloadavg()[1]:.1f} over the last five minutes"
    report.write_text(page(f"Load of {stack.name}", machine, plan, happened, books))
    name = report.relative_to(REPOSITORY)
    print(f"\n{summary(happened, books)}\n\nThe books: {verdict(books)}")
    print(f"\nThe page is {name}, with charts in charts.html beside it.")
    if not books.seconds_to_confirmed:
        raise StepError(
            "No order was confirmed, so nothing was measured.", f"Read {name}; `make logs` shows why."
        )
    return 0 if books.balance else 1


def _move(accounts: Accounts, sku: str, pieces: int) -> None:
    """Records a delivery of `pieces`, or a count that takes them away if they are negative, as an admin does."""
    if not pieces:
        return
    answer = accounts.shop.request(
        "POST",
        f"/inventory/{sku}/movements",
        token=accounts.admin.token,
        headers={"Idempotency-Key": str(uuid4())},
        json={
            "kind": "receipt" if pieces > 0 else "adjustment",
            "quantity": pieces,
            "reason": "for the load",
        },
    )
    if not answer.ok:
        raise StepError(f"The movement of {sku} answered {answer.status_code}: {answer.text}", _SEE_LOGS)


def _simulated(stack: Stack, plan: Plan) -> Happened:
    """What Locust's customers saw; raises StepError if Locust failed."""
    _OUTPUT.mkdir(parents=True, exist_ok=True)
    log = _OUTPUT / "locust.log"
    users = len(plan.customers)
    with TemporaryDirectory() as folder:
        result = Path(folder) / "happened.json"
        environment = tool_environment(stack.endpoint) if stack.is_embedded else dict(os.environ)
        environment |= {PLAN: plan.to_json(), RESULT: str(result), "PYTHONPATH": str(REPOSITORY)}
        command: list[str | Path] = [
            _LOCUST,
            *("--locustfile", "benchmarks/load/locustfile.py", "--headless", "--only-summary"),
            *("--users", str(users + 1), "--spawn-rate", f"{(users + 1) / (plan.seconds * _ARRIVALS):.3f}"),
            *("--run-time", f"{plan.seconds:.0f}s", "--stop-timeout", "20", "--exit-code-on-error", "0"),
            # Without its own log it prints no tables, which the page has. Warnings come on stderr.
            *("--skip-log-setup", "--html", _OUTPUT / "charts.html"),
        ]
        print(f"  {users} customers and an admin, for {plan.seconds:.0f} s:", flush=True)
        with log.open("wb") as warnings:
            finished = subprocess.run(command, cwd=REPOSITORY, env=environment, stderr=warnings, check=False)
        if finished.returncode or not result.exists():
            raise StepError(f"Locust ended with exit code {finished.returncode}.", "Read its log.", log)
        return Happened.from_json(result.read_text())


if __name__ == "__main__":
    sys.exit(main())

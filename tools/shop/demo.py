"""`make demo`: real orders over HTTP through the deployed system, scene by scene, and an audit of the results."""

import argparse
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from tools.api import CUSTOMERS_CLIENT
from tools.command_line import Subcommands, add_command, add_stack_option
from tools.console import StepError
from tools.shop import seed
from tools.shop.audit import Findings
from tools.shop.client import PASSWORD, Customer
from tools.shop.stage import DARJEELING, RARE, RARE_STOCK, TEA, DemoFailed, Stage, bill, expect, say
from tools.shop.watch import watched_order
from tools.shop.web_link import open_in_browser, page_url, signed_in_link
from tools.stack import Stack
from tools.waiting import be_patient, wait_for

RUSH = 10
# An order that should end well goes to neither; the demo stops waiting for it there.
ENDED_BADLY = ("rejected", "parked")


def register(subcommands: Subcommands) -> None:
    """Registers `demo`."""
    parser = add_command(
        subcommands, "demo", _demo, description="place real orders, and follow them to the mail"
    )
    add_stack_option(parser)
    parser.add_argument("--open", action="store_true", help="open the shop in your browser at the end")


def _demo(arguments: argparse.Namespace) -> None:
    stack = Stack.named(arguments.stack, arguments.region)
    stack.refuse_production("`make demo`")
    stack.refuse_real_provider("`make demo`")
    if stack.is_on_aws:
        be_patient()
    seed.fill(stack)
    try:
        link = play(Stage(stack))
    except DemoFailed as error:
        raise StepError(
            f"The demo failed: {error}.", "`make logs` shows the log lines of the functions."
        ) from error
    if arguments.open and not open_in_browser(link):
        raise StepError("This machine shows no browser.", f"Open {link} in one.")


def play(stage: Stage) -> str:
    """Plays all scenes and the audit, and shows what to try next; returns the link to the shop.

    Raises DemoFailed if a promise is broken.
    """
    customer = sign_up(stage)
    first = fulfilled_order(stage, customer)
    watched(stage, customer)
    out_of_stock(stage, customer)
    declined_card(stage, customer)
    refused_parcel(stage, customer)
    cancelled_order(stage, customer)
    failed_capture(stage, customer)
    rush(stage)
    audit(stage)
    link = link_to_shop(stage, customer)
    what_next(stage, customer, first, link)
    return link


def sign_up(stage: Stage) -> Customer:
    """A customer with a profile and a token."""
    stage.scene("A customer signs up", "POST /users, Cognito, GET /users/me with the token")
    customer = stage.shop.register("Ada Example")
    profile = stage.shop.request("GET", "/users/me", token=customer.token).json()
    expect(profile["user_id"] == customer.user_id, "the profile is not the customer's")
    say(f"signed up as {customer.email}, user {customer.user_id}")
    if stage.stack.shows_mails:
        [welcome] = wait_for(
            lambda: [
                mail
                for mail in stage.stack.sent_mails()
                # The user pool sends its codes from another address.
                if customer.email in mail["To"] and mail["Source"] == stage.stack.parameters["MailSender"]
            ],
            "the welcome mail",
            seconds=60,
        )
        say(f"mail “{welcome['Subject']}”")
    return customer


def fulfilled_order(stage: Stage, customer: Customer) -> str:
    """An order that is confirmed, paid and dispatched, and the retry of its request; returns its id."""
    stage.scene(
        "An order that is confirmed, paid and dispatched",
        "two products, a card that is approved; packing takes some seconds here",
    )
    key = str(uuid4())
    placed = stage.place(customer, {TEA: 2, DARJEELING: 1}, key=key)
    bill(placed["breakdown"])
    order = stage.shop.become(customer, placed["order_id"], "fulfilled", *ENDED_BADLY, seconds=120)
    stage.ends(customer, placed, "fulfilled")
    say(f"tracking reference {order['tracking_reference']}")
    late = stage.shop.request("POST", f"/orders/{placed['order_id']}/cancel", token=customer.token)
    expect(late.status_code == 409, f"the cancellation of a dispatched order answered {late.status_code}")
    say(f"POST /orders/{placed['order_id']}/cancel 409  {late.json()['detail']}")

    stage.scene(
        "The same request again, with the same Idempotency-Key", "as an app does after it lost the answer"
    )
    again = stage.place(customer, {TEA: 2, DARJEELING: 1}, key=key)
    expect(again["order_id"] == placed["order_id"], "the retry made another order")
    records = stage.auditor.orders()[placed["order_id"]]
    expect(len(records.intents) == 1, "the retry charged again")
    say(f"the same order {again['order_id']}")
    mails = f", mails: {len(records.mails)}" if stage.stack.shows_mails else ""
    say(f"payments: {len(records.intents)}{mails}; nothing happened twice")
    return str(placed["order_id"])


def watched(stage: Stage, customer: Customer) -> None:
    """An order that its customer watches over a WebSocket."""
    stage.scene("A customer watches their order", "over a WebSocket, opened as a browser does it")
    lines = watched_order(stage.stack, stage.shop, customer, {TEA: 1})
    for line in lines:
        say(line)
    expect(
        bool(lines) and lines[-1].startswith("confirmed"), "the customer got no message of the confirmation"
    )


def out_of_stock(stage: Stage, customer: Customer) -> None:
    """An order for more pieces than the warehouse has."""
    wanted = RARE_STOCK + 1
    stage.scene(
        "An order for more than the warehouse has",
        f"{wanted} of {RARE}, of which {RARE_STOCK} are in the warehouse",
    )
    stage.stock_up()
    stage.ends(customer, stage.place(customer, {RARE: wanted}), "rejected", "out_of_stock")


def declined_card(stage: Stage, customer: Customer) -> None:
    """A card that is declined: the saga releases the stock."""
    stage.scene("An order whose card is declined", "the reserved stock is released")
    before = stage.auditor.stock()[TEA]["available"]
    placed = stage.place(customer, {TEA: 1}, payment_token="pm_card_chargeDeclined")  # noqa: S106 # nosec B106 - a test token
    stage.ends(customer, placed, "rejected", "payment_declined")
    _expect_stock(stage, before)


def refused_parcel(stage: Stage, customer: Customer) -> None:
    """A parcel that cannot be booked: the saga voids the payment and releases the stock."""
    stage.scene(
        "An order whose parcel cannot be booked",
        "no carrier serves the country; the payment is voided, and the stock is released",
    )
    placed = stage.place(customer, {TEA: 1}, country="AQ")
    stage.ends(customer, placed, "rejected", "address_not_served")
    records = stage.auditor.orders()[placed["order_id"]]
    expect(len(records.intents) == 1, "the payment was never authorized")
    expect(records.held() == 0, "the payment is still authorized")
    say(f"provider: {records.intents[0]['status']}; stock: {(records.reservation or {}).get('status')}")


def cancelled_order(stage: Stage, customer: Customer) -> None:
    """An order that its customer cancels after the confirmation: parcel, payment and stock are undone."""
    stage.scene(
        "A customer cancels a confirmed order",
        "while it is packed; the payment is voided, and the stock is released",
    )
    before = stage.auditor.stock()[TEA]["available"]
    placed = stage.place(customer, {TEA: 1})
    order_id = placed["order_id"]
    stage.shop.settled(customer, order_id)
    answer = stage.shop.request("POST", f"/orders/{order_id}/cancel", token=customer.token)
    expect(answer.status_code == 202, f"the cancellation answered {answer.status_code}: {answer.text}")
    say(f"POST /orders/{order_id}/cancel 202  {answer.json()['status']}")
    wait_for(
        lambda: stage.shop.order(customer, order_id)["status"] in {"cancelled", "parked"},
        f"the cancellation of {order_id}",
        seconds=60,
    )
    stage.ends(customer, placed, "cancelled")
    records = stage.auditor.orders()[order_id]
    expect(records.held() == 0, "the payment is still authorized")
    say(f"payment: {(records.payment or {}).get('status')}")
    _expect_stock(stage, before)


def failed_capture(stage: Stage, customer: Customer) -> None:
    """An order whose payment cannot be captured after the confirmation: the system cancels it."""
    stage.scene(
        "An order whose payment cannot be captured",
        "the authorization expires after the confirmation; the order is cancelled, and the stock is released",
    )
    before = stage.auditor.stock()[TEA]["available"]
    token = "pm_sandbox_capture_expired"  # noqa: S105 # nosec B105 - a test token
    placed = stage.place(customer, {TEA: 1}, payment_token=token)
    order = stage.shop.become(customer, placed["order_id"], "cancelled", *ENDED_BADLY, seconds=120)
    stage.ends(customer, placed, "cancelled")
    say(f"cancelled by {order['cancelled_by']}, reason {order['cancellation_reason']}")
    _expect_stock(stage, before)


def _expect_stock(stage: Stage, before: int) -> None:
    after = stage.auditor.stock()[TEA]["available"]
    expect(after == before, f"{before - after} of {TEA} were not released")
    say(f"{TEA}: {before} available before, {after} after")


def rush(stage: Stage) -> None:
    """Ten customers at once for the last three pieces."""
    stage.scene(f"{RUSH} customers at once for the last {RARE_STOCK} pieces", f"each orders one {RARE}")
    stage.stock_up()
    with ThreadPoolExecutor(RUSH) as pool:
        customers = list(pool.map(stage.shop.sign_up, [f"Rush{number}" for number in range(RUSH)]))
        placed = list(pool.map(lambda customer: stage.place(customer, {RARE: 1}, quiet=True), customers))
        settled = list(
            pool.map(
                lambda pair: stage.shop.settled(pair[0], pair[1]["order_id"], seconds=120),
                zip(customers, placed, strict=True),
            )
        )
    statuses = [order["status"] for order in settled]
    rejected = statuses.count("rejected")
    confirmed = len(statuses) - rejected
    level = stage.auditor.stock()[RARE]
    say(f"{confirmed} confirmed, {rejected} rejected; {level['available']} of {RARE} left")
    expect(confirmed == RARE_STOCK, f"{confirmed} orders were confirmed for {RARE_STOCK} pieces")
    expect(level["available"] == 0, f"{level['available']} pieces are left, but all {RARE_STOCK} were sold")


def audit(stage: Stage) -> None:
    """Reads the tables, the provider's records and the sent mails, and checks that they agree."""
    records = ", the provider's records and the sent mails"
    if not stage.stack.shows_mails:
        records = " and the provider's records"
    stage.scene("The audit", f"of the tables{records}")

    def complete() -> Findings | None:
        # The audit reads the orders again: one that was still confirmed here may be fulfilled there without its mail.
        statuses = {
            item["status"] for item in stage.auditor.order_items() if item["order_id"] in stage.placed
        }
        found = stage.auditor.audit()
        is_complete = found.mails >= found.mails_due and not found.uncommitted and "confirmed" not in statuses
        return found if is_complete else None

    # A mail that is due before its address is known is tried again after a minute.
    found = wait_for(complete, "the last mails and parcels", seconds=120)
    for sku in (TEA, DARJEELING, RARE):
        level = stage.auditor.stock()[sku]
        say(f"stock  {sku:<16} {level['available']:>4} available {level['reserved']:>4} reserved")
    say(f"money  {found.held / 100:.2f} EUR captured for fulfilled orders, or authorized for confirmed ones")
    if stage.stack.shows_mails:
        say(f"mails  {found.mails} sent about orders, one for each outcome")
    for violation in found.violations:
        say(f"WRONG  {violation}")
    expect(not found.violations, f"the audit found {len(found.violations)} contradictions")
    orders = found.orders
    say("")
    say(
        f"It holds: {orders['confirmed']} confirmed, {orders['fulfilled']} fulfilled, "
        f"{orders['rejected']} rejected, {orders['cancelled']} cancelled, {orders['parked']} parked;"
    )
    say(
        "0 oversold, every rejected or cancelled order released its stock and its money, no customer was charged twice."
    )


def link_to_shop(stage: Stage, customer: Customer) -> str:
    """Where a browser shows the shop; in the embedded cloud to that customer, who is signed in."""
    if not stage.stack.is_embedded:
        return page_url(stage.stack, "shop")
    return signed_in_link(stage.stack, "shop", customer.email, PASSWORD, client=CUSTOMERS_CLIENT)


def what_next(stage: Stage, customer: Customer, order_id: str, link: str) -> None:
    """Prints the URL, the reference's, the shop's, a token, and commands about this demo."""
    url, where = stage.stack.api_url, ""
    if not stage.stack.is_embedded:
        where = f" STACK={stage.stack.name} REGION={stage.stack.region}"
    print(f"\nThe demo took {stage.seconds:.0f} s. The system keeps running.")
    print(f"\n  URL    {url}")
    print(f"\n  DOCS   {url}/docs  (open it in a browser; Authorize takes the token)")
    if stage.stack.parameters.get("WebApp") != "off":
        signed_in = "  (you are its customer there)" if stage.stack.is_embedded else ""
        print(f"\n  SHOP   {link}{signed_in}")
    print(f"\n  TOKEN  {customer.token}\n\nTry next, for example in another terminal:\n")
    print(f"  curl -s '{url}/products?limit=3'")
    print(f'  TOKEN=<the token above>; curl -s {url}/orders -H "Authorization: Bearer $TOKEN"')
    print(f"  make trace{where} ORDER={order_id}")
    print(f"  make logs{where} ARGS='--grep {order_id}'")
    if stage.stack.is_embedded:
        print("\n`make down` stops it.")

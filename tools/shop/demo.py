"""The demo: real orders over HTTP through the deployed system, and what the books say afterwards."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tools.shop.audit import Books
from tools.shop.client import Customer, Shop
from tools.shop.timeline import timeline
from tools.shop.watch import watched_order
from tools.stack import Stack
from tools.waiting import wait_for

TEA, DARJEELING, RARE = "TEA-ASSAM-100", "TEA-DARJ-100", "TEA-GLASS-LTD"
RUSH = 10
RARE_STOCK = 3
# Where an order does not go that ends well, so that nobody waits for it in vain.
ENDED_BADLY = ("rejected", "parked")


class DemoFailed(Exception):
    """The system did not do what the demo promises."""


@dataclass
class Demo:
    """Plays the scenes one after the other and prints what happens."""

    stack: Stack
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.shop = Shop(self.stack)
        self.books = Books(self.stack)
        self.placed: set[str] = set()

    def run(self) -> None:
        """All scenes, the books, and what to try next; raises DemoFailed where a promise is broken."""
        customer = self.sign_up()
        self.fulfilled_order(customer)
        self.watched_order(customer)
        self.too_many(customer)
        self.declined_card(customer)
        self.refused_parcel(customer)
        self.changed_mind(customer)
        self.unpaid(customer)
        self.rush()
        self.balance()
        self.what_next(customer)

    def sign_up(self) -> Customer:
        """A customer with a profile and a token."""
        self.scene("A customer signs up", "POST /users, Cognito, GET /users/me with the token")
        customer = self.shop.sign_up("Ada Example")
        profile = self.shop.request("GET", "/users/me", token=customer.token).json()
        expect(profile["user_id"] == customer.user_id, "the profile is not the customer's")
        say(f"signed up as {customer.email}, user {customer.user_id}")
        [welcome] = wait_for(
            lambda: [
                mail
                for mail in self.stack.sent_mails()
                # The user pool sends its codes by itself.
                if customer.email in mail["To"] and mail["Source"] == self.stack.parameters["MailSender"]
            ],
            "the welcome mail",
            seconds=60,
        )
        say(f"mail “{welcome['Subject']}”")
        return customer

    def fulfilled_order(self, customer: Customer) -> None:
        """An order that stands, is paid and leaves, and its retry."""
        self.scene(
            "An order that is confirmed, paid and dispatched",
            "two products, a card that is approved; packing takes some seconds here",
        )
        key = str(uuid4())
        placed = self.place(customer, {TEA: 2, DARJEELING: 1}, key=key)
        bill(placed["breakdown"])
        order = self.shop.become(customer, placed["order_id"], "fulfilled", *ENDED_BADLY, seconds=120)
        self.ends(customer, placed, "fulfilled")
        say(f"tracking reference {order['tracking_reference']}")
        late = self.shop.request("POST", f"/orders/{placed['order_id']}/cancel", token=customer.token)
        expect(late.status_code == 409, f"a cancellation of what has left answered {late.status_code}")
        say(f"POST /orders/{placed['order_id']}/cancel 409  {late.json()['detail']}")

        self.scene(
            "The same request again, with the same Idempotency-Key", "as an app does when an answer got lost"
        )
        again = self.place(customer, {TEA: 2, DARJEELING: 1}, key=key)
        expect(again["order_id"] == placed["order_id"], "the retry made another order")
        books = self.books.orders()[placed["order_id"]]
        expect(len(books.intents) == 1, "the retry charged again")
        say(
            f"same order {again['order_id']}; payments: {len(books.intents)}, mails: {len(books.mails)}; nothing twice"
        )

    def watched_order(self, customer: Customer) -> None:
        """An order that its customer watches over a WebSocket."""
        self.scene("A customer watches their order", "a WebSocket, opened as a browser does it")
        told = watched_order(self.stack, self.shop, customer, {TEA: 1})
        for line in told:
            say(line)
        expect(
            bool(told) and told[-1].startswith("confirmed"), "the customer was not told of the confirmation"
        )

    def too_many(self, customer: Customer) -> None:
        """An order for more than there is."""
        wanted = RARE_STOCK + 1
        self.scene(
            "An order for more than there is",
            f"{wanted} of {RARE}, of which {RARE_STOCK} are in the warehouse",
        )
        self.stock_up()
        self.ends(customer, self.place(customer, {RARE: wanted}), "rejected", "out_of_stock")

    def declined_card(self, customer: Customer) -> None:
        """A card that is declined: the stock comes back."""
        self.scene("An order whose card is declined", "the reserved stock comes back")
        before = self.books.stock()[TEA]["available"]
        placed = self.place(customer, {TEA: 1}, payment_token="pm_card_chargeDeclined")  # noqa: S106 - a test token
        self.ends(customer, placed, "rejected", "payment_declined")
        after = self.books.stock()[TEA]["available"]
        expect(after == before, f"{before - after} of {TEA} did not come back")
        say(f"{TEA}: {before} available before, {after} after")

    def refused_parcel(self, customer: Customer) -> None:
        """A parcel that cannot be created: money and stock come back."""
        self.scene(
            "An order whose parcel cannot be created",
            "no carrier serves the country; money and stock come back",
        )
        placed = self.place(customer, {TEA: 1}, country="AQ")
        self.ends(customer, placed, "rejected", "address_not_served")
        books = self.books.orders()[placed["order_id"]]
        expect(len(books.intents) == 1, "the money was never held")
        expect(books.held() == 0, "the money is still held")
        say(f"provider: {books.intents[0]['status']}; stock: {(books.reservation or {}).get('status')}")

    def changed_mind(self, customer: Customer) -> None:
        """An order that is cancelled after it was confirmed: parcel, money and stock are undone."""
        self.scene(
            "A customer changes their mind",
            "the order is confirmed and, while it is packed, cancelled; money and stock come back",
        )
        before = self.books.stock()[TEA]["available"]
        placed = self.place(customer, {TEA: 1})
        self.shop.settled(customer, placed["order_id"])
        answer = self.shop.request("POST", f"/orders/{placed['order_id']}/cancel", token=customer.token)
        expect(answer.status_code == 202, f"the cancellation answered {answer.status_code}: {answer.text}")
        say(f"POST /orders/{placed['order_id']}/cancel 202  {answer.json()['status']}")
        wait_for(
            lambda: self.shop.order(customer, placed["order_id"])["status"] in {"cancelled", "parked"},
            f"the cancellation of {placed['order_id']}",
            seconds=60,
        )
        self.ends(customer, placed, "cancelled")
        books, after = self.books.orders()[placed["order_id"]], self.books.stock()[TEA]["available"]
        expect(books.held() == 0, "the money is still held")
        expect(after == before, f"{before - after} of {TEA} did not come back")
        say(
            f"payment: {(books.payment or {}).get('status')}; {TEA}: {before} available before, {after} after"
        )

    def unpaid(self, customer: Customer) -> None:
        """An order whose money cannot be taken once it stands: it is cancelled."""
        self.scene(
            "An order whose money cannot be taken",
            "the hold ran out after the confirmation; stock comes back",
        )
        before = self.books.stock()[TEA]["available"]
        token = "pm_sandbox_capture_expired"  # noqa: S105 - a test token
        placed = self.place(customer, {TEA: 1}, payment_token=token)
        order = self.shop.become(customer, placed["order_id"], "cancelled", *ENDED_BADLY, seconds=120)
        self.ends(customer, placed, "cancelled")
        after = self.books.stock()[TEA]["available"]
        expect(after == before, f"{before - after} of {TEA} did not come back")
        say(f"cancelled by {order['cancelled_by']}, reason {order['cancellation_reason']}")

    def rush(self) -> None:
        """Ten customers at once for the last three pieces."""
        self.scene(f"{RUSH} customers at once for the last {RARE_STOCK} pieces", f"one {RARE} each")
        self.stock_up()
        with ThreadPoolExecutor(RUSH) as pool:
            customers = list(pool.map(self.shop.sign_up, [f"Rush{number}" for number in range(RUSH)]))
            placed = list(pool.map(lambda customer: self.place(customer, {RARE: 1}, quiet=True), customers))
            settled = list(
                pool.map(
                    lambda pair: self.shop.settled(pair[0], pair[1]["order_id"], seconds=120),
                    zip(customers, placed, strict=True),
                )
            )
        statuses = [order["status"] for order in settled]
        rejected = statuses.count("rejected")
        confirmed = len(statuses) - rejected
        level = self.books.stock()[RARE]
        say(f"{confirmed} confirmed, {rejected} rejected; {level['available']} of {RARE} left")
        expect(confirmed == RARE_STOCK, f"{confirmed} got one of {RARE_STOCK}")
        expect(level["available"] == 0, "the stock does not fit")

    def stock_up(self) -> None:
        """Brings the rare product to exactly its three pieces again, as an admin does after a delivery or a count."""
        missing = RARE_STOCK - self.books.stock()[RARE]["available"]
        if not missing:
            return
        movement = {"kind": "receipt", "quantity": missing, "reason": "delivery for the demo"}
        if missing < 0:
            movement |= {"kind": "adjustment", "reason": "counted for the demo"}
        answer = self.shop.request(
            "POST",
            f"/inventory/{RARE}/movements",
            token=self.shop.admin().token,
            headers={"Idempotency-Key": str(uuid4())},
            json=movement,
        )
        expect(answer.status_code == 201, f"the movement answered {answer.status_code}: {answer.text}")
        say(f"POST /inventory/{RARE}/movements 201  {movement['kind']} of {missing}")

    def balance(self) -> None:
        """What the tables, the provider and the mailbox say, and whether they agree."""
        self.scene("The books", "computed from the tables, the provider's records and the sent mails")

        def complete() -> bool:
            audit = self.books.audit()
            statuses = {
                item["status"] for item in self.books.order_items() if item["order_id"] in self.placed
            }
            return audit.mails >= audit.mails_due and "confirmed" not in statuses and not audit.uncommitted

        # A mail that was sooner than its reader's address is tried again after a minute.
        wait_for(complete, "the last mails and parcels", seconds=120)
        audit = self.books.audit()
        for sku in (TEA, DARJEELING, RARE):
            level = self.books.stock()[sku]
            say(f"stock  {sku:<16} {level['available']:>4} available {level['reserved']:>4} reserved")
        say(f"money  {audit.held / 100:.2f} EUR taken for fulfilled orders, and held for confirmed ones")
        say(f"mails  {audit.mails} sent about orders, one for each outcome")
        for violation in audit.violations:
            say(f"WRONG  {violation}")
        expect(not audit.violations, f"the books disagree in {len(audit.violations)} places")
        orders = audit.orders
        say("")
        say(
            f"It holds: {orders['confirmed']} confirmed, {orders['fulfilled']} fulfilled, "
            f"{orders['rejected']} rejected, {orders['cancelled']} cancelled, {orders['parked']} parked; "
            "0 oversold, every rejected or cancelled "
            "order released its stock and its money, nobody was charged twice."
        )

    def what_next(self, customer: Customer) -> None:
        """The URL, the reference's, a token, and three commands."""
        url = self.stack.api_url
        print(f"\nThe system keeps running ({time.monotonic() - self.started:.0f} s since the demo began).")
        print(f"\n  URL    {url}")
        print(f"\n  DOCS   {url}/docs  (in a browser; Authorize with the token)")
        print(f"\n  TOKEN  {customer.token}\n\nTry next, for example in another terminal:\n")
        print(f"  curl -s '{url}/products?limit=3'")
        print(f'  TOKEN=<the token above>; curl -s {url}/orders -H "Authorization: Bearer $TOKEN"')
        print("  make logs ARGS='--grep order'\n\n`make down` stops it.")

    def scene(self, title: str, what: str) -> None:
        """Begins a scene."""
        print(f"\n[{time.monotonic() - self.started:6.1f} s] {title}\n           {what}")

    def place(
        self, customer: Customer, lines: dict[str, int], *, quiet: bool = False, **options: Any
    ) -> dict[str, Any]:
        """Places an order that must be accepted."""
        answer = self.shop.place(customer, lines, **options)
        expect(answer.status_code == 201, f"POST /orders answered {answer.status_code}: {answer.text}")
        order = dict(answer.json())
        self.placed.add(order["order_id"])
        if not quiet:
            total = order["total"]
            say(f"POST /orders 201  {order['order_id']}  {total['amount'] / 100:.2f} {total['currency']}")
        return order

    def ends(
        self, customer: Customer, placed: dict[str, Any], status: str, reason: str | None = None
    ) -> None:
        """Waits until the order is settled and mailed, shows its timeline, and expects `status` and `reason`."""
        order = self.shop.settled(customer, placed["order_id"])

        def mailed() -> bool:
            books = self.books.orders()[order["order_id"]]
            return len(books.mails) >= books.mails_due()

        wait_for(mailed, f"the mails about {order['order_id']}", seconds=60)
        moments = timeline(self.stack, order)
        for moment in moments:
            say(f"+{(moment.at - moments[0].at).total_seconds():6.2f} s  {moment.service:<14} {moment.what}")
        expect(order["status"] == status, f"the order is {order['status']}, not {status}")
        expect(
            order.get("rejection_reason") == reason,
            f"the reason is {order.get('rejection_reason')}, not {reason}",
        )


def bill(breakdown: dict[str, Any]) -> None:
    """The lines of a bill, in the currency's whole units."""
    tax = breakdown["tax"]
    rows = [
        ("lines", breakdown["lines"]),
        ("shipping", breakdown["shipping"]),
        ("total", breakdown["total"]),
        (f"of which {tax['rate_basis_points'] / 100:g} % VAT ({tax['country']})", tax["amount"]),
    ]
    for name, money in rows:
        say(f"  {name:<24} {money['amount'] / 100:>8.2f} {money['currency']}")


def say(line: str) -> None:
    """One line of a scene."""
    print(f"           {line}", flush=True)


def expect(holds: bool, otherwise: str) -> None:
    """Raises DemoFailed with `otherwise` unless `holds`."""
    if not holds:
        raise DemoFailed(otherwise)

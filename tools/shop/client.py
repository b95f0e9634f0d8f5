"""A client of the shop, as its customers' apps are: it signs up, signs in, and orders over HTTP with a real token."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from threading import Lock
from typing import Any
from uuid import uuid4

import requests

from shared.access import ADMIN_GROUP, CUSTOMER_GROUP
from tools.api import ADMINS_CLIENT, CUSTOMERS_CLIENT, FINAL, Api, add_to_group, open_account, sign_in
from tools.shop import canaries
from tools.shop.canaries import canary
from tools.stack import Stack
from tools.waiting import wait_for

PASSWORD = f"Aa1-{canary(canaries.PASSWORD)}"
"""Of every account that this process makes up. Nobody else knows it, since the stack may be reachable for anyone."""

_RENEWED_AFTER_SECONDS = 240.0
# A cache may make a value twice for two threads at once.
_ONE_AT_A_TIME = Lock()


class Session:
    """The identity token of a signed-in customer; with `sign_in`, a new one some minutes later."""

    def __init__(self, token: str | None = None, sign_in: Callable[[], str] | None = None) -> None:
        self._token, self._sign_in, self._renew_at = token or "", sign_in, 0.0

    @property
    def token(self) -> str:
        """The last token, or a new one."""
        if self._sign_in and time.monotonic() > self._renew_at:
            self._token, self._renew_at = self._sign_in(), time.monotonic() + _RENEWED_AFTER_SECONDS
        return self._token


@dataclass(frozen=True)
class Customer:
    """A signed-up customer with a session; also an admin, whose token lives for five minutes."""

    user_id: str
    email: str
    name: str
    session: Session

    @property
    def token(self) -> str:
        """An identity token, valid for a minute at least if the session renews it."""
        return self.session.token


def made_up_name(name: str) -> str:
    """The name of a made-up person, which nobody else has; it begins as `name` does."""
    return f"{name.split(maxsplit=1)[0]} {canary(canaries.NAME)}"


def address(country: str = "DE", customer_id: str = "") -> dict[str, str]:
    """The shipping address of a customer in `country`: the same each time, so that an order can be sent again."""
    with _ONE_AT_A_TIME:
        return dict(_address(country, customer_id))


@cache
def _address(country: str, _: str) -> dict[str, str]:
    return {
        "name": made_up_name("Ada"),
        "line1": f"1 {canary(canaries.POSTAL_ADDRESS)} Street",
        "city": canary(canaries.POSTAL_ADDRESS),
        "postal_code": canary(canaries.POSTAL_ADDRESS),
        "country": country,
    }


def made_up_address(kind: str, name: str) -> str:
    """A new address for a made-up person; `kind` says who made it up, so that they can find it again.

    SES's mailbox simulator takes all mail to it, also from an account in SES's sandbox, and the mail does not bounce:
    https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
    """
    label = f"{kind}.{name.split(maxsplit=1)[0].lower()}.{canary(canaries.MAIL_ADDRESS)}"
    return f"success+{label}@simulator.amazonses.com"


class Shop:
    """The deployed shop: its API, and the accounts that call it.

    `kind` is in the address of each account that it makes up.
    """

    def __init__(self, stack: Stack, kind: str = "guest") -> None:
        self.stack = stack
        self.api = Api(stack)
        self._kind = kind

    def request(
        self, method: str, path: str, *, token: str | None = None, **options: Any
    ) -> requests.Response:
        """Calls `path`, with a bearer token if one is given; returns the answer with any status."""
        return self.api.request(method, path, token=token, **options)

    def sign_up(self, name: str, *, email: str | None = None) -> Customer:
        """Makes up a new customer, with an account as an operator may make it, and signs in.

        Cognito mails no code: it sends 50 mails a day. Without `email` the address is made up. The name begins
        as `name` does.
        """
        email, name = email or made_up_address(self._kind, name), made_up_name(name)
        open_account(self.stack, email, PASSWORD, name=name, groups=[CUSTOMER_GROUP])
        token = self.token_of(email)
        profile = self.request("GET", "/users/me", token=token)
        profile.raise_for_status()
        return Customer(profile.json()["user_id"], email, name, Session(token))

    def register(self, name: str) -> Customer:
        """Signs up a new customer as an app does, confirms the address as an operator may, and signs in.

        The name begins as `name` does.
        """
        email, name = made_up_address(self._kind, name), made_up_name(name)
        body = {"email": email, "password": PASSWORD, "name": name}
        answer = self.request("POST", "/users", json=body)
        answer.raise_for_status()
        cognito = self.stack.client("cognito-idp")
        cognito.admin_confirm_sign_up(UserPoolId=self.stack.resource("UserPool"), Username=email)
        return Customer(answer.json()["user_id"], email, name, Session(self.token_of(email)))

    def admin(self) -> Customer:
        """Makes up a new customer, who joins the admins' group as an operator may do it, and signs in as an admin."""
        account = self.sign_up("Admin Example")
        add_to_group(self.stack, account.email, ADMIN_GROUP)
        session = Session(sign_in=lambda: self.token_of(account.email, client=ADMINS_CLIENT))
        return replace(account, session=session)

    def token_of(self, email: str, *, client: str = CUSTOMERS_CLIENT) -> str:
        """A fresh identity token of an account that this process made up."""
        return sign_in(self.stack, email, PASSWORD, client=client)

    def place(
        self,
        customer: Customer,
        lines: dict[str, int],
        *,
        payment_token: str = "pm_card_visa",  # noqa: S107 - a public test token
        country: str = "DE",
        key: str | None = None,
    ) -> requests.Response:
        """Places an order of `lines` (quantity by sku), with a fresh idempotency key unless one is given."""
        body = {
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()],
            "shipping_address": address(country, customer.user_id),
            "payment_token": payment_token,
        }
        headers = {"Idempotency-Key": key or str(uuid4())}
        return self.request("POST", "/orders", token=customer.token, headers=headers, json=body)

    def order(self, customer: Customer, order_id: str) -> dict[str, Any]:
        """The order, as its customer sees it now."""
        answer = self.request("GET", f"/orders/{order_id}", token=customer.token)
        answer.raise_for_status()
        return dict(answer.json())

    def settled(self, customer: Customer, order_id: str, *, seconds: float = 60) -> dict[str, Any]:
        """The order once it is confirmed, fulfilled, rejected, cancelled or parked; raises NotInTime."""
        return self.become(customer, order_id, *FINAL, seconds=seconds)

    def become(
        self, customer: Customer, order_id: str, *statuses: str, seconds: float = 60
    ) -> dict[str, Any]:
        """The order once it is in one of `statuses`; raises NotInTime."""

        def in_status() -> dict[str, Any] | None:
            order = self.order(customer, order_id)
            return order if order["status"] in statuses else None

        return wait_for(in_status, f"order {order_id} to be {' or '.join(sorted(statuses))}", seconds=seconds)

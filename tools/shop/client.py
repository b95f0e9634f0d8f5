"""A client of the shop, as its customers' apps are: it signs up, signs in, and orders over HTTP with a real token."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import requests

from shared.access import ADMIN_GROUP
from tools.api import FINAL, Api, sign_in
from tools.stack import Stack
from tools.waiting import wait_for

PASSWORD = "Correct-horse-7-battery"  # noqa: S105 - of accounts that exist on the embedded cloud alone


@dataclass(frozen=True)
class Customer:
    """A signed-up customer, with the identity token of their session."""

    user_id: str
    email: str
    name: str
    token: str


def address(country: str = "DE") -> dict[str, str]:
    """A shipping address in `country`."""
    return {
        "name": "Ada Example",
        "line1": "1 Analytical Street",
        "city": "Berlin",
        "postal_code": "10115",
        "country": country,
    }


class Shop:
    """The deployed shop: its API, and the accounts that call it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.api = Api(stack)

    def request(
        self, method: str, path: str, *, token: str | None = None, **options: Any
    ) -> requests.Response:
        """Calls `path`, with a bearer token if one is given; returns the answer with any status."""
        return self.api.request(method, path, token=token, **options)

    def sign_up(self, name: str) -> Customer:
        """Signs up a new customer, confirms the address as an operator may, and signs in."""
        email = f"{name.split(maxsplit=1)[0].lower()}.{uuid4().hex[:8]}@example.com"
        body = {"email": email, "password": PASSWORD, "name": name}
        answer = self.request("POST", "/users", json=body)
        answer.raise_for_status()
        cognito = self.stack.client("cognito-idp")
        cognito.admin_confirm_sign_up(UserPoolId=self.stack.resource("UserPool"), Username=email)
        return Customer(answer.json()["user_id"], email, name, self.token_of(email))

    def admin(self) -> Customer:
        """Signs up a new account, puts it into the admins' group as an operator may, and signs in."""
        account = self.sign_up("Admin Example")
        self.stack.client("cognito-idp").admin_add_user_to_group(
            UserPoolId=self.stack.resource("UserPool"), Username=account.user_id, GroupName=ADMIN_GROUP
        )
        return replace(account, token=self.token_of(account.email))

    def token_of(self, email: str) -> str:
        """A fresh identity token of an account that `sign_up` made."""
        return sign_in(self.stack, email, PASSWORD)

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
            "shipping_address": address(country),
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

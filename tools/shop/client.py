"""A client of the shop, as its customers' apps would be: sign up, sign in, order over HTTP with a real token."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import requests

from shared.access import ADMIN_GROUP
from tools.stack import Stack
from tools.waiting import wait_for

# An order is decided in these: confirmed goes on to fulfilled by itself, and parked waits for an operator.
FINAL = {"confirmed", "fulfilled", "rejected", "cancelled", "parked"}
PASSWORD = "Correct-horse-7-battery"  # noqa: S105 - of accounts that exist on the embedded cloud alone
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Customer:
    """Someone who signed up, with the identity token of their session."""

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
    """The deployed shop's API."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = requests.Session()

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> requests.Response:
        """Calls `path`, with a bearer token where one is given; returns the answer whatever its status."""
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        return self.http.request(
            method,
            self.stack.api_url + path,
            headers={**authorization, **(headers or {})},
            timeout=_TIMEOUT_SECONDS,
            **kwargs,
        )

    def sign_up(self, name: str) -> Customer:
        """Signs up someone new, confirms the address as an operator may, and signs in."""
        email = f"{name.split(maxsplit=1)[0].lower()}.{uuid4().hex[:8]}@example.com"
        body = {"email": email, "password": PASSWORD, "name": name}
        answer = self.request("POST", "/users", json=body)
        answer.raise_for_status()
        cognito = self.stack.client("cognito-idp")
        cognito.admin_confirm_sign_up(UserPoolId=self.stack.resource("UserPool"), Username=email)
        return Customer(answer.json()["user_id"], email, name, self.token_of(email))

    def admin(self) -> Customer:
        """Someone new who runs the shop: put into the group as an operator does it, then signed in."""
        someone = self.sign_up("Admin Example")
        self.stack.client("cognito-idp").admin_add_user_to_group(
            UserPoolId=self.stack.resource("UserPool"), Username=someone.user_id, GroupName=ADMIN_GROUP
        )
        return replace(someone, token=self.token_of(someone.email))

    def token_of(self, email: str) -> str:
        """A fresh identity token."""
        session = self.stack.client("cognito-idp").initiate_auth(
            ClientId=self.stack.resource("UserPoolClient"),
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD},
        )
        return str(session["AuthenticationResult"]["IdToken"])

    def place(
        self,
        customer: Customer,
        lines: dict[str, int],
        *,
        payment_token: str = "pm_card_visa",  # noqa: S107 - a public test token
        country: str = "DE",
        key: str | None = None,
    ) -> requests.Response:
        """Asks for `lines` (quantity by sku); a fresh idempotency key unless one is given."""
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

        def there() -> dict[str, Any] | None:
            order = self.order(customer, order_id)
            return order if order["status"] in statuses else None

        return wait_for(there, f"order {order_id} to be {' or '.join(sorted(statuses))}", seconds=seconds)

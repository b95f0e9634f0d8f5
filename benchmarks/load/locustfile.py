"""The simulated customers and the admin, as Locust runs them. `python -m benchmarks.load` starts Locust with a plan.

They use the API as an app does. Each has an account of its own and thinks between its requests. If the shop is busy, it
waits as long as `Retry-After` asks, and repeats an order with the same `Idempotency-Key`.
"""

import os
import time
from collections import deque
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import gevent
from locust import FastHttpUser, between, events, task
from locust.exception import RescheduleTask

from benchmarks.load.plan import PLAN, RESULT, Happened, Plan

_PLAN = Plan.from_json(os.environ[PLAN])
_HAPPENED = Happened()
_FREE_ACCOUNTS = deque(_PLAN.customers)
_STARTED = time.monotonic()
_CHANCE = Random()  # noqa: S311 # nosec B311 - nobody gains by guessing what a customer buys

_TIMEOUT_SECONDS = 30.0
# Also the seconds of the next try if the shop names none.
_RETRY_AFTER_SECONDS = 1.0
_PROGRESS_SECONDS = 5
# How customers pay, of a hundred orders: a few cards are declined, far fewer a customer than the shop allows an hour.
_DECLINED_OF_HUNDRED = 3
_MOST_DECLINES = 3
_DECLINED, _APPROVED = "pm_card_chargeDeclined", "pm_card_visa"
_FOLLOWED_SECONDS = (1, 2, 3, 5, 8)
_UNDECIDED = {"placed", "abandoned", "cancelling"}
_NO_ANSWER = 0
# A client sends its request again after these.
_BUSY = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
        _NO_ANSWER,
    }
)
# An admin's token is valid for five minutes.
_ADMIN_SIGNS_IN_AFTER = 240.0


@events.request.add_listener
def note(request_type: str, name: str, response_time: float, response: Any, **_: Any) -> None:
    """Notes a request and its answer."""
    status = (response.status_code or _NO_ANSWER) if response is not None else _NO_ANSWER
    _HAPPENED.samples.append((f"{request_type} {name}", status, response_time))
    _HAPPENED.seconds = time.monotonic() - _STARTED


@events.test_start.add_listener
def show_progress(environment: Any, **_: Any) -> None:
    """Prints a line every few seconds."""

    def lines() -> None:
        seen = 0
        while True:
            gevent.sleep(_PROGRESS_SECONDS)
            requests = len(_HAPPENED.samples)
            print(
                f"  {time.monotonic() - _STARTED:5.0f} s  {environment.runner.user_count:>4} users  "
                f"{requests:>6} requests, {(requests - seen) / _PROGRESS_SECONDS:5.1f} a second  "
                f"{len(_HAPPENED.accepted):>5} orders",
                flush=True,
            )
            seen = requests

    gevent.spawn(lines)


@events.quitting.add_listener
def write_result(**_: Any) -> None:
    """Writes what happened for the process that started Locust."""
    Path(os.environ[RESULT]).write_text(_HAPPENED.to_json())


class _Caller(FastHttpUser):
    """Calls the API with its token."""

    abstract = True
    host = _PLAN.api_url
    wait_time = between(1, 3)
    network_timeout = connection_timeout = _TIMEOUT_SECONDS
    token = ""  # nosec B105 - it has none before it signs in

    def sign_in(self, email: str, client: str) -> None:
        """Takes a fresh token from Cognito."""
        body = {
            "ClientId": client,
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": email, "PASSWORD": _PLAN.password},
        }
        headers = {
            "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
            "Content-Type": "application/x-amz-json-1.1",
        }
        session = self.call("POST", "sign in", _PLAN.sign_in_url, json=body, headers=headers)
        self.token = session["AuthenticationResult"]["IdToken"]

    def call(
        self,
        method: str,
        route: str,
        path: str = "",
        *,
        also: frozenset[int] = frozenset(),
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """The body of the answer with a 2xx or a status of `also`; while the shop is busy, it waits and asks again.

        It gives up this task with any other answer: the page lists it, and the customer goes on.
        """
        authorization = (
            {"Authorization": f"Bearer {self.token}"} if self.token and path != _PLAN.sign_in_url else {}
        )
        while True:
            with self.client.request(
                method,
                path or route,
                name=route,
                headers={**authorization, **(headers or {})},
                catch_response=True,
                **options,
            ) as answer:
                status = answer.status_code or _NO_ANSWER
                if status // 100 == 2 or status in also:
                    answer.success()
                    body: dict[str, Any] = answer.json() if answer.text else {}
                    return body
                answer.failure(f"status {status}")
            if status not in _BUSY:
                raise RescheduleTask
            gevent.sleep(float((answer.headers or {}).get("Retry-After", _RETRY_AFTER_SECONDS)))


class Customer(_Caller):
    """A customer who looks around, orders, follows each order, cancels some, and takes part in the sale."""

    def on_start(self) -> None:
        """Signs in, and comes back for the sale."""
        self.declines = 0
        self.sign_in(_FREE_ACCOUNTS.popleft(), _PLAN.customers_client)
        _HAPPENED.customers.append(self.call("GET", "/users/me")["user_id"])
        begins_in = _PLAN.sale_after - (time.monotonic() - _STARTED)
        gevent.spawn_later(max(0.0, begins_in), self.buy_in_the_sale)

    def buy_in_the_sale(self) -> None:
        """Orders one piece of the sale's product at the moment when all others do."""
        try:
            order_id = self.place(_PLAN.sale_sku, 1, _APPROVED)
        except RescheduleTask:
            return
        _HAPPENED.of_the_sale.append(order_id)

    @task(6)
    def browse(self) -> None:
        """Looks at the catalogue and at one product."""
        self.call("GET", "/products", f"/products?limit={_CHANCE.choice((5, 10, 20))}")
        self.call("GET", "/products/{sku}", f"/products/{_CHANCE.choice(_PLAN.products)}")

    @task(3)
    def order(self) -> None:
        """Orders one or two products, and follows the order until it is decided."""
        self.follow(self.buy())

    @task(1)
    def order_and_cancel(self) -> None:
        """Orders, and cancels at once or after the decision."""
        order_id = self.buy()
        if _CHANCE.random() < 0.5:
            self.follow(order_id)
        # The parcel may have left, or the order may have been rejected.
        too_late = frozenset({HTTPStatus.CONFLICT.value})
        self.call("POST", "/orders/{order_id}/cancel", f"/orders/{order_id}/cancel", also=too_late)

    @task(1)
    def look_back(self) -> None:
        """Looks at the customer's orders."""
        self.call("GET", "/orders")

    def buy(self) -> str:
        """The id of an order of a product that is always on sale."""
        is_declined = self.declines < _MOST_DECLINES and _CHANCE.random() * 100 < _DECLINED_OF_HUNDRED
        self.declines += is_declined
        return self.place(
            _CHANCE.choice(_PLAN.products), _CHANCE.choice((1, 2)), _DECLINED if is_declined else _APPROVED
        )

    def place(self, sku: str, quantity: int, payment_token: str) -> str:
        """The id of an order that the shop accepted."""
        body = {
            "lines": [{"sku": sku, "quantity": quantity}],
            "shipping_address": _PLAN.shipping_address,
            "payment_token": payment_token,
        }
        _HAPPENED.uncertain += 1
        placed = self.call("POST", "/orders", headers={"Idempotency-Key": str(uuid4())}, json=body)
        _HAPPENED.uncertain -= 1
        _HAPPENED.accepted.append(placed["order_id"])
        return str(placed["order_id"])

    def follow(self, order_id: str) -> None:
        """Looks at the order until it is decided, ever more rarely, and not for ever."""
        for pause in _FOLLOWED_SECONDS:
            gevent.sleep(pause)
            if self.call("GET", "/orders/{order_id}", f"/orders/{order_id}")["status"] not in _UNDECIDED:
                return


class Admin(_Caller):
    """The one admin, who looks after the shop."""

    fixed_count = 1
    signed_in_at = float("-inf")

    @task(2)
    def look_after_orders(self) -> None:
        """Looks for orders that need a hand."""
        self.be_signed_in()
        self.call("GET", "/orders/attention")

    @task(2)
    def look_at_stock(self) -> None:
        """Looks at the levels, and at one product's movements."""
        self.be_signed_in()
        self.call("GET", "/inventory", "/inventory?limit=20")
        self.call(
            "GET",
            "/inventory/{sku}/movements",
            f"/inventory/{_CHANCE.choice(_PLAN.products)}/movements?limit=20",
        )

    @task(1)
    def receive_a_delivery(self) -> None:
        """Receives ten pieces of a product while customers order it."""
        self.be_signed_in()
        self.call(
            "POST",
            "/inventory/{sku}/movements",
            f"/inventory/{_CHANCE.choice(_PLAN.products)}/movements",
            headers={"Idempotency-Key": str(uuid4())},
            json={"kind": "receipt", "quantity": 10, "reason": "delivery during the load"},
        )

    def be_signed_in(self) -> None:
        """Takes a new token before the last one ends."""
        if time.monotonic() - self.signed_in_at > _ADMIN_SIGNS_IN_AFTER:
            self.sign_in(_PLAN.admin, _PLAN.admins_client)
            self.signed_in_at = time.monotonic()

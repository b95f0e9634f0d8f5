"""Each secret of the stack is rotated while requests go on. None fails, and then the old value counts no more."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from secrets import token_urlsafe
from threading import Event
from uuid import uuid4

import requests

from tests.system.products import TEA
from tests.system.trouble import configured
from tools.ops.rotate import FINISH, SECRETS, rotate
from tools.shop.audit import Auditor
from tools.shop.client import Shop
from tools.stack import Stack
from tools.waiting import wait_for

KEY, WEBHOOK = "payment-provider", "payment-webhook"
SOON = "1"
_CALLERS, _RESULTS = 2, 2


class Traffic[Result]:
    """Requests that go on; `results` has what came of them."""

    def __init__(self, act: Callable[[], Result], pool: ThreadPoolExecutor) -> None:
        self.results: list[Result] = []
        self._ends = Event()
        self._callers = [pool.submit(self._repeat, act) for _ in range(_CALLERS)]

    def _repeat(self, act: Callable[[], Result]) -> None:
        while not self._ends.is_set():
            self.results.append(act())

    def goes_on(self) -> None:
        """Waits for results of requests that begin now; raises the exception of a caller that failed."""
        wanted = len(self.results) + _CALLERS + _RESULTS
        wait_for(
            lambda: len(self.results) >= wanted or any(caller.done() for caller in self._callers),
            f"{_RESULTS} more results",
            seconds=180,
        )
        for caller in self._callers:
            if caller.done():
                caller.result()

    def end(self) -> None:
        """Waits for the last results; raises the exception of a caller that failed."""
        self._ends.set()
        for caller in self._callers:
            caller.result()


@contextmanager
def traffic[Result](act: Callable[[], Result]) -> Iterator[Traffic[Result]]:
    """Two callers do `act` again and again until the end of the block."""
    with ThreadPoolExecutor(_CALLERS) as pool:
        started = Traffic(act, pool)
        try:
            yield started
        finally:
            started.end()


def stored(stack: Stack, name: str) -> str:
    """The text of the secret."""
    found = stack.client("secretsmanager").get_secret_value(SecretId=SECRETS[name].id_in(stack))
    return str(found["SecretString"])


def test_the_providers_key_is_rotated_while_customers_pay(stack: Stack, shop: Shop, auditor: Auditor) -> None:
    buyer = shop.sign_up("Payer Example")
    placed: list[str] = []

    def pay() -> str:
        order_id = shop.place(buyer, {TEA: 1}).json()["order_id"]
        placed.append(order_id)
        return str(shop.settled(buyer, order_id, seconds=120)["status"])

    old = stored(stack, KEY)
    # The sandbox soon refuses the old key, which the other functions keep for minutes.
    with configured(stack, "PaymentsSandboxApiFunction", SECRET_MAX_AGE_SECONDS=SOON):
        with traffic(pay) as paying:
            paying.goes_on()
            rotate(stack, KEY)
            paying.goes_on()
            rotate(stack, KEY, FINISH)
            paying.goes_on()
        assert set(paying.results) <= {"confirmed", "fulfilled"}
        assert len(placed) == len(paying.results)
        for order_id in placed:
            wait_for(
                lambda order_id=order_id: auditor.order(order_id).captured() > 0,  # type: ignore[misc]
                f"the capture of {order_id}",
                seconds=60,
            )

        assert stored(stack, KEY) != old
        assert answer_to(stack, stored(stack, KEY)) == 404
        wait_for(lambda: answer_to(stack, old) == 401, "the end of the old key", seconds=30)


def answer_to(stack: Stack, key: str) -> int:
    """The sandbox's status for a payment that is not there, asked with the key."""
    function = stack.client("lambda").get_function_configuration(
        FunctionName=stack.resource("PaymentsStepsFunction")
    )
    url = function["Environment"]["Variables"]["PAYMENT_PROVIDER_URL"]
    answer = requests.get(
        f"{url}/v1/payment_intents/pi_none", headers={"Authorization": f"Bearer {key}"}, timeout=30
    )
    return answer.status_code


def test_the_webhooks_secret_is_rotated_while_events_come(stack: Stack, shop: Shop) -> None:
    old, new = json.loads(stored(stack, WEBHOOK))["current"], f"whsec_{token_urlsafe(30)}"
    signs_with = [old]

    def posted(secrets: list[str]) -> int:
        """The status for an event that the shop ignores, signed with each of the secrets."""
        now, body = int(time.time()), ignored_event()
        signatures = [
            hmac.new(secret.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
            for secret in secrets
        ]
        header = ",".join([f"t={now}", *(f"v1={signature}" for signature in signatures)])
        return shop.request(
            "POST",
            "/payments/webhook",
            data=body,
            headers={"Content-Type": "application/json", "Stripe-Signature": header},
        ).status_code

    with traffic(lambda: posted(signs_with)) as posting:
        posting.goes_on()
        # The provider makes the new secret, and signs with both for some hours.
        signs_with = [new, old]
        posting.goes_on()
        rotate(stack, WEBHOOK, new=new)
        known_from = time.monotonic() + 1
        wait_for(lambda: time.monotonic() > known_from, "the next reading after a refusal", seconds=5)
        assert [posted([old]), posted([new]), posted([token_urlsafe(30)])] == [200, 200, 400]
        signs_with = [new]
        posting.goes_on()
        with configured(stack, "PaymentsWebhookFunction", SECRET_MAX_AGE_SECONDS=SOON):
            posting.goes_on()
            assert posted([old]) == 200
            rotate(stack, WEBHOOK, FINISH)
            wait_for(lambda: posted([old]) == 400, "the end of the old secret", seconds=30)
            posting.goes_on()
    assert set(posting.results) == {200}
    assert posted([new]) == 200


def ignored_event() -> str:
    """An event of a type that the shop does not read."""
    about = {"id": f"pm_{uuid4().hex}", "object": "payment_method"}
    event = {"type": "payment_method.attached", "created": int(time.time()), "data": {"object": about}}
    return json.dumps({"id": f"evt_{uuid4().hex}", **event})

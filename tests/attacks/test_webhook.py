"""The provider's webhook: reports that the provider did not sign, signed long ago, or signed for another body."""

import hashlib
import hmac
import json
import time
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.attacks.attempts import Attempts
from tests.attacks.requests_of_routes import Requests
from tests.system.products import TEA
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack

# The provider and we accept five minutes.
_TOO_OLD = 360


@pytest.fixture(scope="module")
def secret(stack: Stack) -> str:
    """The provider's secret, with which this test makes the reports that an attacker has captured."""
    stored = stack.client("secretsmanager").get_secret_value(SecretId=stack.resource("PaymentWebhookSecret"))
    return str(json.loads(stored["SecretString"])["current"])


@pytest.fixture(scope="module")
def order_id(shop: Shop, victim: Customer) -> str:
    """An order whose payment the attacker reports on, and which goes on by itself no more."""
    answer = shop.place(victim, {TEA: 1})
    answer.raise_for_status()
    order = shop.become(victim, answer.json()["order_id"], "fulfilled", seconds=120)
    return str(order["order_id"])


def report(order_id: str, kind: str = "payment_intent.canceled", **changes: Any) -> bytes:
    about = {"id": "pi_attack", "object": "payment_intent", "metadata": {"order_id": order_id}, **changes}
    event = {"id": f"evt_{uuid4().hex}", "type": kind, "created": int(time.time()), "data": {"object": about}}
    return json.dumps(event).encode()


def signature(body: bytes, key: str, at: float | None = None, scheme: str = "v1") -> str:
    moment = int(time.time() if at is None else at)
    digest = hmac.new(key.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},{scheme}={digest}"


def post(shop: Shop, body: bytes, signed: str | None) -> requests.Response:
    headers = {"Content-Type": "application/json"} | ({} if signed is None else {"Stripe-Signature": signed})
    return shop.request("POST", "/payments/webhook", headers=headers, data=body)


def test_only_the_provider_is_heard(
    attempts: Attempts, stack: Stack, shop: Shop, order_id: str, secret: str, attacker: Customer
) -> None:
    before = _money(stack, order_id)
    body, now = report(order_id), time.time()
    right = signature(body, secret)
    moment, _, digest = right.partition(",v1=")
    forged: dict[str, str | None] = {
        "no signature": None,
        "an empty signature": "",
        "a word": "signature",
        "no moment": f"v1={digest}",
        "no digest": moment,
        "an empty digest": f"{moment},v1=",
        "another secret": signature(body, "whsec_attacker"),
        "an empty secret": signature(body, ""),
        "another scheme": signature(body, secret, scheme="v0"),
        "another body": signature(report(order_id), secret),
        "another moment": f"t={int(now) + 1},v1={digest}",
        "two moments": f"{moment},t={int(now) + 60},v1={digest}",
        "a truncated digest": right[:-1],
        "a digest in capitals": f"{moment},v1={digest.upper()}",
        "a digest without its scheme": f"{moment},{digest}",
        "many wrong digests": f"{moment}," + ",".join(f"v1={number:064x}" for number in range(50)),
        "captured long ago": signature(body, secret, at=now - _TOO_OLD),
        "from the future": signature(body, secret, at=now + _TOO_OLD),
        "a negative moment": signature(body, secret, at=-1),
        "a moment of many digits": f"t={'9' * 40},v1={digest}",
        "a moment in other digits": "t=\uff11\uff12,v1=".encode().decode("latin-1") + digest,
        "a customer's token": f"{moment},v1={attacker.token}",
    }
    for name in attempts.some(forged, short=10):
        attempts.refused(f"a report with {name}", post(shop, body, forged[name]), 400)
    for changed in (body + b" ", body.replace(b"canceled", b"succeeded"), b"", body[:-1], body.upper()):
        attempts.refused("a changed report under its signature", post(shop, changed, right), 400)
    attempts.check("a report changed the order's money", held=_money(stack, order_id) == before)


def test_a_captured_report_counts_once(
    attempts: Attempts, stack: Stack, shop: Shop, order_id: str, secret: str
) -> None:
    body = report(order_id, kind="payment_intent.amount_capturable_updated")
    signed = signature(body, secret)
    post(shop, body, signed).raise_for_status()
    before = _money(stack, order_id)
    for _ in range(5):
        post(shop, body, signed)
        attempts.check("a replayed report", held=_money(stack, order_id) == before)


def test_a_signed_report_about_others_changes_no_money(
    attempts: Attempts, stack: Stack, shop: Shop, order_id: str, secret: str
) -> None:
    """As from an account of the provider that several shops share."""
    before = _money(stack, order_id)
    bodies = {
        "an unknown intent of a known order": report(order_id, id="pi_of_another_shop"),
        "an unknown order": report(f"ord_{uuid4().hex}"),
        "an order of another form": report("../../etc/passwd"),
        "no order": report("", metadata={}),
        "no object": json.dumps({"id": "evt_1", "type": "charge.refunded", "created": 1}).encode(),
        "an unknown type": report(order_id, kind="account.updated"),
        "a payment that succeeded": report(order_id, kind="payment_intent.succeeded", amount_received=1),
        "a refund": report(order_id, kind="charge.refunded", amount_refunded=10**6),
        "no object of JSON": b"[]",
        "a number for an id": report(order_id, id=7),
    }
    for name in attempts.some(bodies, short=4):
        answer = post(shop, bodies[name], signature(bodies[name], secret))
        attempts.check(f"a report about {name}", held=answer.status_code < 500, seen=answer.text)
    attempts.check("a report changed the order's money", held=_money(stack, order_id) == before)


def test_a_signature_opens_no_other_route(
    attempts: Attempts, shop: Shop, of_victim: Requests, secret: str
) -> None:
    body = b"{}"
    for path in ("/orders", "/users/me", "/users", "/jobs"):
        headers = {"Stripe-Signature": signature(body, secret), "Content-Type": "application/json"}
        attempts.refused(
            path, shop.request("POST", path, headers=headers, data=body), 401, 403, 422, 404, 405
        )


def _money(stack: Stack, order_id: str) -> list[Any]:
    """What the shop and the provider hold to be true of the order's money, as far as it is decided."""
    records = Auditor(stack).order(order_id)
    payment = dict(records.payment or {})
    # A confirmed order goes on to its capture by itself.
    for name in ("version", "status", "outbox", "updated_at", "history", "captured_at", "event_ids"):
        payment.pop(name, None)
    return [
        payment,
        records.order["breakdown"]["total"],
        records.order["status"] in {"cancelled", "rejected"},
    ]

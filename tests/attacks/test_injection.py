"""Texts that mean something to a database, shell, template, mail, log or parser, in every place of a request."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import requests

from shared.clock import utc_now
from tests.attacks.attempts import Attempts
from tests.attacks.requests_of_routes import Requests, changed, parameters, texts_in
from tests.routes import Route, routes
from tests.system.jobs import Jobs
from tests.system.orders import order_body
from tests.system.products import TEA
from tools.log_search import entries
from tools.shop.client import Customer, Shop, address
from tools.stack import Stack
from tools.waiting import wait_for

TEXTS = {
    "a condition of DynamoDB": "x) OR attribute_exists(pk) OR contains(pk, :x",
    "an operator of Mongo": '{"$ne": null}',
    "a PartiQL statement": '\'; DELETE FROM "orders" --',
    "SQL": "' OR '1'='1' --",
    "a shell's command": "$(sleep 9); `sleep 9` | sleep 9",
    "a format string": "{0.__class__.__mro__} %s%n%x ${7*7} {{7*7}} #{7*7} <%= 7*7 %>",
    "a lookup of Log4j": "${jndi:ldap://127.0.0.1:9/x}",
    "a script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "an entity of XML": "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>",
    "a path": "../../../../etc/passwd",
    "an address of the machine": "http://169.254.169.254/latest/meta-data/iam/",
    "a new header": "x\r\nSet-Cookie: attack=1\r\n\r\n<html>",
    "a new line of a log": 'x\n{"level": "INFO", "message": "forged"}',
    "a null": "x\x00y",
    "a formula": '=HYPERLINK("http://127.0.0.1:9")',
    "a full-width formula": "\uff1dcmd|' /C calc'!A0",
    "a reversal of the text": "\u202egnp.exe\u2066",
    "a lookalike": "\u0430dmin",
    "a lone surrogate": "\ud800",
    "an unpaired mark": "\u0301" * 40,
    "a huge text": "A" * 20_000,
    "an emoji family": "👩‍👩‍👧‍👦" * 30,
    "an escape of a terminal": "\x1b[2J\x1b]0;attack\x07",
    "a regular expression's worst": "a" * 40 + "!" + " " * 200,
}
_COLUMNS = ("sku", "name", "description", "category", "price_amount", "price_currency", "active")
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")

TAKING_TEXTS = [
    route
    for route in routes()
    if "requestBody" in route.operation
    and any(texts_in(route.operation["requestBody"]["content"]["application/json"]["example"]))
]


def _sent_in_urls(text: str) -> bool:
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def _caller(route: Route, attacker: Customer, admin: Customer) -> str | None:
    return {"admin": admin.token, "anyone": None}.get(route.access, attacker.token)


@pytest.mark.parametrize(
    "route", [route for route in routes() if parameters(route, "path", "query")], ids=str
)
def test_a_parameter_is_a_text_and_nothing_else(
    attempts: Attempts, shop: Shop, attacker: Customer, admin: Customer, of_victim: Requests, route: Route
) -> None:
    cases = [
        (parameter["in"], parameter["name"], name)
        for parameter in parameters(route, "path", "query")
        for name, text in TEXTS.items()
        if _sent_in_urls(text)
    ]
    for place, parameter, name in attempts.some(cases, short=2):
        text = TEXTS[name]
        if place == "query":
            answer = of_victim.send(route, _caller(route, attacker, admin), params={parameter: text})
        else:
            quoted = requests.utils.quote(text, safe="")  # type: ignore[attr-defined]
            path = Requests(shop, {"sku": TEA, parameter: quoted}).path(route)
            answer = of_victim.send(route, _caller(route, attacker, admin), path=path)
        _check(attempts, f"{name} as {parameter} of {route}", answer)


@pytest.mark.parametrize("route", TAKING_TEXTS, ids=str)
def test_a_text_in_a_body_is_a_text_and_nothing_else(
    attempts: Attempts, shop: Shop, attacker: Customer, admin: Customer, route: Route
) -> None:
    sender = Requests(shop, {"sku": TEA, "user_id": attacker.user_id})
    cases = [(place, name) for place in texts_in(sender.body(route)) for name in TEXTS]
    for place, name in attempts.some(cases, short=3):
        body = _without_effect(route, changed(sender.body(route), place, TEXTS[name]))
        data = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        answer = sender.send(route, _caller(route, attacker, admin), data=data, headers=headers)
        _check(attempts, f"{name} as {'/'.join(map(str, place))} of {route}", answer)


def _without_effect(route: Route, body: dict[str, Any]) -> dict[str, Any]:
    """The body, so that the route reads all of it and then refuses it: jobs and orders run for long, accounts stay."""
    match str(route):
        case "POST /orders":
            return body | {"lines": [*body["lines"], {"sku": "TEST-NOT-SOLD", "quantity": 1}]}
        case "POST /jobs" | "POST /users":
            return body | {"unnamed": True}
    return body


def test_a_name_is_kept_as_it_was_written_or_refused(
    attempts: Attempts, shop: Shop, attacker: Customer
) -> None:
    for name in attempts.some(TEXTS, short=6):
        data = json.dumps({"name": TEXTS[name], "locale": "en"}).encode()
        headers = {"Content-Type": "application/json"}
        answer = shop.request("PUT", "/users/me", token=attacker.token, headers=headers, data=data)
        if answer.status_code != 200:
            attempts.refused(f"{name} as a name", answer, 422)
            continue
        for path in ("/users/me", "/users/me/export"):
            said = shop.request("GET", path, token=attacker.token).json()
            kept = said.get("profile", said)["name"]
            attempts.check(f"{name} as a name at {path}", held=kept == TEXTS[name].strip(), seen=kept)


@pytest.mark.parametrize(
    "name", ["Idempotency-Key", "If-Match", "If-None-Match", "X-Correlation-Id", "Accept-Language"]
)
def test_a_header_is_a_text_and_nothing_else(
    attempts: Attempts, of_victim: Requests, shop: Shop, attacker: Customer, name: str
) -> None:
    # Nobody can send the others as a header: a client refuses to, or the connection ends.
    texts = {which: text for which, text in TEXTS.items() if text.isascii() and text.isprintable()}
    for which in attempts.some(texts, short=2):
        headers = {name: texts[which][:4000]}
        for route in routes("signed-in", "customer"):
            if route.method == "DELETE":
                continue
            answer = of_victim.send(route, attacker.token, headers=headers, json=None)
            _check(attempts, f"{which} as {name} of {route}", answer)
            held = name != "X-Correlation-Id" or answer.headers.get(name) != texts[which]
            attempts.check(f"{which} is a correlation id", held=held, seen=answer.headers)


def _bodies() -> Iterator[tuple[str, bytes]]:
    good = json.dumps(order_body())
    for name, number in {
        "NaN": "NaN",
        "an infinity": "Infinity",
        "a negative infinity": "-Infinity",
        "too large a number": "1e999",
        "a number of many digits": "9" * 5000,
        "a fraction": "1.5",
        "a negative number": "-5",
        "nothing": "0",
        "a number as text": '"1"',
        "a number as true": "true",
        "a number with an exponent": "1E400",
    }.items():
        yield f"a quantity that is {name}", good.replace('"quantity": 1', f'"quantity": {number}').encode()
    yield "a quantity twice", good.replace('"quantity": 1', '"quantity": 1, "quantity": -5').encode()
    yield "deep lists", b"[" * 30_000
    yield "deep objects", b'{"a":' * 10_000
    yield "deep closed lists", b"[" * 10_000 + b"]" * 10_000
    yield "deep lists in a field", f'{{"lines": {"[" * 900}{"]" * 900}}}'.encode()
    yield "a byte order mark", "\ufeff".encode() + good.encode()
    yield "UTF-16", good.encode("utf-16")
    yield "broken UTF-8", good.replace("Ada", "\udcff").encode("utf-8", "surrogateescape")
    yield "a lone surrogate", good.replace("Ada", "\\ud800").encode()
    yield "more than one document", f"{good}{good}".encode()
    yield "a comment", f"/* x */{good}".encode()
    yield "a list of one", f"[{good}]".encode()
    yield "a text", json.dumps(good).encode()
    yield "too much", good.encode() + b" " * 70_000
    yield "50,000 keys", json.dumps({f"k{number}": 0 for number in range(5000)}).encode()
    yield "a thousand lines", json.dumps(order_body(lines=[{"sku": TEA, "quantity": 1}] * 1000)).encode()


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", "application/xml"]
)
def test_no_broken_body_makes_an_order(
    attempts: Attempts, shop: Shop, attacker: Customer, content_type: str
) -> None:
    before = _orders_of(shop, attacker)
    cases = dict(_bodies())
    for name in attempts.some(cases, short=6):
        headers = {"Content-Type": content_type, "Idempotency-Key": str(uuid4())}
        answer = shop.request("POST", "/orders", token=attacker.token, headers=headers, data=cases[name])
        attempts.refused(f"{name} as {content_type}", answer)
    attempts.check("a broken body made an order", held=_orders_of(shop, attacker) == before)


def test_nothing_that_a_customer_writes_forges_a_line_of_the_log(
    attempts: Attempts, stack: Stack, shop: Shop, attacker: Customer, marker: str
) -> None:
    began = utc_now() - timedelta(seconds=5)
    line = f'{marker}\n{{"level": "INFO", "message": "forged by {marker}"}}'
    for text in (
        line,
        f"{marker}\r\nforged",
        f"{marker}\u2028forged",
        f"{marker}\x1b[2K",
        f"{marker} %s {{0}}",
    ):
        shop.request("PUT", "/users/me", token=attacker.token, json={"name": text, "locale": text})
        shop.request("GET", f"/orders/{requests.utils.quote(text, safe='')}", token=attacker.token)  # type: ignore[attr-defined]
        shop.request("POST", "/orders", token=attacker.token, json=order_body(payment_token=text))
        shop.request("GET", "/orders", token=attacker.token, params={"cursor": text, "status": text})
    named = {"X-Correlation-Id": f"{marker}@example.com"}
    # The API logs each request that writes.
    last = shop.request("POST", "/orders", token=attacker.token, headers=named, json={})
    own = last.headers["X-Correlation-Id"]
    attempts.check("an address as correlation id", held=marker not in own, seen=own)
    wait_for(lambda: entries(stack, stack.functions, own, since=began), "the log of the requests", seconds=60)
    for entry in entries(stack, stack.functions, marker, since=began):
        held = _is_one_object(entry.message) and "forged by" not in json.loads(entry.message).get(
            "message", ""
        )
        attempts.check("a line of the log", held=held, seen=entry.message)
    attempts.check("the requests are in the log", held=True)


@pytest.mark.long
def test_a_mail_shows_what_a_customer_writes_as_text(attempts: Attempts, stack: Stack, shop: Shop) -> None:
    if not stack.shows_mails:
        pytest.skip("on AWS nobody can read the mails that SES sent")
    script = "<script>alert(1)</script><a href='http://127.0.0.1:9'>x</a>"
    person = shop.sign_up("Mail Example")
    profile = shop.request("PUT", "/users/me", token=person.token, json={"name": script, "locale": "en"})
    profile.raise_for_status()
    body = order_body(shipping_address=address() | {"name": script, "line1": "$name ${total} {{x}} %s"})
    order_id = shop.request(
        "POST", "/orders", token=person.token, json=body, headers={"Idempotency-Key": str(uuid4())}
    ).json()["order_id"]
    mails = wait_for(
        lambda: [mail for mail in stack.sent_mails() if order_id in mail["BodyText"]], "the mail", seconds=90
    )
    for mail in mails:
        everything = json.dumps(mail)
        attempts.check(
            "a script in a mail", held="<script>alert" not in mail["BodyHtml"], seen=mail["BodyHtml"]
        )
        attempts.check("a link in a mail", held="<a href='http://127" not in mail["BodyHtml"])
        attempts.check("a header in a mail", held="\n" not in mail["Subject"], seen=mail["Subject"])
        attempts.check(
            "a name in a mail", held=script.partition("(")[0] not in mail["Subject"], seen=everything
        )


@pytest.mark.long
def test_no_cell_of_a_spreadsheet_is_a_formula(
    attempts: Attempts, shop: Shop, admin: Customer, marker: str
) -> None:
    jobs = Jobs(shop, admin)
    formulas = (
        "=1+1",
        "+1",
        "-1+1",
        "@SUM(A1)",
        "\uff1d1",
        "\t=1",
        " =1",
        '=HYPERLINK("http://127.0.0.1:9")',
    )
    rows = [{"sku": formula, "name": f"{formula}{marker}"} for formula in formulas]
    asked = jobs.ask({"kind": "product_import", "upload": jobs.upload(_csv(rows)), "on_error": "apply_good"})
    asked.raise_for_status()
    ended = jobs.ended(asked.json()["job_id"])
    text = requests.get(ended["result"]["url"], timeout=60).content.decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    attempts.check("the file has a line for each formula", held=len(cells) > 4 * len(formulas), seen=text)
    for cell in cells:
        attempts.check("a cell of a spreadsheet", held=not _FORMULA.match(cell), seen=cell)


def _csv(rows: list[dict[str, str]]) -> str:
    written = io.StringIO()
    table = csv.DictWriter(written, _COLUMNS)
    table.writeheader()
    table.writerows(rows)
    return written.getvalue()


def _check(attempts: Attempts, attack: str, answer: requests.Response) -> None:
    """The shop refuses the text or keeps it as one, in JSON. It evaluates nothing and sets no header."""
    evaluated = [sign for sign in ("root:x:", "<class '", "ami-id", "AccessKeyId") if sign in answer.text]
    is_json = answer.headers.get("Content-Type", "application/json").split(";")[0].endswith("json")
    has_header = "Set-Cookie" in answer.headers
    attempts.check(
        attack,
        held=answer.status_code < 500 and is_json and not evaluated and not has_header,
        seen=f"{answer.status_code} {answer.headers} {answer.text}",
    )


def _orders_of(shop: Shop, person: Customer) -> list[Any]:
    orders = shop.request("GET", "/orders", token=person.token).json()["orders"]
    return sorted(order["order_id"] for order in orders)


def _is_one_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False

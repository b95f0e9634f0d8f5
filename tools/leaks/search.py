"""The search for leaks: personal data and secrets that stand where the data map does not allow them.

It knows made-up data by their canaries, and accounts by their ids. Mail addresses, tokens, links and payment tokens
have forms of their own. A finding never shows the value itself, because it goes to logs.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from shared.record import Personal
from tools.data_map.places import is_allowed, places
from tools.leaks.sources import Piece
from tools.shop.canaries import PATTERN as CANARY
from tools.shop.canaries import kind_of

SIGNED_TOKEN, SIGNED_LINK = "signed token", "signed link"

_FORMS = {
    "canary": CANARY,
    # A header and claims in base64 are JSON, so both begin so: RFC 7519.
    SIGNED_TOKEN: r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}",
    SIGNED_LINK: r"X-Amz-Signature=\w{8,}",
    Personal.PAYMENT_TOKEN.value: r"\bpm_(?:card|sandbox)_\w+",
}
_VALUES = re.compile("|".join(_FORMS.values()))
_ADDRESS = re.compile(r"[\w.+-]+(?:@|%40)(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,}")
# SES makes the ids of messages in the form of addresses.
_OF_NOBODY = ("@email.amazonses.com", "%40email.amazonses.com")
# The shop itself is the sender.
_OF_THE_SHOP = {("mails", "Source")}
_CANARIES = re.compile(CANARY)
_KNOWS_NAMES = {"UsersTable", "NotificationsTable"}
_WITH_PEOPLE = _KNOWS_NAMES | {"OrdersTable", "ShippingTable"}
_MADE_UP = {Personal.NAME, Personal.MAIL_ADDRESS, Personal.POSTAL_ADDRESS}
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, order=True)
class Finding:
    """A value in a place where it may not be. `origin` is the test that made it up, or empty."""

    store: str
    path: str
    kind: str
    digest: str
    origin: str

    def __str__(self) -> str:
        made = f", made up by {self.origin}" if self.origin else ""
        return f"{self.kind} in {self.store}, at {self.path or 'the top'} ({self.digest}{made})"


def findings(
    pieces: Iterable[Piece],
    accounts: frozenset[str],
    *,
    origins: Mapping[str, str] | None = None,
    closed: bool = False,
) -> set[Finding]:
    """What the pieces hold and may not hold. With `closed`, all accounts are closed, and their data are erased.

    `accounts` are the ids of known accounts, `origins` the test that made up each canary.
    """
    return {
        Finding(piece.store, place, kind, _digest(value), (origins or {}).get(value, ""))
        for piece in pieces
        for value, kind, place in _out_of_place(piece, accounts, closed=closed)
    }


def _out_of_place(piece: Piece, accounts: frozenset[str], *, closed: bool) -> Iterator[tuple[str, str, str]]:
    """The values that may not be in a piece, each with its kind and its place there."""
    unplaced = dict(_values_in(piece.text, accounts))
    if not unplaced:
        return
    for event_type, path, text in leaves(piece.parsed()):
        for value, kind in _values_in(text, accounts):
            unplaced.pop(value, None)
            if (piece.store, path) in _OF_THE_SHOP:
                continue
            # Only of accounts that the tests made it is known that they are closed.
            is_closed = closed and (kind != Personal.MAIL_ADDRESS.value or "@" not in value)
            if not is_allowed(piece.store, path, kind, event_type=event_type, closed=is_closed):
                yield value, kind, f"{event_type} {path}".strip()
    yield from ((value, kind, "an unknown place") for value, kind in unplaced.items())


def _values_in(text: str, accounts: frozenset[str]) -> Iterator[tuple[str, str]]:
    """The values in a text, each with its kind."""
    for match in _VALUES.finditer(text):
        yield match[0], _kind_of(match[0])
    for value in _ADDRESS.findall(text):
        # An address with a canary is found by that.
        if not _CANARIES.search(value) and not value.endswith(_OF_NOBODY):
            yield value, Personal.MAIL_ADDRESS.value
    for value in _ID.findall(text):
        if value in accounts:
            yield value, Personal.ACCOUNT_ID.value


def _kind_of(value: str) -> str:
    name = next(name for name, form in _FORMS.items() if re.fullmatch(form, value))
    return kind_of(value) if name == "canary" else name


def leaves(value: Any, path: str = "", event_type: str = "") -> Iterator[tuple[str, str, str]]:
    """The texts in a value, keys included, each with its path and the type of the event that it is in.

    A text that is JSON is read as such. An event begins a path of its own, wherever it is.
    """
    if isinstance(value, str) and value[:1] in {"{", "["}:
        try:
            value = json.loads(value)
        except ValueError:
            yield event_type, path, value
            return
    if isinstance(value, dict):
        if {"event_type", "data"} <= value.keys():
            path, event_type = "", str(value["event_type"])
        for name, entry in value.items():
            inner = f"{path}.{name}" if path else str(name)
            yield event_type, f"{path} (a name)".strip(), str(name)
            yield from leaves(entry, inner, event_type)
    elif isinstance(value, list | tuple | set | frozenset):
        for entry in value:
            yield from leaves(entry, f"{path}.[]" if path else "[]", event_type)
    elif value is not None:
        yield event_type, path, str(value)


def unsearchable(pieces: Iterable[Piece], label: str) -> set[str]:
    """The places with a made-up person's data that have no canary, so that this search could not find a copy.

    `label` is in the mail address of each made-up person; it tells their items in a table from those of others.
    """
    held = [piece for piece in pieces if piece.store in _WITH_PEOPLE]
    ours = {str(piece.parsed()["pk"]) for piece in held if label in piece.text}
    found = set()
    for piece in held:
        if label not in piece.text and str(piece.parsed().get("customer_id")) not in ours:
            continue
        for event_type, path, text in leaves(piece.parsed()):
            kinds = {place.kind for place in places() if (place.store, place.path) == (piece.store, path)}
            if not event_type and text and kinds & _MADE_UP and not _CANARIES.search(text):
                found.add(f"{piece.store}: {path}")
    return found


def overdue(pieces: Iterable[Piece]) -> set[Finding]:
    """The payment tokens of decided orders: each should have forgotten its own."""
    orders = [piece.parsed() for piece in pieces if piece.store == "OrdersTable"]
    return {
        Finding(
            "OrdersTable",
            "payment_token of a decided order",
            Personal.PAYMENT_TOKEN.value,
            _digest(token),
            "",
        )
        for order in orders
        if (token := str(order.get("payment_token") or "")) and order["status"] != "placed"
    }


def misdirected(pieces: Iterable[Piece]) -> set[Finding]:
    """The mails with the name of another customer than their reader, as far as the tables still know both."""
    held = list(pieces)
    readers: dict[str, set[str]] = {}
    for piece in held:
        if piece.store in _KNOWS_NAMES:
            item = piece.parsed()
            for name in _CANARIES.findall(str(item.get("name"))):
                readers.setdefault(name, set()).update(_CANARIES.findall(str(item.get("email"))))
    addresses = {address for known in readers.values() for address in known}
    found = set()
    for piece in held:
        if piece.store == "mails":
            mail = piece.parsed()
            to = set(_CANARIES.findall(str(mail["To"])))
            known = to & addresses
            for name in set(_CANARIES.findall(f"{mail['Subject']} {mail['BodyText']} {mail['BodyHtml']}")):
                if known and not known & readers.get(name, known):
                    found.add(Finding("mails", "Body", "name of another", _digest(name), ""))
    return found


def _digest(value: str) -> str:
    return sha256(value.encode()).hexdigest()[:8]

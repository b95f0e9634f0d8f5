"""Uploads that are more than a picture, no picture, or too much of one; and links to what comes of them."""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
import requests
from PIL import Image

from image_processor.domain.picture import Refusal
from tests.attacks.attempts import Attempts
from tests.pictures.corpus import DESCRIPTION, exif, quadrants, saved
from tests.pictures.defects import bad
from tests.pictures.png import chunk
from tests.system.links import location, target
from tools.shop.client import Customer, Shop
from tools.stack import Stack
from tools.waiting import wait_for

# Nothing that a browser, an interpreter or a reader of archives acts on may survive in what the shop shows.
_PAYLOAD = b"<script>alert('attack')</script><?php system($_GET[0]); ?>"
_AT_ONCE = 4


def _zip() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr("attack.html", _PAYLOAD)
    return written.getvalue()


def polyglots() -> dict[str, bytes]:
    """Files that are a whole picture, and something else besides."""
    picture = quadrants(size=(120, 80))
    jpeg, png, webp = (saved(picture, kind) for kind in ("JPEG", "PNG", "WEBP"))
    comment = b"\xff\xfe" + (len(_PAYLOAD) + 2).to_bytes(2, "big") + _PAYLOAD
    described = exif()
    described[DESCRIPTION] = _PAYLOAD.decode()
    return {
        "a JPEG and HTML": jpeg + _PAYLOAD,
        "a JPEG and an archive": jpeg + _zip(),
        "a JPEG with HTML as its comment": jpeg[:2] + comment + jpeg[2:],
        "a JPEG with HTML in its metadata": saved(picture, "JPEG", exif=described),
        "a PNG and HTML": png + _PAYLOAD,
        "a PNG and an archive": png + _zip(),
        "a PNG with HTML as a text": png[:33] + chunk(b"tEXt", b"Comment\0" + _PAYLOAD) + png[33:],
        "a PNG with HTML as its profile's name": png[:33]
        + chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _PAYLOAD)
        + png[33:],
        "a WebP and HTML": webp + _PAYLOAD,
        "a WebP and a program": webp + b"\x7fELF" + _PAYLOAD,
    }


def impostors() -> dict[str, bytes]:
    """Files that are something else, and begin like a picture or not."""
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/><script>alert(1)</script></svg>'
    return {
        "an SVG": svg,
        "an SVG with an entity": b"<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + svg,
        "HTML": b"<!doctype html>" + _PAYLOAD,
        "HTML behind a JPEG's first bytes": b"\xff\xd8\xff\xe0" + _PAYLOAD * 20,
        "a script behind a GIF's first bytes": b"GIF89a/*" + _PAYLOAD + b"*/=1;alert(1)",
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file\n",
        "a script of ImageMagick": b"push graphic-context\nfill 'url(https://127.0.0.1:9/|ls)'\npop graphic-context",
        "an archive": _zip(),
        "a PDF": b"%PDF-1.7\n" + _PAYLOAD,
        "a pickle": b"cos\nsystem\n(S'id'\ntR.",
    }


_BOMBS = {case.name: case for case in bad() if case.reason in {Refusal.TOO_MANY_PIXELS, Refusal.TOO_COMPLEX}}


def new_product(shop: Shop, admin: Customer) -> str:
    """The path of a new product, which shows no picture yet."""
    body = {
        "sku": f"TEST-{uuid4().hex[:12].upper()}",
        "name": "Test tea",
        "description": "",
        "category": "pantry",
        "price": {"amount": 790, "currency": "EUR"},
    }
    shop.request("POST", "/products", token=admin.token, json=body).raise_for_status()
    return f"/products/{body['sku']}"


def form(shop: Shop, admin: Customer, product: str) -> tuple[dict[str, Any], str]:
    """A form for an upload, and where its outcome shows."""
    prepared = shop.request(
        "POST", f"{product}/picture-uploads", token=admin.token, json={"content_type": "image/jpeg"}
    )
    prepared.raise_for_status()
    return dict(prepared.json()), location(prepared)


def outcomes(shop: Shop, admin: Customer, files: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """What becomes of uploads, by their names. Each has a `product` of its own, since a product shows few pictures."""

    def upload(content: bytes) -> dict[str, Any]:
        product = new_product(shop, admin)
        prepared, link = form(shop, admin, product)
        sent = requests.post(
            prepared["url"], data=prepared["fields"], files={"file": ("x.jpg", content)}, timeout=60
        )
        assert sent.status_code == 204, sent.text

        def outcome() -> dict[str, Any] | None:
            answer = dict(shop.request("GET", link, token=admin.token).json())
            return answer | {"product": product} if answer["status"] != "awaited" else None

        return wait_for(outcome, "the outcome of an upload", seconds=180)

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return dict(zip(files, threads.map(upload, files.values()), strict=True))


@pytest.mark.long
def test_a_picture_that_is_something_else_as_well_shows_the_picture_alone(
    attempts: Attempts, shop: Shop, admin: Customer
) -> None:
    for name, outcome in outcomes(shop, admin, polyglots()).items():
        if outcome["status"] == "refused":
            attempts.check(name, held=True)
            continue
        for rendition in _renditions(shop, outcome):
            served = requests.get(rendition, timeout=60)
            kind = served.headers["Content-Type"]
            attempts.check(f"{name} is served as {kind}", held=kind in {"image/jpeg", "image/webp"})
            remains = [
                text for text in (b"<script", b"<?php", b"PK\x03\x04", b"\x7fELF") if text in served.content
            ]
            attempts.check(f"{name} keeps its payload", held=not remains, seen=remains)
            with Image.open(BytesIO(served.content)) as opened:
                attempts.check(f"{name} keeps its metadata", held=not opened.getexif(), seen=opened.info)


@pytest.mark.long
def test_what_is_no_picture_is_refused(attempts: Attempts, shop: Shop, admin: Customer) -> None:
    for name, outcome in outcomes(shop, admin, impostors()).items():
        attempts.check(f"{name} as a picture", held=outcome["status"] == "refused", seen=outcome)


@pytest.mark.long
def test_a_bomb_is_refused_for_what_it_is(attempts: Attempts, shop: Shop, admin: Customer) -> None:
    # Decoding each would cost a function's memory; refused for another reason, it was decoded.
    found = outcomes(shop, admin, {name: bomb.content for name, bomb in _BOMBS.items()})
    for name, outcome in found.items():
        held = outcome["status"] == "refused" and outcome["reason"] == _BOMBS[name].reason.value
        attempts.check(f"the bomb {name}", held=held, seen=outcome)


def test_a_form_takes_what_it_was_signed_for(
    attempts: Attempts, stack: Stack, shop: Shop, admin: Customer
) -> None:
    product, content = new_product(shop, admin), saved(quadrants(size=(20, 20)), "JPEG")
    prepared, _ = form(shop, admin, product)
    fields = prepared["fields"]
    changes: dict[str, tuple[dict[str, str], bytes]] = {
        "another key": ({"key": "renditions/attack.jpg"}, content),
        "another product": ({"key": fields["key"].replace("TEST-", "TEA-")}, content),
        "another type": ({"Content-Type": "text/html"}, content),
        "another form of access": ({"acl": "public-read"}, content),
        "another policy": ({"policy": "e30="}, content),
        "another signature": ({"x-amz-signature": "0" * 64}, content),
        "a redirection": ({"success_action_redirect": "http://127.0.0.1:9/"}, content),
        "more than 10 MiB": ({}, content + bytes(10 * 1024 * 1024 + 1)),
    }
    for name, (change, file) in changes.items():
        sent = requests.post(
            prepared["url"],
            data=fields | change,
            files={"file": ("x.jpg", file)},
            timeout=60,
            allow_redirects=False,
        )
        attempts.refused(f"a form with {name}", sent)


@pytest.mark.long
def test_a_link_opens_what_it_was_signed_for(attempts: Attempts, shop: Shop, admin: Customer) -> None:
    files = {"a picture": saved(quadrants(size=(200, 100)), "JPEG")}
    [outcome] = outcomes(shop, admin, files).values()
    link = next(iter(_renditions(shop, outcome)))
    parts = urlsplit(link)
    other_key = parts._replace(path=parts.path.rpartition("/")[0] + "/attack.webp")
    changed = {
        "no signature": parts._replace(query=""),
        "another key": other_key,
        "the bucket": parts._replace(path=parts.path.split("/renditions/")[0] + "/"),
        "a longer life": parts._replace(query=parts.query.replace("X-Amz-Expires=", "X-Amz-Expires=9")),
        "another moment": parts._replace(query=parts.query.replace("X-Amz-Date=2", "X-Amz-Date=3")),
        "another signature": parts._replace(query=parts.query[:-8] + "00000000"),
    }
    for name, url in changed.items():
        attempts.refused(f"a link with {name}", requests.get(urlunsplit(url), timeout=60), 400, 403)
    for method in ("PUT", "DELETE", "POST"):
        attempts.refused(f"{method} by a link", requests.request(method, link, data=b"x", timeout=60))


def _renditions(shop: Shop, outcome: dict[str, Any]) -> list[str]:
    """The addresses of an accepted picture's files, as a browser is led to them."""
    page = shop.request("GET", outcome["product"])
    [picture] = page.json()["pictures"]
    links = [rendition["href"] for rendition in picture["renditions"]]
    found = [shop.request("GET", target(page, link), allow_redirects=False) for link in links]
    return [answer.headers["Location"] for answer in found]

"""The content of every letter in every language, in text and in HTML, also if its values are hostile."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.adapters.templates import Templates
from notifications.domain.layout import Mail, render_mail
from notifications.domain.letters import letter_about
from notifications.domain.notifications import (
    Notification,
    OrderCancelled,
    OrderConfirmed,
    OrderFulfilled,
    OrderNotification,
    OrderRejected,
    ReportReady,
    ReturnAccepted,
    ReturnRefunded,
    ReturnRefused,
    StockLow,
    Verified,
)

TEMPLATES = Templates()
ORDER_ID = "ord_5b0c8a526b7e5c1e8f432f7a0c9f2d11"
PAGE_URL = "https://eu-central-1.console.aws.amazon.com/s3/object/reports?region=eu-central-1&prefix=weekly%2Freport.html"
HOSTILE = "<script>alert(1)</script>\r\nBcc: x@example.com \u202e$total ${x} &amp; \"'\x00</td>"


def eur(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def order(*skus: str, **more: Any) -> dict[str, Any]:
    lines = [{"sku": sku, "quantity": 2, "unit_price": eur(61_725)} for sku in skus or ("TEA-INFUSER-ST",)]
    breakdown = {
        "lines": eur(123_450),
        "shipping": eur(490),
        "tax": {"country": "DE", "rate_basis_points": 1900, "amount": eur(19_789)},
        "total": eur(123_940),
    }
    known = {"order_id": ORDER_ID, "customer_id": "user-1", "total": eur(123_940)}
    return {**known, "lines": lines, "breakdown": breakdown, **more}


def returned(*skus: str, **more: Any) -> dict[str, Any]:
    lines = [{"sku": sku, "quantity": 2} for sku in skus or ("TEA-INFUSER-ST",)]
    return {"order_id": ORDER_ID, "customer_id": "user-1", "lines": lines, **more}


def notifications(*skus: str, tracking_reference: str = "PARCEL-4F8A21C07B") -> list[Notification]:
    """One notification of every kind, with every optional value."""
    return [
        Verified(user_id="user-1"),
        OrderConfirmed.model_validate(order(*skus)),
        OrderRejected.model_validate(order(*skus, reason="out_of_stock")),
        OrderCancelled.model_validate(order(*skus, by="customer")),
        OrderFulfilled.model_validate(order(*skus, tracking_reference=tracking_reference)),
        ReturnAccepted.model_validate(returned(*skus, tracking_reference=tracking_reference)),
        ReturnRefused.model_validate(returned(*skus, refusal="excluded")),
        ReturnRefunded.model_validate(returned(*skus, refund=eur(123_450))),
        StockLow(sku="TEA-EARL-100", available=1_234, threshold=2_000),
        ReportReady(week="2026-W10", page_url=PAGE_URL, sheet_url=PAGE_URL.replace("html", "csv")),
    ]


def mail(notification: Notification, language: str = "en", name: str = "Ada") -> Mail:
    return render_mail(letter_about(notification, name, TEMPLATES.wording_in(language)), TEMPLATES.layout)


EVERY = [
    pytest.param(notification, language, id=f"{notification.topic}-{language}")
    for notification in notifications()
    for language in sorted(TEMPLATES.languages)
]


def parsed(html: str) -> ElementTree.Element:
    """The HTML's root, parsed strictly, as XML."""
    return ElementTree.fromstring(html)  # noqa: S314 - our own


def seen(html: str) -> list[str]:
    """The texts that a reader of the HTML sees, in their order."""
    body = parsed(html).find("body")
    assert body is not None
    return [" ".join(text.split()) for text in body.itertext() if text.strip()]


class Elements(HTMLParser):
    """The elements that a lenient parser, such as a browser's, finds in the HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)


# Its content


@pytest.mark.parametrize(("notification", "language"), EVERY)
def test_text_and_html_say_the_same(notification: Notification, language: str):
    letter = letter_about(notification, "Ada Lovelace", TEMPLATES.wording_in(language))
    sent = render_mail(letter, TEMPLATES.layout)
    shown, text = seen(sent.html), sent.text
    said = [letter.heading, letter.greeting, *letter.paragraphs, letter.closing]
    said += [part for fact in letter.facts for part in (fact.label, fact.value)]
    if letter.bill:
        said += [letter.bill.caption]
        said += [part for line in letter.bill.lines for part in (line.product, line.quantity, line.price)]
        total = [letter.bill.total] if letter.bill.total else []
        sums = [*letter.bill.before_total, *total, *letter.bill.after_total]
        said += [part for each in sums for part in (each.label, each.value)]
    columns = list(vars(letter.bill.columns).values()) if letter.bill else []

    for part in said:
        assert part in text
        assert part in [entry.removesuffix(":") for entry in shown] or part in shown
    # Nor does the HTML say more than the text, but for the heads of its columns.
    for entry in shown:
        assert entry.removesuffix(":") in text or entry in columns


@pytest.mark.parametrize("language", sorted(TEMPLATES.languages))
@pytest.mark.parametrize(
    "notification", [each for each in notifications() if isinstance(each, OrderNotification)]
)
def test_a_mail_about_an_order_names_it_and_its_lines_in_both_parts(
    notification: OrderNotification, language: str
):
    sent = mail(notification, language)
    amount = {"en": "1,234.50 EUR", "de": "1.234,50 EUR"}[language]

    assert ORDER_ID in sent.subject
    for part in (sent.text, " ".join(seen(sent.html))):
        assert ORDER_ID in part and "TEA-INFUSER-ST" in part and amount in part


@pytest.mark.parametrize(
    ("language", "bill"),
    [
        ("en", ["Shipping: 4.90 EUR", "Total: 1,239.40 EUR", "Including 19% VAT (DE): 197.89 EUR"]),
        (
            "de",
            [
                "Versand: 4,90 EUR",
                "Gesamtbetrag: 1.239,40 EUR",
                "Darin enthalten: 19 % MwSt. (DE): 197,89 EUR",
            ],
        ),
    ],
)
def test_the_charged_amount_is_shown_only_if_the_customer_pays(language: str, bill: list[str]):
    _, confirmed, rejected, cancelled, fulfilled, *_ = notifications()

    for charged in (confirmed, fulfilled):
        lines = mail(charged, language).text.splitlines()
        assert lines[lines.index(bill[0]) :][:3] == bill
    for free in (rejected, cancelled):
        assert not any(line in mail(free, language).text for line in bill)


def test_an_order_whose_event_has_no_breakdown_is_mailed_with_its_total():
    sent = mail(OrderConfirmed.model_validate(order(breakdown=None)))

    assert "Total: 1,239.40 EUR" in sent.text
    assert "Shipping" not in sent.text and "VAT" not in sent.text


@pytest.mark.parametrize(
    ("notification", "said"),
    [
        (ReturnAccepted.model_validate(returned(tracking_reference="CW8K87J2WHJWVB")), "CW8K87J2WHJWVB"),
        (ReturnRefused.model_validate(returned(refusal="excluded")), "excluded from returns"),
        (ReturnRefused.model_validate(returned(refusal="new-code")), "Our customer service answers"),
        (ReturnRefunded.model_validate(returned(refund=eur(1_580))), "15.80"),
    ],
)
def test_a_mail_about_a_return_names_the_order_and_the_pieces_and_says_what_follows(
    notification: Notification, said: str
):
    letter = mail(notification)
    for part in (letter.text, letter.html):
        assert ORDER_ID in part
        assert "2 x TEA-INFUSER-ST" in part
        assert said in part


def test_an_export_contains_no_tax():
    free = {**order()["breakdown"], "tax": {"country": "US", "rate_basis_points": 0, "amount": eur(0)}}
    assert "VAT" not in mail(OrderConfirmed.model_validate(order(breakdown=free))).text


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("out_of_stock", "out of stock"),
        ("payment_declined", "declined the payment"),
        ("address_not_served", "do not deliver to the country"),
        ("technical_failure", "went wrong on our side"),
        ("meteor_strike", "We could not complete it."),
    ],
)
def test_a_rejection_says_why_in_words(reason: str, words: str):
    sent = mail(OrderRejected.model_validate(order(reason=reason)))

    for part in (sent.text, " ".join(seen(sent.html))):
        assert words in part
        assert reason not in part


@pytest.mark.parametrize(
    ("by", "words"),
    [
        ("customer", "as you asked us to"),
        ("admin", "our customer service has cancelled"),
        ("payment", "the payment could not be collected"),
        (None, "your order is cancelled."),
        ("a new code", "your order is cancelled."),
    ],
)
def test_a_cancellation_says_who_or_why_and_that_the_money_is_free_or_comes_back(by: str | None, words: str):
    sent = mail(OrderCancelled.model_validate(order(by=by)))

    for part in (sent.text, " ".join(seen(sent.html))):
        assert words in part
        assert "becomes free again" in part and "goes back to the means of payment" in part
        assert "a new code" not in part


@pytest.mark.parametrize("reference", [None, "", " \n"])
def test_a_parcel_without_a_tracking_reference_is_not_given_one(reference: str | None):
    sent = mail(OrderFulfilled.model_validate(order(tracking_reference=reference)))
    assert "Tracking reference" not in sent.text + sent.html


def test_the_mail_about_low_stock_says_of_what_and_how_much_there_is():
    sent = mail(StockLow(sku="TEA-EARL-100", available=1_234, threshold=2_000), "de", name="")

    assert sent.subject == "Geringer Bestand: TEA-EARL-100"
    for fact in ("Artikelnummer: TEA-EARL-100", "Verfügbar: 1.234", "Meldebestand: 2.000"):
        assert fact in sent.text.splitlines()
        assert fact in " ".join(seen(sent.html))


def test_the_mail_about_a_report_says_of_which_week_and_where_it_is():
    report = notifications()[-1]
    sent = mail(report, "de", name="")

    assert sent.subject == "Bericht über die Woche 2026-W10"
    for fact in (f"Bericht: {PAGE_URL}", f"Zahlen (CSV): {PAGE_URL.replace('html', 'csv')}"):
        assert fact in sent.text.splitlines()
        assert fact in " ".join(seen(sent.html))


@pytest.mark.parametrize("language", sorted(TEMPLATES.languages))
def test_the_welcome_repeats_no_text_from_the_sign_up(
    language: str,
):
    sent = mail(Verified(user_id="user-1"), language, name="Win a prize at evil.example")
    assert "evil" not in sent.subject + sent.text + sent.html


def test_a_name_is_shown_as_it_was_written():
    sent = mail(notifications()[1], name="Ada <b>&</b> Söhne $total")
    assert "Hello Ada <b>&</b> Söhne $total," in sent.text
    assert "Hello Ada <b>&</b> Söhne $total," in seen(sent.html)


# Hostile values, and readers with disabilities


@pytest.mark.parametrize("language", sorted(TEMPLATES.languages))
@pytest.mark.parametrize("position", range(len(notifications())))
def test_no_hostile_value_becomes_markup_or_a_header_or_a_line_of_its_own(position: int, language: str):
    hostile = notifications(HOSTILE, HOSTILE, tracking_reference=HOSTILE)[position]
    harmless = notifications("TEA", "TEA")[position]
    sent, expected = mail(hostile, language, HOSTILE), mail(harmless, language)

    parsed(sent.html)
    assert Elements(sent.html).names == Elements(expected.html).names
    assert sent.subject == expected.subject
    assert len(sent.text.splitlines()) == len(expected.text.splitlines())
    for steering in ("\u202e", "\x00", "\r"):
        assert steering not in sent.text + sent.html


@settings(max_examples=50)
@given(hostile=st.text(min_size=1, max_size=40))
def test_nothing_that_a_customer_wrote_becomes_markup(hostile: str):
    [_, confirmed, *_] = notifications(hostile)
    [_, plain, *_] = notifications("TEA")
    sent = mail(confirmed, name=hostile)

    parsed(sent.html)
    assert Elements(sent.html).names == Elements(mail(plain).html).names


@pytest.mark.parametrize(("notification", "language"), EVERY)
def test_the_html_can_be_read_by_everybody(notification: Notification, language: str):
    """WCAG 2.2 as far as it is decidable: language (3.1.1), structure (1.3.1), title (2.4.2), reflow (1.4.10)."""
    html = mail(notification, language).html
    root = parsed(html)
    body = root.find("body")
    assert body is not None

    assert html.startswith("<!DOCTYPE html>")
    assert root.get("lang") == language
    assert root.findtext("head/title")
    assert [element.tag for element in root.iter() if re.fullmatch(r"h\d", element.tag)] == ["h1"]
    assert [main.tag for main in body] == ["main"]
    for table in root.iter("table"):
        assert table.findtext("caption")
        assert all(head.get("scope") in {"col", "row"} for head in table.iter("th"))
        rows = [row for part in ("tbody", "tfoot") for row in table.iterfind(f"{part}/tr")]
        assert rows and all(row[0].tag == "th" for row in rows)
    assert not {"img", "script", "style", "link", "a", "font", "center"} & {
        element.tag for element in root.iter()
    }
    [viewport] = [meta for meta in root.iter("meta") if meta.get("name") == "viewport"]
    assert viewport.get("content") == "width=device-width, initial-scale=1"
    for style in styles(root):
        # Sizes follow the reader's own; only rules are drawn in pixels.
        assert not re.search(r"(?<!border-bottom: )\b[1-9]\d*(px|pt)", style), style
        assert "height:" not in style.replace("line-height:", "")


@pytest.mark.parametrize(("notification", "language"), EVERY)
def test_text_has_the_contrast_that_everybody_can_read(notification: Notification, language: str):
    """WCAG 2.2, 1.4.6: at least 7 to 1."""
    body = parsed(mail(notification, language).html).find("body")
    assert body is not None
    [own, *others] = styles(body)
    background = re.search(r"background-color: (#[0-9a-f]{6})", own)
    text = re.search(r"(?<!-)color: (#[0-9a-f]{6})", own)
    assert background and text

    assert contrast(background[1], text[1]) >= 7
    assert not any(re.search(r"(?<!-)\bcolor:", style) for style in others)


def styles(root: ElementTree.Element) -> Iterator[str]:
    return (element.attrib["style"] for element in root.iter() if "style" in element.attrib)


def contrast(one: str, other: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""

    def luminance(color: str) -> float:
        channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [
            value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)

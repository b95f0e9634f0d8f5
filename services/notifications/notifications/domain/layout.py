"""Renders a letter as a mail, in plain text and in HTML. All letters share one layout.

Every value is escaped for the HTML part. The HTML is also well-formed XML, so that tests can parse it strictly.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from string import Template

from notifications.domain.letters import Bill, Labelled, Letter

_BLANK_LINES = re.compile(r"\n{3,}")

type Layout = Callable[[str], Template]
"""The template of each part of a mail, by its name: `letter.html`, `letter.txt`, `line.html` and so on."""


@dataclass(frozen=True)
class Mail:
    """A mail that is ready to be sent. Both parts say the same."""

    subject: str
    text: str
    html: str


def render_mail(letter: Letter, layout: Layout) -> Mail:
    """`letter` as a mail."""
    return Mail(subject=letter.subject, text=_text(letter, layout), html=_html(letter, layout))


def _text(letter: Letter, layout: Layout) -> str:
    text = layout("letter.txt").substitute(
        heading=letter.heading,
        greeting=letter.greeting,
        paragraphs="\n\n".join(letter.paragraphs),
        facts="\n".join(layout("fact.txt").substitute(vars(fact)) for fact in letter.facts),
        bill=_text_bill(letter.bill, layout) if letter.bill else "",
        closing=letter.closing,
    )
    return _BLANK_LINES.sub("\n\n", text) + "\n"


def _text_bill(bill: Bill, layout: Layout) -> str:
    return layout("bill.txt").substitute(
        caption=bill.caption,
        lines="\n".join(layout("line.txt").substitute(vars(line)) for line in bill.lines),
        sums="\n".join(layout("sum.txt").substitute(vars(each)) for each, _ in _sums(bill)),
    )


def _html(letter: Letter, layout: Layout) -> str:
    return layout("letter.html").substitute(
        _escaped(
            language=letter.language,
            subject=letter.subject,
            heading=letter.heading,
            greeting=letter.greeting,
            closing=letter.closing,
        ),
        paragraphs="\n".join(
            layout("paragraph.html").substitute(_escaped(text=text)) for text in letter.paragraphs
        ),
        facts="\n".join(layout("fact.html").substitute(_escaped(**vars(fact))) for fact in letter.facts),
        bill=_html_bill(letter.bill, layout) if letter.bill else "",
    )


def _html_bill(bill: Bill, layout: Layout) -> str:
    sums = [
        layout("sum.html").substitute(_escaped(**vars(each)), weight=weight) for each, weight in _sums(bill)
    ]
    return layout("bill.html").substitute(
        _escaped(caption=bill.caption, **vars(bill.columns)),
        lines="\n".join(layout("line.html").substitute(_escaped(**vars(line))) for line in bill.lines),
        sums=layout("sums.html").substitute(sums="\n".join(sums)) if sums else "",
    )


def _sums(bill: Bill) -> list[tuple[Labelled, str]]:
    """The sums of the bill, each with its font weight."""
    return [
        *((each, "normal") for each in bill.before_total),
        *([(bill.total, "bold")] if bill.total else []),
        *((each, "normal") for each in bill.after_total),
    ]


def _escaped(**values: str) -> dict[str, str]:
    return {name: escape(value, quote=True) for name, value in values.items()}

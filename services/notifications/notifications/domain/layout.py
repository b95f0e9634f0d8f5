"""From a letter to a mail: one layout for all letters, in plain text and in HTML, from `templates/layout`.

Everything that goes into the HTML is escaped on the way, whoever wrote it. The HTML is well-formed XML as well, so that
a strict parser can judge it.
"""

import re
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from notifications.domain.letters import Bill, Labelled, Letter

_FOLDER = Path(__file__).parents[1] / "templates" / "layout"
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Mail:
    """A mail, ready to be sent: the same in plain text and in HTML."""

    subject: str
    text: str
    html: str


def mail_of(letter: Letter) -> Mail:
    """`letter` as a mail."""
    return Mail(subject=letter.subject, text=_text(letter), html=_html(letter))


def _text(letter: Letter) -> str:
    text = _layout("letter.txt").substitute(
        heading=letter.heading,
        greeting=letter.greeting,
        paragraphs="\n\n".join(letter.paragraphs),
        facts="\n".join(_layout("fact.txt").substitute(vars(fact)) for fact in letter.facts),
        bill=_text_bill(letter.bill) if letter.bill else "",
        closing=letter.closing,
    )
    return _BLANK_LINES.sub("\n\n", text) + "\n"


def _text_bill(bill: Bill) -> str:
    return _layout("bill.txt").substitute(
        caption=bill.caption,
        lines="\n".join(_layout("line.txt").substitute(vars(line)) for line in bill.lines),
        sums="\n".join(_layout("sum.txt").substitute(vars(each)) for each, _ in _sums(bill)),
    )


def _html(letter: Letter) -> str:
    return _layout("letter.html").substitute(
        _escaped(
            language=letter.language,
            subject=letter.subject,
            heading=letter.heading,
            greeting=letter.greeting,
            closing=letter.closing,
        ),
        paragraphs="\n".join(
            _layout("paragraph.html").substitute(_escaped(text=text)) for text in letter.paragraphs
        ),
        facts="\n".join(_layout("fact.html").substitute(_escaped(**vars(fact))) for fact in letter.facts),
        bill=_html_bill(letter.bill) if letter.bill else "",
    )


def _html_bill(bill: Bill) -> str:
    sums = [
        _layout("sum.html").substitute(_escaped(**vars(each)), weight=weight) for each, weight in _sums(bill)
    ]
    return _layout("bill.html").substitute(
        _escaped(caption=bill.caption, **vars(bill.columns)),
        lines="\n".join(_layout("line.html").substitute(_escaped(**vars(line))) for line in bill.lines),
        sums=_layout("sums.html").substitute(sums="\n".join(sums)) if sums else "",
    )


def _sums(bill: Bill) -> list[tuple[Labelled, str]]:
    """The sums of the bill, each with the weight of its type."""
    return [
        *((each, "normal") for each in bill.before_total),
        *([(bill.total, "bold")] if bill.total else []),
        *((each, "normal") for each in bill.after_total),
    ]


def _escaped(**values: str) -> dict[str, str]:
    return {name: escape(value, quote=True) for name, value in values.items()}


@cache
def _layout(name: str) -> Template:
    return Template((_FOLDER / name).read_text(encoding="utf-8").rstrip("\n"))

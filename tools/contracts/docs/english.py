"""Plain English: short sentences, without the constructions that readers had to read twice.

The list holds constructions that can be found by their words. It cannot find every sentence that is hard to read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.contracts.docs.prose import Passage, files_under, passages

MOST_WORDS = 25
"""The longest sentence; a code span, or a list of code spans, counts as one word."""

# Construction, and advice. Each is tried on one sentence; case counts, so that `What` means the start of a sentence.
_BANNED = [
    (r"\b[Tt]hose (that|who|which)\b", "name the things"),
    (r"\b([Ww]ho|[Ww]hom|[Ww]hat|[Ww]hich)ever\b", "name who or what it is"),
    (r"\b(that|as) there (is|are|was|were)\b", "say it directly"),
    (r"\b(is|are) as (one|that|those)\b", "say it directly"),
    (r"\b[Tt]old\b", "say who publishes, sends or answers"),
    (r"\b(tells?|telling) of\b", "use: report, publish"),
    (r"\b[Ww]ord of\b|\b(later|earlier|last|whose|its) word\b", "use: event, notice"),
    (r"\b(hears?|heard)\b", "use: receives"),
    (r"\b([Ss]ome(body|one))\b", "name the person: a customer, an operator, another writer"),
    (r"\bnobody\b.*\b(nobody|nothing|somebody)\b|\bfor nobody\b", "say it without a double negative"),
    (r"\b(of|by|to|from|under|upon) which\b", "write two sentences"),
    (r"^(Who|Whose) \w[^?]*$", "begin with the noun"),
    (
        r"^What (it |they |an? |the |\w+s )?(is|are|was|were|has|had|can|cannot|comes|goes|fails|stays|lies)\b[^?]* "
        r"(is|are|was|were|has|gets|goes|comes|stays|ends|fails|rings|stands|counts|travels|dies|waits|belongs)\b[^?]*$",
        "begin with the noun",
    ),
    (r"[;:,] (and |but |or )?what (is|was|are|were|has|had|can|cannot|must|may|comes|goes|it|they)\b", "name it"),
    (r"\b[Ww]here (none|not|nothing|something|possible|needed)\b", "use: if"),
    (r"\bfor good\b", "use: permanently"),
    (r"\b(superfluous|bury|buried|buries|thereof|whereupon|wherein|whence|thereby|lest)\b", "use a common word"),
    (r"\b[Aa]ll that\b|\bnothing that\b|\bmuch that\b", "name the things"),
]  # fmt: skip
_RULES = [(re.compile(pattern), advice) for pattern, advice in _BANNED]

_CODE = re.compile(r"``.*?``|`[^`]*`")
_LIST_OF_CODE = re.compile(r"\bCode(?:(?:, and |, or |, | and | or |/)Code\b)+")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|<?https?://\S+")
_ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e|etc|vs|approx|Nr)\.")
_END = re.compile(r"(?<=[.!?])[\"”)*]*\s+(?=[\"“(*]*[A-Z0-9])")


@dataclass(frozen=True)
class Violation:
    """A sentence that is not plain, and why."""

    file: Path
    place: str
    complaint: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.place}: {self.complaint}: {self.sentence}"


def violations_under(path: Path) -> Iterator[Violation]:
    """Everything under `path`, a file or a folder, that is not plain."""
    for file in files_under(path):
        for passage in passages(file):
            for complaint, sentence in complaints(passage):
                yield Violation(file, passage.place, complaint, sentence)


def complaints(passage: Passage) -> Iterator[tuple[str, str]]:
    """The complaints about a passage, each with its sentence."""
    for sentence in sentences(passage):
        words = sum(any(letter.isalnum() for letter in word) for word in sentence.split())
        if words > MOST_WORDS:
            yield f"{words} words", sentence
        if not passage.is_title:
            for pattern, advice in _RULES:
                if found := pattern.search(sentence):
                    yield f"“{found[0].strip(',;: ')[:40]}” ({advice})", sentence


def sentences(passage: Passage) -> Iterator[str]:
    """The sentences of a passage, without markup. In a table's cell a semicolon ends one as well."""
    text = _LINK.sub(lambda link: link[1] or "Link", _CODE.sub("Code", passage.text)).replace("*", "")
    text = _ABBREVIATIONS.sub(lambda short: short[1], _LIST_OF_CODE.sub("Code", text))
    for sentence in _END.split(text):
        yield from (part.strip() for part in (sentence.split(";") if passage.is_cell else [sentence]))

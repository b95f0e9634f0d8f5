"""Canaries: words that stand nowhere but in personal data that the tests and the tools made up.

Every made-up name, mail address, postal address and password has one in it. So a search of the whole stack for the form
of a canary finds all copies of such data, wherever they are (`make leaks`). The word tells the kind of the data. It has
no letter of a hexadecimal number, and no language has such words, so it never appears by chance.
"""

import os
import re
import secrets

NAME, MAIL_ADDRESS, POSTAL_ADDRESS, PASSWORD = "name", "mail address", "postal address", "password"

_LETTERS = {NAME: "n", MAIL_ADDRESS: "m", POSTAL_ADDRESS: "a", PASSWORD: "p"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}
_CONSONANTS = "ghjklmnprstvwx"
_LENGTH = 10
PATTERN = f"zq[{''.join(_KINDS)}][{_CONSONANTS}]{{{_LENGTH}}}"
"""The form of a canary, as a regular expression."""

_made: dict[str, str] = {}


def canary(kind: str) -> str:
    """A new canary for data of this kind."""
    word = f"zq{_LETTERS[kind]}{''.join(secrets.choice(_CONSONANTS) for _ in range(_LENGTH))}"
    # pytest says there which test runs: https://docs.pytest.org/en/stable/example/simple.html
    _made[word] = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
    return word


def kind_of(word: str) -> str:
    """The kind of the data that a canary is in."""
    return _KINDS[word[2]]


def made() -> dict[str, str]:
    """The canaries of this process, each with the test that made it."""
    return dict(_made)


def has_canary(text: str) -> bool:
    """Whether the search finds this text."""
    return re.search(PATTERN, text) is not None

"""A trial: the same small story with a pattern and without it, in the deployed shop."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from tests.attacks.planting import Change, Code
from tools.shop.audit import Auditor
from tools.shop.client import Customer, Shop
from tools.stack import Stack

type Figures = dict[str, str]
"""What the story came to: the figure of each thing that one looks at."""


@dataclass(frozen=True)
class Story:
    """The shop, with its people, in which a trial is played."""

    stack: Stack
    shop: Shop
    auditor: Auditor
    customer: Customer
    admin: Customer

    @classmethod
    def of(cls, stack: Stack) -> "Story":
        """A story with a new customer and a new admin."""
        shop = Shop(stack, "lab")
        return cls(stack, shop, Auditor(stack), shop.sign_up("Ada Example"), shop.admin())


@dataclass(frozen=True)
class Trial:
    """A pattern, the story that shows it, and the words of the code without it.

    `page` is the name of its page in docs/patterns. Of `file` in the package of `function`, `right` are the words as
    they are. `without` are the words that lack the pattern. If the story has an accident, `accident` are the words as
    they are with the same accident.
    """

    page: str
    story: str
    function: str
    file: str
    right: str
    without: str
    play: Callable[[Story], Figures]
    accident: str = ""

    @property
    def sound(self) -> Code:
        """The code with the pattern, and with the accident if there is one."""
        return self._code(self.accident or self.right)

    @property
    def broken(self) -> Code:
        """The code without the pattern, with the same accident."""
        return self._code(self.without)

    def difference(self) -> list[str]:
        """The changed lines, as a unified diff without its head."""
        has, lacks = (self.accident or self.right).splitlines(), self.without.splitlines()
        lines = difflib.unified_diff(has, lacks, n=1, lineterm="")
        return [line for line in lines if not line.startswith(("---", "+++", "@@"))]

    def _code(self, wrong: str) -> Code:
        return Code(self.function, (Change(self.file, self.right, wrong),))

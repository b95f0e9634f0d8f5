"""`make new-service NAME=...` without options asks a person at a terminal: the questions and the answers."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tools.settings import REPOSITORY

# It prints what it would make, and makes nothing.
PROGRAM = """
import sys
from tools.command_line import run
from tools.new import command

command.changes_for = lambda plan: plan.check() or plan
command._make = lambda plan, **options: print(plan, options)
sys.exit(run(["new-service", *sys.argv[1:]], {"tools.new.command": ("new-service",)}, description=None))
"""
SECONDS = 60
END_OF_INPUT = "\x04"


class Terminal:
    """The other end of the command's terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.shown = ""

    def type_all(self, *lines: str) -> str:
        """Types each line after the next question; returns the whole text that the terminal showed."""
        for line in lines:
            self._read(until="? ")
            os.write(self._descriptor, f"{line}\n".encode() if line != END_OF_INPUT else line.encode())
        self._read(until=None)
        return self.shown

    def _read(self, until: str | None) -> None:
        seen = ""
        while until is None or not seen.endswith(until):
            try:
                part = os.read(self._descriptor, 1024).decode()
            except OSError:  # Linux's answer once the command has closed its end
                part = ""
            if not part:
                assert until is None, f"it ended without another question: {self.shown}"
                return
            seen += part
            self.shown += part


@contextmanager
def asked(*arguments: str) -> Iterator[tuple[Terminal, "subprocess.Popen[bytes]"]]:
    """The command at a terminal."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(  # noqa: S603 - this test's own arguments
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=REPOSITORY,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as process:
            os.close(theirs)
            try:
                yield Terminal(ours), process
                process.wait(SECONDS)
            finally:
                process.kill()
    finally:
        os.close(ours)


def test_a_person_without_options_is_asked_for_each() -> None:
    with asked("wishlists") as (terminal, process):
        shown = terminal.type_all(
            "", "y", "n", "order.fulfilled, order.cancelled", "order.placed", "rate(1 hour)", "yes"
        )
    assert process.returncode == 0
    assert (
        "Plan(name='wishlists', thing='', routes=True, table=False, consumes=('order.fulfilled', "
        "'order.cancelled'), projects=('order.placed',), schedule='rate(1 hour)', steps=True)"
    ) in shown


def test_an_answer_that_is_not_valid_is_asked_for_again_and_the_others_are_kept() -> None:
    with asked("returns") as (terminal, process):
        shown = terminal.type_all(
            *("", "return_request"),  # `return` is Python's
            *("perhaps", "n"),
            "y",
            *("order.eaten", "order.fulfilled"),
            *("order.fulfilled", ""),
            *("hourly", ""),
            "n",
        )
    assert process.returncode == 0
    for advice in (
        "THING=return_request",
        "Answer y or n.",
        "No service publishes order.eaten.",
        "once",
        "'hourly' is no schedule.",
    ):
        assert advice in shown
    assert (
        "Plan(name='returns', thing='return_request', routes=False, table=True, consumes=('order.fulfilled',), "
        "projects=(), schedule='', steps=False)"
    ) in shown


def test_a_name_that_no_service_can_have_is_refused_before_the_first_question() -> None:
    with asked("wishlist") as (terminal, process):
        shown = terminal.type_all()
    assert process.returncode == 1
    assert "in the plural" in shown
    assert "?" not in shown


def test_who_ends_the_questions_is_told_that_nothing_was_changed() -> None:
    with asked("wishlists") as (terminal, process):
        shown = terminal.type_all("", END_OF_INPUT)
    assert process.returncode == 1
    assert "Not all questions were answered." in shown
    assert "Traceback" not in shown


def test_who_gives_an_option_is_not_asked() -> None:
    with asked("wishlists", "--consumes", "order.fulfilled") as (terminal, process):
        shown = terminal.type_all()
    assert process.returncode == 0
    assert "?" not in shown
    assert "consumes=('order.fulfilled',)" in shown

"""The command line of the tools: every tool registers its commands, and failures end in advice."""

import argparse
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from tools.__main__ import TOOLS
from tools.command_line import Command, Subcommands, add_command, at_least, run
from tools.console import StepError
from tools.waiting import NotInTime


@pytest.mark.parametrize("module", TOOLS)
def test_a_tool_registers_the_commands_that_the_table_names(module: str) -> None:
    subcommands: Any = argparse.ArgumentParser().add_subparsers()
    import_module(module).register(subcommands)
    assert tuple(subcommands.choices) == TOOLS[module]


def test_no_two_tools_register_the_same_command() -> None:
    names = [name for commands in TOOLS.values() for name in commands]
    assert len(names) == len(set(names))


def tool(monkeypatch: pytest.MonkeyPatch, command: Command) -> dict[str, tuple[str]]:
    """A table with one tool, whose command `work` runs `command`."""

    def register(subcommands: Subcommands) -> None:
        add_command(subcommands, "work", command, description="work")

    module: Any = ModuleType("a_tool")
    module.register = register
    monkeypatch.setitem(sys.modules, "a_tool", module)
    return {"a_tool": ("work",), "tools.no_such_module": ("break",)}


def test_a_tool_that_does_not_import_prevents_no_other_command(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["work"], tool(monkeypatch, lambda _: None), description=None) == 0


def test_a_command_chooses_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["work"], tool(monkeypatch, lambda _: 69), description=None) == 69


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        (
            StepError("The cloud is not there.", "Run `make up`."),
            1,
            "The cloud is not there.\nRun `make up`.",
        ),
        (NotInTime("waited 60 s in vain for the mail"), 1, "The system did not finish in time"),
        (KeyboardInterrupt(), 130, "Interrupted."),
    ],
)
def test_a_failure_ends_in_an_exit_code_and_advice_on_stderr(
    error: BaseException,
    code: int,
    printed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: argparse.Namespace) -> None:
        raise error

    assert run(["work"], tool(monkeypatch, fail), description=None) == code
    captured = capsys.readouterr()
    assert printed in captured.err
    assert captured.out == ""


def test_an_unknown_command_is_refused_with_a_list_of_the_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["nonsense"], {"tools.cloud.outputs": ("outputs",)}, description=None)
    assert ended.value.code == 2
    assert "choose from outputs" in capsys.readouterr().err.replace("'", "")


def test_a_number_is_taken_if_it_is_large_enough() -> None:
    assert at_least(1)("20") == 20
    assert at_least(0.5)("0.5") == 0.5


@pytest.mark.parametrize("text", ["0", "-3", "x", "1.5", ""])
def test_what_is_no_such_number_is_refused_with_the_least_one(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"'{text}' is no number of 1 or more"):
        at_least(1)(text)


def test_not_a_number_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        at_least(0.001)("nan")

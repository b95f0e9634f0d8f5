"""The command line of the tools: every tool registers its subcommands, and every failure ends in advice.

A tool is a module with a function `register(subcommands)`, which adds its subcommands by `add_command`. Only the
module of the command that is run gets imported. So a service that does not import prevents no other command.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from tools.console import StepError, fail
from tools.waiting import NotInTime

type Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

type Command = Callable[[argparse.Namespace], int | None]
"""Runs a subcommand; returns its exit code, or None for 0."""

type Tools = Mapping[str, Sequence[str]]
"""The commands that each tool registers, by the name of its module."""

_SEE_LOGS = "`make logs` shows the log lines of the functions."


def add_command(
    subcommands: Subcommands, name: str, command: Command, *, description: str
) -> argparse.ArgumentParser:
    """Adds a subcommand; its arguments are added to the parser that this returns."""
    parser = subcommands.add_parser(
        name, help=description, description=f"{description[0].upper()}{description[1:]}."
    )
    parser.set_defaults(run=command)
    return parser


def add_stack_option(parser: argparse.ArgumentParser) -> None:
    """Lets the command work on a stack on AWS, which the variables STACK and REGION name too."""
    parser.add_argument(
        "--stack",
        default=os.environ.get("STACK", ""),
        metavar="NAME",
        help="a stack on AWS, with the credentials of your environment "
        "(default: $STACK, or else the embedded cloud)",
    )
    parser.add_argument(
        "--region",
        default=os.environ.get("REGION", ""),
        metavar="NAME",
        help="the stack's region (default: $REGION, $AWS_REGION, your profile's, or else samconfig.toml's)",
    )


def at_least[Number: (int, float)](least: Number) -> Callable[[str], Number]:
    """The type of an argument that is a number, and no smaller than `least`."""

    def number(text: str) -> Number:
        try:
            named = type(least)(text)
        except ValueError:
            named = None
        if named is None or not named >= least:
            raise argparse.ArgumentTypeError(f"{text!r} is no number of {least} or more")
        return named

    return number


def within[Number: (int, float)](least: Number, most: Number) -> Callable[[str], Number]:
    """The type of an argument that is a number, no smaller than `least` and no larger than `most`."""
    at_least_that = at_least(least)

    def number(text: str) -> Number:
        named = at_least_that(text)
        if named > most:
            raise argparse.ArgumentTypeError(f"{text!r} is more than {most}")
        return named

    return number


def run(arguments: Sequence[str], tools: Tools, *, description: str | None) -> int:
    """Runs the command that the arguments name; returns the exit code to end with."""
    wanted = [module for module, commands in tools.items() if arguments and arguments[0] in commands]
    parser = argparse.ArgumentParser(prog="python -m tools", description=description)
    subcommands = parser.add_subparsers(required=True, metavar="command")
    for module in wanted or tools:
        import_module(module).register(subcommands)
    parsed = parser.parse_args(arguments)
    try:
        return parsed.run(parsed) or 0
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (`| head`) has seen enough. Nothing more may be written, not even at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (StepError, NotInTime, BotoCoreError, ClientError, RequestException) as error:
        return fail(_with_advice(error))


def _with_advice(error: Exception) -> StepError:
    match error:
        case StepError():
            return error
        case NotInTime():
            return StepError(f"The system did not finish in time: {error}.", _SEE_LOGS)
        case RequestException():
            return StepError(f"A call of the API failed: {error}", _SEE_LOGS)
        case _:
            return StepError(f"A call of AWS failed: {error}", "Check your credentials, STACK and REGION.")

"""`make url`: the addresses of a stack, as a shell takes them: `eval "$(make url)"`."""

import argparse

from tools.command_line import Subcommands, add_command, add_stack_option
from tools.stack import Stack


def register(subcommands: Subcommands) -> None:
    """Registers `url`."""
    parser = add_command(subcommands, "url", _url, description="print the addresses of the stack's APIs")
    add_stack_option(parser)


def _url(arguments: argparse.Namespace) -> None:
    stack = Stack.named(arguments.stack, arguments.region)
    print(f"export API={stack.api_url}\nexport LIVE={stack.live_url}\nexport DOCS={stack.api_url}/docs")

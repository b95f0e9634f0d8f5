"""`make token`: signs up a new account in the embedded cloud, and prints its token."""

import argparse

from tools.command_line import Subcommands, add_command
from tools.shop.client import Shop
from tools.stack import Stack


def register(subcommands: Subcommands) -> None:
    """Registers `token`."""
    parser = add_command(
        subcommands,
        "token",
        _token,
        description="sign up a new customer, and print a token that is good for an hour",
    )
    parser.add_argument("--admin", action="store_true", help="sign up an admin, who runs the shop")


def _token(arguments: argparse.Namespace) -> None:
    shop = Shop(Stack.current())
    print((shop.admin() if arguments.admin else shop.sign_up("Guest Example")).token)

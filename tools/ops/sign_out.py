"""`make sign-out EMAIL=... ROLE=admin`: ends all sessions of an account, and takes a role from it."""

import argparse

from shared.access import ADMIN_GROUP, CUSTOMER_GROUP
from tools.command_line import Subcommands, add_command, add_stack_option
from tools.console import StepError
from tools.stack import Stack


def register(subcommands: Subcommands) -> None:
    """Registers `sign-out`."""
    parser = add_command(
        subcommands,
        "sign-out",
        _sign_out,
        description="end all sessions of an account, and take a role from it",
    )
    parser.add_argument("email", metavar="EMAIL", help="the address of the account")
    parser.add_argument(
        "--role",
        choices=(ADMIN_GROUP, CUSTOMER_GROUP),
        help="also take this role from it: admin, or customer, without which nobody orders (default: none)",
    )
    add_stack_option(parser)


def _sign_out(arguments: argparse.Namespace) -> None:
    sign_out(Stack.named(arguments.stack, arguments.region), arguments.email, role=arguments.role)
    print(
        f"{arguments.email} is signed out{f' and no {arguments.role} any more' if arguments.role else ''}. "
        "A token that the account still has counts until it expires: an admin's for five minutes at most, "
        "a customer's for an hour."
    )


def sign_out(stack: Stack, email: str, *, role: str | None = None) -> None:
    """Takes the role from the account, then ends its sessions; again does no harm.

    Raises StepError if no account has the address.
    """
    cognito = stack.client("cognito-idp")
    account = {"UserPoolId": stack.resource("UserPool"), "Username": email}
    try:
        # The role first: a session that is refreshed in between gets a token without it.
        if role:
            cognito.admin_remove_user_from_group(**account, GroupName=role)
        cognito.admin_user_global_sign_out(**account)
    except cognito.exceptions.UserNotFoundException as error:
        raise StepError(
            f"No account has the address {email}.", "The sessions of a deleted account have ended with it."
        ) from error

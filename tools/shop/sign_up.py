"""`make token`: prints the token of a new account, or of the account that EMAIL and PASSWORD name."""

import argparse
import os

from botocore.exceptions import ClientError

from shared.access import ADMIN_GROUP, CUSTOMER_GROUP
from tools.api import ADMINS_CLIENT, CUSTOMERS_CLIENT, ChallengeRequired, add_to_group, open_account, sign_in
from tools.command_line import Subcommands, add_command, add_stack_option
from tools.console import StepError
from tools.shop.client import Shop
from tools.stack import Stack


def register(subcommands: Subcommands) -> None:
    """Registers `token`."""
    parser = add_command(
        subcommands,
        "token",
        _token,
        description="print a token: a customer's is good for an hour, an admin's for five minutes",
    )
    parser.add_argument(
        "--role",
        default="customer",
        choices=("customer", "admin"),
        help="an admin runs the shop (default: customer)",
    )
    parser.add_argument(
        "--email",
        default="",
        metavar="ADDRESS",
        help="of the account with this address and the password in $PASSWORD; it is made if there is none "
        "(default: a new account of a made-up customer)",
    )
    add_stack_option(parser)


def _token(arguments: argparse.Namespace) -> None:
    stack = Stack.named(arguments.stack, arguments.region)
    print(token(stack, arguments.email, os.environ.get("PASSWORD", ""), is_admin=arguments.role == "admin"))


def token(stack: Stack, email: str, password: str, *, is_admin: bool) -> str:
    """A fresh identity token: of the account with this address, made if there is none, or of a made-up customer's.

    Raises StepError if the account has another password or needs more than one, or a production stack would get a
    made-up customer.
    """
    if not email:
        stack.refuse_production("`make token` without EMAIL")
        shop = Shop(stack)
        return (shop.admin() if is_admin else shop.sign_up("Guest Example")).token
    if not password:
        raise StepError(
            f"The password of {email} is missing.", "Set PASSWORD: it has 12 characters at least."
        )
    try:
        is_new = open_account(stack, email, password, name=email.partition("@")[0], groups=[CUSTOMER_GROUP])
        if not is_new:
            # Anyone can sign up with any address. The password says that the account is the caller's.
            _confirm(stack, email)
            sign_in(stack, email, password)
        if is_admin:
            add_to_group(stack, email, ADMIN_GROUP)
        return sign_in(stack, email, password, client=ADMINS_CLIENT if is_admin else CUSTOMERS_CLIENT)
    except ClientError as error:
        raise StepError(
            f"{email} gets no token: {error.response['Error']['Message']}",
            "An account that exists keeps its password; your AWS credentials must allow cognito-idp:Admin*.",
        ) from error
    except ChallengeRequired as challenge:
        raise StepError(
            f"{email} cannot sign in with a password alone: Cognito asks for {challenge}.",
            "Name another account, or sign in as that one in another way.",
        ) from challenge


def _confirm(stack: Stack, email: str) -> None:
    """Confirms the account, as an operator may, if its owner has not done so yet."""
    cognito, account = (
        stack.client("cognito-idp"),
        {"UserPoolId": stack.resource("UserPool"), "Username": email},
    )
    if cognito.admin_get_user(**account)["UserStatus"] == "UNCONFIRMED":
        cognito.admin_confirm_sign_up(**account)

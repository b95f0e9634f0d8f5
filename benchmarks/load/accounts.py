"""The made-up accounts of a load. A stack that other people use has none of them afterwards."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from shared.access import CUSTOMER_GROUP
from tools.api import open_account
from tools.console import step
from tools.shop.client import PASSWORD, Customer, Shop, made_up_address, made_up_name
from tools.stack import Stack

_KIND = "load"
_AT_ONCE = 4


@dataclass(frozen=True)
class Accounts:
    """An admin, and the addresses of the customers. All have the password `tools.shop.client.PASSWORD`."""

    shop: Shop
    admin: Customer
    customers: list[str]


@contextmanager
def made_up_accounts(stack: Stack, customers: int) -> Iterator[Accounts]:
    """An admin and so many customers. At the end the shop erases them; `make down` forgets the embedded cloud's."""
    with step(f"Making up {customers} customers"), ThreadPoolExecutor(_AT_ONCE) as pool:
        shop = Shop(stack, _KIND)
        accounts = Accounts(shop, shop.admin(), [made_up_address(_KIND, "Load") for _ in range(customers)])
        list(pool.map(lambda email: _open(stack, email), accounts.customers))
    try:
        yield accounts
    finally:
        if not stack.is_embedded:
            with step(f"Erasing {customers} customers"), ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(lambda email: _erase(stack, accounts, email), accounts.customers))
                _erase(stack, accounts, accounts.admin.email)


def _open(stack: Stack, email: str) -> None:
    open_account(stack, email, PASSWORD, name=made_up_name("Load"), groups=[CUSTOMER_GROUP])


def _erase(stack: Stack, accounts: Accounts, email: str) -> None:
    cognito = stack.client("cognito-idp")
    account = {"UserPoolId": stack.resource("UserPool"), "Username": email}
    attributes = {each["Name"]: each["Value"] for each in cognito.admin_get_user(**account)["UserAttributes"]}
    answer = accounts.shop.request("DELETE", f"/users/{attributes['sub']}", token=accounts.admin.token)
    if answer.status_code == HTTPStatus.NOT_FOUND:
        # It never signed in, so the shop knows nothing of it.
        cognito.admin_delete_user(**account)
    else:
        answer.raise_for_status()

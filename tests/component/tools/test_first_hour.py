"""A new stack on AWS in its first hour: a catalogue, a customer and an admin by one command each, and no mail."""

import json
from typing import Any

import boto3
import pytest

from catalog.adapters.product_store import ProductStore
from inventory.adapters.stock_ledger import StockLedger
from tests.component.shipped_template import template
from tools.console import StepError
from tools.settings import STACK_NAME
from tools.shop import seed
from tools.stack import Stack

from .conftest import STACK, Command, FakeApi, FakeCloudFormation

EMAIL, PASSWORD = "you@example.com", "Twelve-Letters-1"
TABLES = ("CatalogTable", "InventoryTable", "OrdersPricesTable")


def account(username: str) -> tuple[str, list[str]]:
    """The status and the groups of an account in the stack's pool."""
    cognito: Any = boto3.client("cognito-idp")
    named = {"UserPoolId": Stack.named(STACK).resource("UserPool"), "Username": username}
    groups = cognito.admin_list_groups_for_user(**named)["Groups"]
    return cognito.admin_get_user(**named)["UserStatus"], sorted(group["GroupName"] for group in groups)


def addresses() -> list[str]:
    """The address of every account in the stack's pool."""
    cognito: Any = boto3.client("cognito-idp")
    users = cognito.list_users(UserPoolId=Stack.named(STACK).resource("UserPool"))["Users"]
    return [value["Value"] for user in users for value in user["Attributes"] if value["Name"] == "email"]


@pytest.fixture
def own_account(on_aws: FakeCloudFormation, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The arguments of `token` for an account of the caller's own."""
    monkeypatch.setenv("PASSWORD", PASSWORD)
    return ("token", "--stack", STACK, "--email", EMAIL)


def sign_up(password: str) -> None:
    """A sign-up with the caller's address, as any person can do it; nothing confirms it."""
    cognito: Any = boto3.client("cognito-idp")
    client_id = Stack.named(STACK).resource("UserPoolClient")
    attributes = [{"Name": "email", "Value": EMAIL}]
    cognito.sign_up(ClientId=client_id, Username=EMAIL, Password=password, UserAttributes=attributes)


@pytest.mark.parametrize(
    ("arguments", "groups"),
    [
        ((), ["customer"]),
        (
            (
                "--role",
                "admin",
            ),
            ["admin", "customer"],
        ),
    ],
)
def test_a_token_of_a_new_account_needs_no_mail(
    on_aws: FakeCloudFormation, api: FakeApi, command: Command, arguments: tuple[str, ...], groups: list[str]
) -> None:
    api.answer("GET /users/me", (200, {"user_id": "usr_1"}))

    printed = command("token", "--stack", STACK, "--region", "eu-central-1", *arguments)

    [address] = addresses()
    assert (printed.code, printed.output.count(".")) == (0, 2)
    assert address.startswith("success+guest.") and address.endswith("@simulator.amazonses.com")
    assert account(address) == ("CONFIRMED", groups)
    # By its first request the account gets its profile.
    assert [route for route, _, _ in api.requests] == ["GET /users/me"]


def test_an_account_of_ones_own_is_made_and_is_an_admin_by_one_command(
    own_account: tuple[str, ...], command: Command
) -> None:
    made = command(*own_account, "--role", "admin")

    assert (made.code, made.output.count("."), made.errors) == (0, 2, "")
    assert account(EMAIL) == ("CONFIRMED", ["admin", "customer"])


def test_an_account_that_exists_becomes_an_admin_and_keeps_its_password(
    own_account: tuple[str, ...], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(*own_account).code == 0
    assert account(EMAIL) == ("CONFIRMED", ["customer"])

    monkeypatch.setenv("PASSWORD", "Another-Password-2")
    refused = command(*own_account, "--role", "admin")
    assert (refused.code, f"{EMAIL} gets no token" in refused.errors) == (1, True)
    assert account(EMAIL) == ("CONFIRMED", ["customer"])

    monkeypatch.setenv("PASSWORD", PASSWORD)
    assert command(*own_account, "--role", "admin").code == 0
    assert account(EMAIL) == ("CONFIRMED", ["admin", "customer"])


def test_an_account_whose_mail_never_came_is_confirmed(
    own_account: tuple[str, ...], command: Command
) -> None:
    sign_up(PASSWORD)

    assert command(*own_account, "--role", "admin").code == 0
    assert account(EMAIL) == ("CONFIRMED", ["admin"])


def test_nobody_becomes_an_admin_by_having_signed_up_with_that_address_first(
    own_account: tuple[str, ...], command: Command
) -> None:
    sign_up("Somebody-Elses-3")

    assert command(*own_account, "--role", "admin").code == 1
    assert account(EMAIL)[1] == []


def test_an_account_of_ones_own_needs_its_password(on_aws: FakeCloudFormation, command: Command) -> None:
    refused = command("token", "--stack", STACK, "--email", EMAIL)

    assert (refused.code, f"The password of {EMAIL} is missing." in refused.errors) == (1, True)


@pytest.fixture
def tables(on_aws: FakeCloudFormation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables that a seed writes to and reads; the prices arrive as soon as they are asked for."""
    for name in TABLES:
        boto3.client("dynamodb").create_table(**template().tables[name])
        on_aws.resources[name] = template().tables[name]["TableName"]
    skus = {entry["sku"] for entry in json.loads(seed._PRODUCTS.read_text())}
    monkeypatch.setattr(seed, "_priced", lambda _: skus)


def test_a_seed_fills_the_catalogue_and_the_stock_and_a_second_one_changes_nothing(
    tables: None, command: Command
) -> None:
    stack = Stack.named(STACK)
    products = ProductStore(stack.client("dynamodb"), stack.resource("CatalogTable"))
    stock = StockLedger(stack.client("dynamodb"), stack.resource("InventoryTable"))

    def stored() -> tuple[Any, Any]:
        return products.find("TEA-ASSAM-100"), stock.level("TEA-ASSAM-100")

    first = command("seed", "--stack", STACK)
    before = stored()
    again = command("seed", "--stack", STACK)

    assert (first.code, again.code) == (0, 0), first.errors
    assert "24 products" in first.output
    assert before[0] and before[0].active and before[1] and before[1].available > 0
    assert stored() == before


@pytest.mark.parametrize("stage", ["prod", "production"])
@pytest.mark.parametrize(
    "arguments", [("seed",), ("demo",), ("token",), ("token", "--role", "admin"), ("watch",)]
)
def test_nothing_is_made_up_in_production(
    on_aws: FakeCloudFormation, api: FakeApi, command: Command, stage: str, arguments: tuple[str, ...]
) -> None:
    on_aws.parameters["Stage"] = stage

    refused = command(*arguments, "--stack", STACK)

    assert refused.code == 1
    assert f"the stack {STACK} is for production: its parameter Stage is {stage}." in refused.errors
    assert (api.requests, addresses()) == ([], [])


def test_production_has_its_first_admin_by_the_same_command(
    on_aws: FakeCloudFormation, own_account: tuple[str, ...], command: Command
) -> None:
    on_aws.parameters["Stage"] = "prod"

    assert command(*own_account, "--role", "admin").code == 0


def test_the_demo_pays_with_no_real_provider(on_aws: FakeCloudFormation, command: Command) -> None:
    on_aws.parameters["PaymentProviderUrl"] = "https://api.stripe.com"

    refused = command("demo", "--stack", STACK)

    assert (refused.code, "has a payment provider" in refused.errors) == (1, True)


def region_of(name: str, region: str = "") -> str:
    """The region in which the tools look for the stack."""
    return str(Stack.named(name, region).client("sqs").meta.region_name)


def test_the_region_is_the_one_that_the_call_or_else_the_environment_names(
    on_aws: FakeCloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert region_of(STACK) == "eu-west-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert region_of(STACK) == "eu-west-2"
    assert region_of(STACK, "eu-west-3") == "eu-west-3"


def test_an_environment_without_a_region_leaves_it_to_samconfig(
    on_aws: FakeCloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    assert region_of(STACK) == "us-east-1"

    with pytest.raises(StepError, match="The region of the stack cartwright-mine is not known"):
        Stack.named("cartwright-mine")


@pytest.mark.parametrize(
    ("status", "is_there"),
    [
        ("UPDATE_IN_PROGRESS", True),
        ("UPDATE_ROLLBACK_COMPLETE", True),
        ("ROLLBACK_COMPLETE", False),
        ("DELETE_IN_PROGRESS", False),
    ],
)
def test_a_stack_is_operated_also_while_its_update_runs_or_has_failed(
    on_aws: FakeCloudFormation, status: str, is_there: bool
) -> None:
    on_aws.status = status
    if is_there:
        assert Stack.named(STACK).name == STACK
    else:
        with pytest.raises(StepError, match=f"is not deployed in .* {status}"):
            Stack.named(STACK)


def test_a_stack_behind_another_endpoint_is_used_as_one_on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4599")
    monkeypatch.setattr(Stack, "is_there", lambda _: True)

    stack = Stack.named(STACK_NAME, "us-east-1")

    assert (stack.is_embedded, stack.is_on_aws, stack.shows_mails) == (False, False, False)
    with pytest.raises(StepError, match="AWS does not show the mail"):
        stack.sent_mails()

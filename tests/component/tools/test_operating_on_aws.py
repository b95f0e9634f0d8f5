"""An operator works on a stack on AWS: which stack, as which admin, and clear advice if something is missing."""

import json
from typing import Any

import boto3
import pytest

from shared.clock import utc_now
from tools.ops import report as reports
from tools.ops.operator_api import admin_token
from tools.stack import Stack

from .conftest import STACK, Command, FakeApi

pytestmark = pytest.mark.usefixtures("on_aws")

EMAIL, PASSWORD = "ops@example.com", "Correct-horse-7-battery"
ATTENTION = "GET /orders/attention"
NONE_FOUND: dict[str, list[Any]] = {"parked": [], "stuck": [], "late": [], "unsettled": []}


def make_admin(*, permanent: bool = True) -> None:
    cognito: Any = boto3.client("cognito-idp")
    pool = Stack.named(STACK).resource("UserPool")
    cognito.admin_create_user(UserPoolId=pool, Username=EMAIL, TemporaryPassword=PASSWORD)
    cognito.admin_set_user_password(UserPoolId=pool, Username=EMAIL, Password=PASSWORD, Permanent=permanent)


def test_the_list_of_orders_that_need_attention_comes_from_the_named_stack(
    api: FakeApi, command: Command
) -> None:
    since = "2026-03-02T09:30:00Z"
    parked = {
        "order_id": "ord_1",
        "status": "parked",
        "since": since,
        "uncollected": True,
        "payment_issues": [],
        "reasons": ["void_payment: ProviderUnavailable"],
    }
    unsettled = {
        "order_id": "ord_2",
        "status": "cancelled",
        "since": since,
        "uncollected": False,
        "payment_issues": ["refund_failed"],
    }
    api.answer(ATTENTION, (200, NONE_FOUND | {"parked": [parked], "unsettled": [unsettled]}))

    shown = command("attention", "--stack", STACK, "--token", "the-token")

    assert shown.code == 0
    assert (
        f"1 parked\n  ord_1  parked since {since}; void_payment: ProviderUnavailable; the parcel has left"
        in shown.output
    )
    assert f"1 unsettled\n  ord_2  cancelled since {since}; refund_failed" in shown.output
    assert api.requests == [(ATTENTION, "the-token", None)]


def test_the_environment_names_the_stack_and_the_token(
    api: FakeApi, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STACK", STACK)
    monkeypatch.setenv("TOKEN", "from-the-environment")
    api.answer(ATTENTION, (200, NONE_FOUND))

    assert command("attention").output == "0 parked\n0 stuck\n0 late\n0 unsettled\n"
    assert api.requests == [(ATTENTION, "from-the-environment", None)]


@pytest.mark.parametrize("arguments", [("attention",), ("resume", "ord_1"), ("report",)])
def test_without_an_admin_the_error_says_how_to_get_a_token(
    api: FakeApi, command: Command, arguments: tuple[str, ...]
) -> None:
    refused = command(*arguments, "--stack", STACK)

    assert refused.code == 1
    assert f"The API of {STACK} needs an admin, and none is named." in refused.errors
    assert "ADMIN_EMAIL and ADMIN_PASSWORD" in refused.errors
    assert api.requests == []


def test_an_admin_signs_in_with_address_and_password(
    api: FakeApi, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_admin()
    monkeypatch.setenv("ADMIN_EMAIL", EMAIL)
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)
    api.answer(ATTENTION, (200, NONE_FOUND))

    assert command("attention", "--stack", STACK).code == 0
    [(_, token, _)] = api.requests
    assert token.count(".") == 2

    monkeypatch.setenv("ADMIN_PASSWORD", "wrong")
    refused = command("attention", "--stack", STACK)
    assert refused.code == 1
    assert f"{EMAIL} cannot sign in" in refused.errors
    assert "Check ADMIN_EMAIL, ADMIN_PASSWORD and STACK." in refused.errors


def test_an_admin_who_must_do_more_than_give_a_password_is_asked_for_a_token(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_admin(permanent=False)
    monkeypatch.setenv("ADMIN_EMAIL", EMAIL)
    monkeypatch.setenv("ADMIN_PASSWORD", PASSWORD)

    refused = command("attention", "--stack", STACK)

    assert refused.code == 1
    assert "Cognito asks for NEW_PASSWORD_REQUIRED" in refused.errors
    assert "pass its identity token as TOKEN" in refused.errors


def test_the_operator_of_the_embedded_cloud_needs_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    stack = Stack("http://127.0.0.1:4566", STACK)
    monkeypatch.setattr(Stack, "client", lambda _, service: boto3.client(service))

    tokens = {admin_token(stack) for _ in range(2)}

    assert all(token.count(".") == 2 for token in tokens)
    pool = {"UserPoolId": stack.resource("UserPool")}
    cognito: Any = boto3.client("cognito-idp")
    [account] = cognito.list_users(**pool)["Users"]
    groups = cognito.admin_list_groups_for_user(**pool, Username=account["Username"])["Groups"]
    assert [group["GroupName"] for group in groups] == ["admin"]


@pytest.mark.parametrize(
    ("status", "message"), [(401, "does not accept the token"), (403, "is not an admin's. Admins only.")]
)
def test_a_refused_token_is_explained(api: FakeApi, command: Command, status: int, message: str) -> None:
    api.refuse(ATTENTION, status, "Admins only.")

    refused = command("attention", "--stack", STACK, "--token", "bad")

    assert refused.code == 1
    assert message in refused.errors
    assert "pass an admin's identity token as TOKEN" in refused.errors


def test_a_resumption_waits_for_the_end_of_the_order(api: FakeApi, command: Command) -> None:
    api.answer("POST /orders/ord_1/resume", (202, {"status": "resuming"}))
    api.answer(
        "GET /orders/ord_1", *((200, {"status": status}) for status in ("resuming", "resuming", "cancelled"))
    )

    resumed = command("resume", "ord_1", "--stack", STACK, "--token", "t")

    assert resumed.code == 0
    assert resumed.output.endswith("ord_1 is cancelled.\n")
    assert len(api.requests) == 4


def test_a_confirmed_order_is_not_at_its_end_when_it_is_resumed(api: FakeApi, command: Command) -> None:
    api.answer("POST /orders/ord_1/resume", (202, {"status": "confirmed"}))
    api.answer("GET /orders/ord_1", (200, {"status": "confirmed"}), (200, {"status": "fulfilled"}))

    assert command("resume", "ord_1", "--stack", STACK, "--token", "t").output.endswith(
        "ord_1 is fulfilled.\n"
    )


def test_an_order_whose_money_an_operator_has_settled_is_at_its_end_already(
    api: FakeApi, command: Command
) -> None:
    api.answer("POST /orders/ord_1/resume", (202, {"status": "cancelled"}))
    api.answer("GET /orders/ord_1", (200, {"status": "cancelled"}))

    assert command("resume", "ord_1", "--stack", STACK, "--token", "t").output.endswith(
        "ord_1 is cancelled.\n"
    )


def test_an_order_that_is_parked_again_is_a_failure(api: FakeApi, command: Command) -> None:
    api.answer("POST /orders/ord_1/resume", (202, {"status": "resuming"}))
    api.answer("GET /orders/ord_1", (200, {"status": "parked"}))

    resumed = command("resume", "ord_1", "--stack", STACK, "--token", "t")

    assert resumed.code == 1
    assert "ord_1 is parked again" in resumed.errors
    assert "docs/operations.md, Parked orders" in resumed.errors


def test_an_order_that_cannot_be_resumed_is_explained_by_the_api(api: FakeApi, command: Command) -> None:
    api.refuse("POST /orders/ord_1/resume", 409, "The order is fulfilled.")

    resumed = command("resume", "ord_1", "--stack", STACK, "--token", "t")

    assert resumed.code == 1
    assert "The order is fulfilled.\n`make attention` lists the parked orders." in resumed.errors


def test_a_report_is_made_by_a_job_and_its_page_is_saved(
    api: FakeApi, command: Command, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "STATE", tmp_path)
    result = {"url": f"{api.url}/page", "expires_at": "2026-03-02T10:30:00Z"}
    api.answer("POST /jobs", (202, {"job_id": "job_1", "status": "queued"}))
    api.answer(
        "GET /jobs/job_1",
        (200, {"job_id": "job_1", "status": "running"}),
        (200, {"job_id": "job_1", "status": "succeeded", "result": result}),
    )
    api.answer("GET /page", (200, "<h1>2026-W10</h1>"))

    made = command("report", "2026-W10", "--stack", STACK, "--token", "t")

    assert made.code == 0
    assert (tmp_path / "reports" / "2026-W10.html").read_text() == "<h1>2026-W10</h1>"
    assert api.requests[0] == ("POST /jobs", "t", {"kind": "weekly_report", "week": "2026-W10"})
    # The page's URL is signed. A token beside it would be refused, and would be shown to another host.
    assert api.requests[-1] == ("GET /page", "", None)


@pytest.mark.parametrize(
    ("ending", "message"),
    [
        ({"status": "cancelled", "failure": None}, "There is no report on 2026-W10. The job was cancelled."),
        (
            {"status": "failed", "failure": {"detail": "No sales."}},
            "There is no report on 2026-W10. No sales.",
        ),
    ],
)
def test_a_report_whose_job_fails_is_a_failure(
    api: FakeApi, command: Command, ending: dict[str, Any], message: str
) -> None:
    api.answer("POST /jobs", (202, {"job_id": "job_1"}))
    api.answer("GET /jobs/job_1", (200, {"job_id": "job_1", **ending}))

    made = command("report", "2026-W10", "--stack", STACK, "--token", "t")

    assert (made.code, message in made.errors) == (1, True)


def test_a_week_that_is_none_is_explained(api: FakeApi, command: Command) -> None:
    api.refuse("POST /jobs", 422, "There is no such week.")

    refused = command("report", "2026-W60", "--stack", STACK, "--token", "t")

    assert refused.code == 1
    assert "There can be no report on '2026-W60'. There is no such week." in refused.errors


def log(function: str, *messages: str) -> None:
    """Logs messages as a function (its physical name) of orders does, now."""
    logs: Any = boto3.client("logs")
    group = Stack.named(STACK).resource("OrdersLogGroup")
    stream = f"2026/03/02/{function}[$LATEST]0a1b2c3d4e5f"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(utc_now().timestamp() * 1000)
    events = [{"timestamp": now + number, "message": message} for number, message in enumerate(messages)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_the_logs_are_those_of_the_stacks_functions(command: Command) -> None:
    placed, moved = (json.dumps({"message": "order placed", "order_id": name}) for name in ("ord_1", "ord_2"))
    stack = Stack.named(STACK)
    log(stack.resource("OrdersApiFunction"), "START RequestId: 1", placed, moved, "END RequestId: 1")
    log("somebody-elses", placed)

    def shown(*arguments: str) -> list[str]:
        return command("logs", "--stack", STACK, *arguments).output.splitlines()

    assert shown("--raw") == [f"OrdersApi  {placed}", f"OrdersApi  {moved}"]
    assert shown("--raw", "--grep", "ord_2") == [f"OrdersApi  {moved}"]
    assert shown("--raw", "--grep", '"order_id": "ord_2"') == [f"OrdersApi  {moved}"]
    [readable] = shown("--grep", "ord_2")
    assert readable.endswith("OrdersApi    order placed  order_id=ord_2")


def test_the_addresses_of_the_stack_are_exports_for_a_shell(api: FakeApi, command: Command) -> None:
    assert command("url", "--stack", STACK).output.splitlines() == [
        f"export API={api.url}",
        "export LIVE=wss://live.example.com/v1",
        f"export DOCS={api.url}/docs",
    ]


@pytest.mark.parametrize("arguments", [("dlq",), ("logs",), ("trace", "ord_1"), ("attention",)])
def test_a_stack_that_is_not_deployed_is_named_with_the_variables_that_choose_it(
    command: Command, arguments: tuple[str, ...]
) -> None:
    refused = command(*arguments, "--stack", "cartwright-nowhere")

    assert refused.code == 1
    assert "The stack cartwright-nowhere is not deployed in eu-central-1 (status: NONE)." in refused.errors
    assert "Check STACK, REGION and AWS_PROFILE" in refused.errors


def test_a_stack_of_another_template_is_said_to_be_one(command: Command) -> None:
    refused = command("trace", "ord_1", "--stack", STACK)

    assert refused.code == 1
    assert f"The stack {STACK} has no resource OrdersTable." in refused.errors

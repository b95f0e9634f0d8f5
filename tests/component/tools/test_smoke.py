"""`make smoke`: the answers that count as working, and the end of its customer."""

import pytest

from .conftest import STACK, Command, FakeApi, FakeCloudFormation

OLD, NEW = ({"version": "1.2.3", "revision": revision} for revision in ("0ld", "n3w"))
CONFIRMED, CANCELLED = (
    (200, {"order_id": "ord_1", "status": status}) for status in ("confirmed", "cancelled")
)
CANCEL, ERASE = "POST /orders/ord_1/cancel", "DELETE /users/me"


@pytest.fixture
def shop(on_aws: FakeCloudFormation, api: FakeApi) -> FakeApi:
    """A shop that works."""
    api.answer("GET /health", (200, NEW))
    api.answer("GET /products", (200, {"products": []}))
    api.refuse("GET /orders", 401, "Sign in.")
    api.answer("GET /users/me", (200, {"user_id": "user-1"}))
    api.answer("POST /orders", (201, {"order_id": "ord_1"}))
    api.answer("GET /orders/ord_1", CONFIRMED, CANCELLED)
    api.answer(CANCEL, (202, {"status": "cancelling"}))
    api.answer(ERASE, (204, ""))
    return api


def called(shop: FakeApi) -> list[str]:
    return [route for route, _, _ in shop.requests]


def test_an_order_is_placed_and_cancelled_and_its_customer_erased(shop: FakeApi, command: Command) -> None:
    shown = command("smoke", "--stack", STACK, "--sku", "MUG-1")
    assert (shown.code, "commit n3w" in shown.output) == (0, True)
    assert called(shop)[-2:] == ["GET /orders/ord_1", ERASE]
    [body] = [body for route, _, body in shop.requests if route == "POST /orders"]
    assert body["lines"] == [{"sku": "MUG-1", "quantity": 1}]
    assert CANCEL in called(shop)


def test_it_waits_until_the_deployed_commit_answers(shop: FakeApi, command: Command) -> None:
    shop.answer("GET /health", (500, {}), (200, OLD), (200, NEW))
    assert command("smoke", "--stack", STACK, "--revision", "n3w").code == 0
    assert called(shop)[:4] == [*["GET /health"] * 3, "GET /orders"]


@pytest.mark.parametrize(
    ("route", "answer", "why"),
    [
        ("GET /orders", (200, {}), "GET /orders without a token answered 200, not 401."),
        ("GET /products", (500, {}), "GET /products answered 500, not 200."),
    ],
)
def test_a_wrong_answer_fails_before_anybody_is_made_up(
    shop: FakeApi, command: Command, route: str, answer: tuple[int, object], why: str
) -> None:
    shop.answer(route, answer)
    shown = command("smoke", "--stack", STACK)
    assert (shown.code, why in shown.errors) == (1, True)
    assert "GET /users/me" not in called(shop)


@pytest.mark.parametrize(
    ("route", "answer", "why"),
    [
        ("POST /orders", (422, {"detail": "unknown sku"}), "`make seed` fills an empty shop"),
        (
            "GET /orders/ord_1",
            (200, {"status": "rejected", "rejection_reason": "out_of_stock"}),
            "The order ord_1 is rejected (out_of_stock).",
        ),
        (CANCEL, (500, {}), f"{CANCEL} answered 500, not 202."),
    ],
)
def test_whatever_becomes_of_the_order_its_customer_is_erased(
    shop: FakeApi, command: Command, route: str, answer: tuple[int, object], why: str
) -> None:
    shop.answer(route, answer)
    shown = command("smoke", "--stack", STACK)
    assert (shown.code, why in shown.errors) == (1, True)
    assert called(shop)[-1] == ERASE


def test_a_customer_who_stays_fails_it(shop: FakeApi, command: Command) -> None:
    shop.refuse(ERASE, 500, "Later.")
    assert "DELETE /users/me answered 500, not 204." in command("smoke", "--stack", STACK).errors


def test_a_parcel_that_left_first_is_no_failure(shop: FakeApi, command: Command) -> None:
    shop.refuse(CANCEL, 409, "It has left.")
    shown = command("smoke", "--stack", STACK)
    assert (shown.code, "too late: the parcel has left" in shown.output) == (0, True)


def test_production_gets_no_made_up_order(
    shop: FakeApi, command: Command, on_aws: FakeCloudFormation
) -> None:
    on_aws.parameters["Stage"] = "prod"
    shown = command("smoke", "--stack", STACK)
    assert (shown.code, "no order was made up" in shown.output) == (0, True)
    assert called(shop) == ["GET /health", "GET /orders", "GET /products"]

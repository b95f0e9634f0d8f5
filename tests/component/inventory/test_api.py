"""Reading, receiving and adjusting stock, through the real handler, against a pretended DynamoDB."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inventory import dependencies
from inventory.adapters.reservation_store import ReservationStore
from inventory.adapters.stock_ledger import StockLedger
from inventory.domain.reservation import Reservation
from inventory.domain.stock import MAX_AVAILABLE, MAX_QUANTITY, MovementKind
from shared.aws import client
from shared.cursor import encode_cursor
from shared.versioned_table import WriteConflict
from tests.component.inventory.account import NOW, TABLE, items, sums
from tests.component.rest_events import claims_of, header, json_body, rest_event

PROBLEMS = "https://cartwright.example/problems/"
EVENTS = Path(__file__).parents[3] / "events"
RECEIPT = {"kind": "receipt", "quantity": 5, "reason": "Delivery note 4711"}
ROUTES = [
    ("GET", "/inventory", None),
    ("GET", "/inventory/MUG", None),
    ("POST", "/inventory/MUG/movements", RECEIPT),
    ("GET", "/inventory/MUG/movements", None),
    ("GET", "/inventory/MUG/movements/mov_1", None),
    ("PUT", "/inventory/MUG/threshold", {"low_stock_threshold": 3}),
]


@pytest.fixture(autouse=True)
def service(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The service works with the tests' table."""
    monkeypatch.setenv("TABLE_NAME", TABLE)
    dependencies.stock_ledger.cache_clear()
    yield
    dependencies.stock_ledger.cache_clear()


class Client:
    """A client of the API."""

    def __init__(self, context: Any, claims: dict[str, str] | None) -> None:
        self._context = context
        self._claims = claims

    def call(self, method: str, path: str, body: Any = None, **request: Any) -> dict[str, Any]:
        from inventory.functions.api import handler

        event = rest_event(method, path, body=body, claims=self._claims, **request)
        answer = handler(event, self._context)
        assert header(answer, "X-Correlation-Id"), "every answer bears its correlation id"
        return answer

    def get(self, path: str, **query: str) -> dict[str, Any]:
        return self.call("GET", path, query=query or None)

    def move(self, sku: str, body: Any, key: str | None = "key-1") -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key is not None else {}
        return self.call("POST", f"/inventory/{sku}/movements", body, headers=headers)

    def receive(self, sku: str, quantity: int, key: str) -> dict[str, Any]:
        answer = self.move(sku, {"kind": "receipt", "quantity": quantity}, key)
        assert answer["statusCode"] == 201, answer
        moved: dict[str, Any] = json_body(answer)
        return moved

    def adjust(self, sku: str, quantity: int, key: str = "key-a", reason: str = "Counted") -> dict[str, Any]:
        return self.move(sku, {"kind": "adjustment", "quantity": quantity, "reason": reason}, key)

    def set_threshold(self, sku: str, threshold: Any, *, if_match: str | None = None) -> dict[str, Any]:
        headers = {"If-Match": if_match} if if_match else None
        body = {"low_stock_threshold": threshold}
        return self.call("PUT", f"/inventory/{sku}/threshold", body, headers=headers)


@pytest.fixture
def ada(lambda_context: Any) -> Client:
    """An admin."""
    return Client(lambda_context, claims_of("ada", groups="admin"))


@pytest.fixture
def bob(lambda_context: Any) -> Client:
    """Another admin."""
    return Client(lambda_context, claims_of("bob", groups="customer,admin"))


def refused(answer: dict[str, Any], status: int, code: str) -> dict[str, Any]:
    """The problem that `answer` is; fails unless it is that one."""
    problem: dict[str, Any] = json_body(answer)
    assert (answer["statusCode"], problem["type"]) == (status, PROBLEMS + code), problem
    assert header(answer, "Content-Type") == "application/problem+json"
    return problem


def pointers(problem: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in problem["errors"]]


def pieces(ledger: StockLedger, sku: str) -> tuple[int, int] | None:
    """(available, reserved) of the sku."""
    level = ledger.level(sku)
    return (level.available, level.reserved) if level else None


def written() -> list[dict[str, Any]]:
    return sorted(items(client("dynamodb")), key=lambda item: item["pk"])


class TestAccess:
    @pytest.mark.parametrize(("method", "path", "body"), ROUTES)
    def test_without_a_token_every_route_answers_401(
        self, lambda_context: Any, method: str, path: str, body: Any
    ) -> None:
        anyone = Client(lambda_context, None)
        refused(anyone.call(method, path, body, headers={"Idempotency-Key": "k"}), 401, "unauthorized")
        assert written() == []

    @pytest.mark.parametrize(("method", "path", "body"), ROUTES)
    def test_a_customer_is_refused_on_every_route(
        self, lambda_context: Any, method: str, path: str, body: Any
    ) -> None:
        customer = Client(lambda_context, claims_of("eve"))
        refused(customer.call(method, path, body, headers={"Idempotency-Key": "k"}), 403, "forbidden")
        assert written() == []


class TestReading:
    def test_a_sku_shows_what_is_available_reserved_and_on_hand(
        self, store: ReservationStore, ledger: StockLedger, ada: Client
    ) -> None:
        ledger.receive("MUG", 5, movement_id="m", correlation_id="c", now=NOW, low_stock_threshold=3)
        store.reserve(Reservation.of("o-1", "c", [("MUG", 2)]), NOW)

        answer = ada.get("/inventory/MUG")

        assert json_body(answer) == {
            "sku": "MUG",
            "on_hand": 5,
            "available": 3,
            "reserved": 2,
            "low_stock_threshold": 3,
            "low": True,
            "version": 2,
            "changed_at": "2026-03-02T09:30:00.000Z",
        }
        assert header(answer, "ETag") == '"2"'

    def test_a_client_with_the_latest_version_gets_304(self, ada: Client) -> None:
        ada.receive("MUG", 5, "k")
        known = {"If-None-Match": str(header(ada.get("/inventory/MUG"), "ETag"))}
        answer = ada.call("GET", "/inventory/MUG", headers=known)
        assert (answer["statusCode"], answer["body"], header(answer, "ETag")) == (304, "", '"1"')
        ada.receive("MUG", 1, "k-2")
        assert ada.call("GET", "/inventory/MUG", headers=known)["statusCode"] == 200
        refused(ada.call("GET", "/inventory/TEA", headers={"If-None-Match": "*"}), 404, "not-found")

    def test_stock_above_its_threshold_is_not_low(self, ledger: StockLedger, ada: Client) -> None:
        ledger.receive("MUG", 4, movement_id="m", correlation_id="c", now=NOW, low_stock_threshold=3)
        assert json_body(ada.get("/inventory/MUG"))["low"] is False

    def test_a_sku_that_inventory_does_not_know_is_a_404(self, ada: Client) -> None:
        refused(ada.get("/inventory/MUG"), 404, "not-found")
        refused(ada.get("/inventory/MUG/movements"), 404, "not-found")
        refused(ada.set_threshold("MUG", 3), 404, "not-found")

    @pytest.mark.parametrize("sku", ["mug", "MUG-", "M" * 41, "MÜG", "MUG\u0000", "MUG%0A"])
    def test_what_has_not_the_form_of_a_sku_is_refused_before_it_is_looked_for(
        self, ada: Client, sku: str
    ) -> None:
        for answer in [ada.get(f"/inventory/{sku}"), ada.move(sku, RECEIPT), ada.set_threshold(sku, 1)]:
            assert answer["statusCode"] in {404, 422}, answer
        assert written() == []

    def test_all_stock_is_listed_by_sku_by_page_as_last_written(
        self, store: ReservationStore, ada: Client
    ) -> None:
        for number, sku in enumerate(["TEA", "MUG", "POT", "CUP", "BOX"], start=1):
            ada.receive(sku, number, sku)
        store.reserve(Reservation.of("o-1", "c", [("MUG", 1)]), NOW)

        first = json_body(ada.get("/inventory", limit="2"))
        second = json_body(ada.get("/inventory", limit="2", cursor=first["next"]))
        ada.receive("AXE", 9, "AXE")
        third = json_body(ada.get("/inventory", limit="2", cursor=second["next"]))

        listed = [level for page in (first, second, third) for level in page["stock"]]
        assert [level["sku"] for level in listed] == ["BOX", "CUP", "MUG", "POT", "TEA"]
        assert listed[2] == json_body(ada.get("/inventory/MUG"))
        assert (listed[2]["available"], listed[2]["reserved"]) == (1, 1)
        assert third["next"] is None

    def test_a_full_last_page_has_no_next(self, ada: Client) -> None:
        for sku in ("MUG", "TEA"):
            ada.receive(sku, 1, sku)
        assert json_body(ada.get("/inventory", limit="2"))["next"] is None

    def test_no_stock_is_an_empty_page(self, ada: Client) -> None:
        assert json_body(ada.get("/inventory")) == {"stock": [], "next": None}

    @pytest.mark.parametrize(
        "cursor",
        [
            "!",
            encode_cursor({"place": "2026-03-02T09:30:00.000Z#m"}),
            encode_cursor({"sku": "x" * 1100}),
            encode_cursor({"sku": "MUG\u0000"}),
        ],
    )
    def test_a_cursor_of_another_list_is_refused(self, ada: Client, cursor: str) -> None:
        ada.receive("MUG", 1, "k")
        refused(ada.get("/inventory", cursor=cursor), 400, "invalid-cursor")

    @pytest.mark.parametrize(
        "cursor", ["", "!", encode_cursor({"sku": "MUG"}), encode_cursor({"place": "x"})]
    )
    def test_a_cursor_of_another_ledger_form_is_refused(self, ada: Client, cursor: str) -> None:
        ada.receive("MUG", 1, "k")
        refused(ada.get("/inventory/MUG/movements", cursor=cursor), 400, "invalid-cursor")

    @pytest.mark.parametrize("limit", ["0", "101", "x"])
    def test_a_page_has_1_to_100_entries(self, ada: Client, limit: str) -> None:
        ada.receive("MUG", 1, "k")
        assert pointers(refused(ada.get("/inventory", limit=limit), 422, "invalid-request")) == [
            "/query/limit"
        ]
        refused(ada.get("/inventory/MUG/movements", limit=limit), 422, "invalid-request")

    def test_the_longest_page_is_answered(self, ledger: StockLedger, ada: Client) -> None:
        for number in range(101):
            ledger.receive(f"SKU-{number:03}", 1, movement_id=f"m-{number}", correlation_id="c", now=NOW)
        page = json_body(ada.get("/inventory", limit="100"))
        assert [level["sku"] for level in page["stock"]] == [f"SKU-{number:03}" for number in range(100)]
        assert len(json_body(ada.get("/inventory", limit="100", cursor=page["next"]))["stock"]) == 1


class TestReceiving:
    def test_a_receipt_adds_to_the_stock_and_says_who_why_and_when(
        self, ledger: StockLedger, ada: Client, logged: Any
    ) -> None:
        ledger.receive("MUG", 2, movement_id="m", correlation_id="c", now=NOW, low_stock_threshold=1)

        answer = ada.move("MUG", RECEIPT)

        movement = json_body(answer)
        assert answer["statusCode"] == 201
        assert header(answer, "Idempotent-Replayed") == "false"
        assert pieces(ledger, "MUG") == (7, 0)
        assert movement == {
            "movement_id": movement["movement_id"],
            "sku": "MUG",
            "kind": "receipt",
            "quantity": 5,
            "reason": "Delivery note 4711",
            "order_id": None,
            "recorded_by": "ada",
            "recorded_at": movement["recorded_at"],
        }
        location = header(answer, "Location")
        assert location is not None and location.startswith("/test/inventory/MUG/movements/")
        assert json_body(ada.get(location.removeprefix("/test"))) == movement
        assert json_body(ada.get("/inventory/MUG"))["low_stock_threshold"] == 1
        [line] = logged("stock movement recorded")
        assert (line["sku"], line["kind"], line["quantity"]) == ("MUG", "receipt", 5)

    def test_a_receipt_makes_a_sku_known(self, ledger: StockLedger, ada: Client) -> None:
        ada.receive("NEW-TEA", 3, "k")
        assert pieces(ledger, "NEW-TEA") == (3, 0)
        assert json_body(ada.get("/inventory/NEW-TEA"))["low_stock_threshold"] == 0

    def test_a_receipt_needs_no_reason(self, ada: Client) -> None:
        assert ada.receive("MUG", 1, "k")["reason"] is None
        explicit = ada.move("MUG", {"kind": "receipt", "quantity": 1, "reason": None}, "k-2")
        assert json_body(explicit)["reason"] is None

    def test_the_same_key_and_body_again_answers_with_the_same_movement(
        self, ledger: StockLedger, ada: Client, logged: Any
    ) -> None:
        first, again = ada.move("MUG", RECEIPT), ada.move("MUG", RECEIPT)

        assert (first["statusCode"], again["statusCode"]) == (201, 201)
        assert json_body(again) == json_body(first)
        assert header(again, "Idempotent-Replayed") == "true"
        assert header(again, "Location") == header(first, "Location")
        assert pieces(ledger, "MUG") == (5, 0)
        assert len(logged("stock movement recorded")) == 1

    @pytest.mark.parametrize(
        "change", [{"quantity": 6}, {"reason": "Another"}, {"reason": None}, {"kind": "adjustment"}]
    )
    def test_the_same_key_with_another_body_is_refused(
        self, ledger: StockLedger, ada: Client, change: dict[str, Any]
    ) -> None:
        ada.move("MUG", RECEIPT)
        refused(ada.move("MUG", RECEIPT | change), 422, "idempotency-key-reused")
        assert pieces(ledger, "MUG") == (5, 0)

    def test_another_key_another_sku_or_another_admin_is_another_movement(
        self, ledger: StockLedger, ada: Client, bob: Client
    ) -> None:
        answers = [
            ada.move("MUG", RECEIPT),
            ada.move("MUG", RECEIPT, "key-2"),
            ada.move("TEA", RECEIPT),
            bob.move("MUG", RECEIPT),
        ]
        assert len({json_body(answer)["movement_id"] for answer in answers}) == 4
        assert (pieces(ledger, "MUG"), pieces(ledger, "TEA")) == ((15, 0), (5, 0))

    @pytest.mark.parametrize("key", [None, "", "k" * 256, "with space", "ключ"])
    def test_a_key_that_is_missing_or_none_is_named(self, ada: Client, key: str | None) -> None:
        problem = refused(ada.move("MUG", RECEIPT, key), 422, "invalid-request")
        assert [pointer.lower() for pointer in pointers(problem)] == ["/header/idempotency-key"]
        assert written() == []

    def test_the_movement_is_counted_once(self, ada: Client, capsys: pytest.CaptureFixture[str]) -> None:
        ada.move("MUG", RECEIPT)
        ada.move("MUG", RECEIPT)
        counts = [
            json.loads(line)["StockMovements"]
            for line in capsys.readouterr().out.splitlines()
            if "StockMovements" in line
        ]
        assert counts == [[1.0]]

    def test_no_more_comes_in_than_inventory_counts(self, ledger: StockLedger, ada: Client) -> None:
        ledger.receive("MUG", MAX_AVAILABLE - 5, movement_id="m", correlation_id="c", now=NOW)

        assert ada.adjust("MUG", 6)["statusCode"] == 409
        refused(ada.move("MUG", RECEIPT | {"quantity": 6}), 409, "too-much-stock")
        assert pieces(ledger, "MUG") == (MAX_AVAILABLE - 5, 0)
        ada.receive("MUG", 5, "fits")
        assert pieces(ledger, "MUG") == (MAX_AVAILABLE, 0)


class TestAdjusting:
    @pytest.mark.parametrize(("quantity", "left"), [(-1, 4), (-5, 0), (3, 8)])
    def test_an_adjustment_changes_what_is_available(
        self, ledger: StockLedger, ada: Client, quantity: int, left: int
    ) -> None:
        ada.receive("MUG", 5, "k")
        answer = ada.adjust("MUG", quantity)
        assert (answer["statusCode"], json_body(answer)["quantity"]) == (201, quantity)
        assert pieces(ledger, "MUG") == (left, 0)

    def test_what_is_promised_to_orders_is_not_adjusted_away(
        self, store: ReservationStore, ledger: StockLedger, ada: Client
    ) -> None:
        ada.receive("MUG", 5, "k")
        store.reserve(Reservation.of("o-1", "c", [("MUG", 3)]), NOW)

        problem = refused(ada.adjust("MUG", -3), 409, "not-enough-stock")

        assert "2 are available" in problem["detail"]
        assert pieces(ledger, "MUG") == (2, 3)
        assert len(json_body(ada.get("/inventory/MUG/movements"))["movements"]) == 1

    def test_a_refused_adjustment_may_be_sent_again_under_its_key_once_it_fits(
        self, ledger: StockLedger, ada: Client
    ) -> None:
        ada.receive("MUG", 1, "k")
        refused(ada.adjust("MUG", -2), 409, "not-enough-stock")
        ada.receive("MUG", 1, "k-2")
        assert header(ada.adjust("MUG", -2), "Idempotent-Replayed") == "false"
        assert pieces(ledger, "MUG") == (0, 0)

    def test_a_repeat_answers_with_the_movement_even_when_it_would_not_fit_any_more(
        self, ledger: StockLedger, ada: Client
    ) -> None:
        ada.receive("MUG", 2, "k")
        first, again = ada.adjust("MUG", -2), ada.adjust("MUG", -2)
        assert json_body(again) == json_body(first)
        assert header(again, "Idempotent-Replayed") == "true"
        assert pieces(ledger, "MUG") == (0, 0)

    @pytest.mark.parametrize("quantity", [-1, 1])
    def test_what_inventory_does_not_know_cannot_be_adjusted(self, ada: Client, quantity: int) -> None:
        refused(ada.adjust("GHOST", quantity), 404, "not-found")
        assert written() == []

    def test_stock_that_others_keep_changing_is_a_503(
        self, ada: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def contended(*_: Any, **__: Any) -> None:
            raise WriteConflict("MUG")

        monkeypatch.setattr(StockLedger, "record", contended)
        refused(ada.move("MUG", RECEIPT), 503, "temporarily-unavailable")


class TestMovementBody:
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"kind": "receipt"}, "quantity"),
            ({"kind": "receipt", "quantity": 0}, "quantity"),
            ({"kind": "receipt", "quantity": -1}, "quantity"),
            ({"kind": "receipt", "quantity": MAX_QUANTITY + 1}, "quantity"),
            ({"kind": "receipt", "quantity": 10**40}, "quantity"),
            ({"kind": "receipt", "quantity": 1.5}, "quantity"),
            ({"kind": "receipt", "quantity": "1"}, "quantity"),
            ({"kind": "receipt", "quantity": True}, "quantity"),
            ({"kind": "receipt", "quantity": None}, "quantity"),
            ({"kind": "shipment", "quantity": 1}, "kind"),
            ({"quantity": 1}, "kind"),
            ({"kind": "receipt", "quantity": 1, "sku": "TEA"}, "sku"),
            ({"kind": "receipt", "quantity": 1, "reason": ""}, "reason"),
            ({"kind": "adjustment", "quantity": 0, "reason": "x"}, "quantity"),
            ({"kind": "adjustment", "quantity": -MAX_QUANTITY - 1, "reason": "x"}, "quantity"),
            ({"kind": "adjustment", "quantity": -1}, "reason"),
            ({"kind": "adjustment", "quantity": -1, "reason": None}, "reason"),
            ({"kind": "adjustment", "quantity": -1, "reason": " "}, "reason"),
            ({"kind": "adjustment", "quantity": -1, "reason": "x" * 201}, "reason"),
            ({"kind": "adjustment", "quantity": -1, "reason": "a\nb"}, "reason"),
            ({"kind": "adjustment", "quantity": -1, "reason": "a\u0000"}, "reason"),
            ({"kind": "adjustment", "quantity": -1, "reason": "a\u009f"}, "reason"),
            ({"kind": "adjustment", "quantity": -1, "reason": "\ud800"}, "reason"),
            ({"kind": "adjustment", "quantity": -1, "reason": 7}, "reason"),
        ],
    )
    def test_what_is_wrong_is_named(self, ada: Client, body: Any, pointer: str) -> None:
        ada.receive("MUG", 5, "first")
        problem = refused(ada.move("MUG", body), 422, "invalid-request")
        assert pointers(problem) == [f"/body/{pointer}"]
        assert len(written()) == 2

    @pytest.mark.parametrize("kind", ["shipment", None, ["receipt"]])
    def test_a_kind_that_cannot_be_requested_is_refused_with_those_that_can(
        self, ada: Client, kind: Any
    ) -> None:
        problem = refused(ada.move("MUG", {"kind": kind, "quantity": 1}), 422, "invalid-request")
        assert problem["errors"][0]["detail"] == "Input should be one of 'receipt', 'adjustment'"

    @pytest.mark.parametrize("body", ["", "[]", "null", '"text"', "7"])
    def test_what_is_no_movement_is_refused(self, ada: Client, body: str) -> None:
        refused(ada.move("MUG", body), 422, "invalid-request")

    def test_what_is_no_json_is_refused(self, ada: Client) -> None:
        refused(ada.move("MUG", "{"), 400, "malformed-json")

    @pytest.mark.parametrize("reason", ["x", "ü" * 200, " Zählung: 3 Stück fehlen 📦 "])
    def test_a_reason_is_kept_as_it_was_given(self, ada: Client, reason: str) -> None:
        ada.receive("MUG", 5, "k")
        ada.adjust("MUG", -1, reason=reason)
        newest = json_body(ada.get("/inventory/MUG/movements"))["movements"][0]
        assert newest["reason"] == reason

    @pytest.mark.parametrize("quantity", [1, MAX_QUANTITY])
    def test_the_limits_of_a_receipt_are_within(self, ada: Client, quantity: int) -> None:
        assert ada.receive("MUG", quantity, "k")["quantity"] == quantity


class TestLedger:
    def test_the_ledger_is_read_newest_first_by_page_and_survives_a_new_entry(
        self, ada: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api = importlib.import_module("inventory.functions.api")
        # Two in one millisecond, as a client that sends many may make them.
        minutes = iter([1, 2, 3, 3, 4, 5])
        monkeypatch.setattr(api, "utc_now", lambda: NOW.replace(minute=next(minutes)))
        made = [ada.receive("MUG", number, f"k-{number}") for number in range(1, 6)]

        first = json_body(ada.get("/inventory/MUG/movements", limit="2"))
        ada.receive("MUG", 6, "k-6")
        second = json_body(ada.get("/inventory/MUG/movements", limit="2", cursor=first["next"]))
        third = json_body(ada.get("/inventory/MUG/movements", limit="2", cursor=second["next"]))

        listed = [movement for page in (first, second, third) for movement in page["movements"]]
        assert listed == sorted(made, key=lambda one: (one["recorded_at"], one["movement_id"]), reverse=True)
        assert third["next"] is None

    def test_the_ledger_of_a_sku_holds_that_sku_alone(self, ada: Client) -> None:
        ada.receive("MUG", 1, "k")
        ada.receive("TEA-INFUSER-ST", 2, "k")
        [movement] = json_body(ada.get("/inventory/MUG/movements"))["movements"]
        assert movement["sku"] == "MUG"

    def test_a_receipt_of_the_system_is_in_the_ledger_as_well(self, ledger: StockLedger, ada: Client) -> None:
        ledger.receive("MUG", 5, movement_id="seed-MUG", correlation_id="seed", now=NOW)
        movement = json_body(ada.get("/inventory/MUG/movements/seed-MUG"))
        assert (movement["recorded_by"], movement["kind"]) == (None, MovementKind.RECEIPT)
        assert json_body(ada.get("/inventory/MUG/movements"))["movements"] == [movement]

    def test_a_movement_of_another_sku_or_of_none_is_a_404(self, ada: Client) -> None:
        movement_id = ada.receive("MUG", 1, "k")["movement_id"]
        refused(ada.get(f"/inventory/TEA/movements/{movement_id}"), 404, "not-found")
        refused(ada.get("/inventory/MUG/movements/mov_none"), 404, "not-found")

    @pytest.mark.parametrize("movement_id", ["m" * 65, "mov.1", "möv"])
    def test_what_no_movement_is_named_is_refused(self, ada: Client, movement_id: str) -> None:
        refused(ada.get(f"/inventory/MUG/movements/{movement_id}"), 422, "invalid-request")

    def test_orders_leave_the_ledger_as_it_is_and_its_sum_is_what_is_on_hand(
        self, store: ReservationStore, ada: Client
    ) -> None:
        ada.receive("MUG", 5, "k")
        ada.adjust("MUG", -1)
        store.reserve(Reservation.of("o-1", "c", [("MUG", 2)]), NOW)
        store.reserve(Reservation.of("o-2", "c", [("MUG", 1)]), NOW)
        store.release("o-1", "c", NOW)

        movements = json_body(ada.get("/inventory/MUG/movements"))["movements"]
        assert sum(movement["quantity"] for movement in movements) == 4
        assert json_body(ada.get("/inventory/MUG"))["on_hand"] == 4
        assert sums(client("dynamodb")) == ({"MUG": 4}, {"MUG": 4})


class TestThreshold:
    def test_a_threshold_is_set_and_is_a_new_version(self, ledger: StockLedger, ada: Client) -> None:
        ada.receive("MUG", 5, "k")
        answer = ada.set_threshold("MUG", 5)
        assert answer["statusCode"] == 200
        assert json_body(answer) == json_body(ada.get("/inventory/MUG"))
        assert (json_body(answer)["low_stock_threshold"], json_body(answer)["low"]) == (5, True)
        assert header(answer, "ETag") == '"2"'
        assert pieces(ledger, "MUG") == (5, 0)

    def test_a_threshold_based_on_the_present_version_is_set(self, ada: Client) -> None:
        ada.receive("MUG", 5, "k")
        etag = str(header(ada.get("/inventory/MUG"), "ETag"))
        answer = ada.set_threshold("MUG", 5, if_match=etag)
        assert (answer["statusCode"], header(answer, "ETag")) == (200, '"2"')

    @pytest.mark.parametrize("tag", ['"1"', '"3"', 'W/"2"', "2", "*"])
    def test_a_threshold_based_on_another_version_is_refused(self, ada: Client, tag: str) -> None:
        ada.receive("MUG", 5, "k")
        ada.receive("MUG", 5, "k-2")
        refused(ada.set_threshold("MUG", 5, if_match=tag), 412, "precondition-failed")
        assert json_body(ada.get("/inventory/MUG"))["low_stock_threshold"] == 0

    def test_a_threshold_of_an_unknown_sku_is_not_found_whatever_version_it_is_based_on(
        self, ada: Client
    ) -> None:
        refused(ada.set_threshold("MUG", 5, if_match='"1"'), 404, "not-found")

    def test_a_delivery_leaves_the_threshold_as_it_is(self, ada: Client) -> None:
        ada.receive("MUG", 5, "k")
        ada.set_threshold("MUG", 7)
        ada.receive("MUG", 5, "k-2")
        assert json_body(ada.get("/inventory/MUG"))["low_stock_threshold"] == 7

    @pytest.mark.parametrize("threshold", [0, MAX_QUANTITY])
    def test_the_limits_are_within(self, ada: Client, threshold: int) -> None:
        ada.receive("MUG", 5, "k")
        assert json_body(ada.set_threshold("MUG", threshold))["low_stock_threshold"] == threshold

    @pytest.mark.parametrize("threshold", [-1, MAX_QUANTITY + 1, 1.5, "1", True, None, 10**40])
    def test_what_is_no_threshold_is_named(self, ada: Client, threshold: Any) -> None:
        ada.receive("MUG", 5, "k")
        problem = refused(ada.set_threshold("MUG", threshold), 422, "invalid-request")
        assert pointers(problem) == ["/body/low_stock_threshold"]

    def test_an_unknown_sku_gets_no_stock_item_by_its_threshold(self, ada: Client) -> None:
        refused(ada.set_threshold("MUG", 3), 404, "not-found")
        assert written() == []


def test_the_example_event_is_a_receipt(ledger: StockLedger, lambda_context: Any) -> None:
    from inventory.functions.api import handler

    answer = handler(json.loads((EVENTS / "inventory_api.json").read_text()), lambda_context)

    assert answer["statusCode"] == 201
    assert pieces(ledger, "TEA-ASSAM-100") == (24, 0)

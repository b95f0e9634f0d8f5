"""Reading and listing orders, through the real handler, against a pretended DynamoDB."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.audit_trail import EVERYBODY
from shared.aws import client
from tests.component.orders.account import OrdersAccount, order_body
from tests.component.orders.client import Client, change, confirm, erase, pointers, refused
from tests.component.rest_events import json_body, rest_event


class TestReading:
    def test_a_customer_reads_an_order_with_its_history(self, ada: Client) -> None:
        placed = json_body(ada.place(order_body(("TEA", 2))))

        answer = ada.read(placed["order_id"])

        assert answer["statusCode"] == 200
        assert json_body(answer) == placed
        assert [entry["status"] for entry in placed["history"]] == ["placed"]

    def test_someone_elses_order_does_not_exist(self, ada: Client, eve: Client) -> None:
        order_id = json_body(ada.place(order_body(("TEA", 2))))["order_id"]

        others = eve.read(order_id)

        refused(others, 404, "not-found")
        assert others["body"] == eve.read("ord_none")["body"], (
            "an order that exists must look like one that does not"
        )

    @pytest.mark.parametrize("order_id", ["x" * 65, "ord 1", "ord.1", "é", "a@b"])
    def test_an_id_that_no_order_could_have_is_refused(self, ada: Client, order_id: str) -> None:
        assert pointers(refused(ada.read(order_id), 422, "invalid-request")) == ["/path/order_id"]

    @pytest.mark.parametrize("order_id", ["a\x00b", "customer#ada", "\ud800"])
    def test_an_id_that_cannot_stand_in_a_path_is_not_found(
        self, account: OrdersAccount, ada: Client, order_id: str
    ) -> None:
        from orders.dependencies import order_store

        order_store().close_account("ada", "2026-11-21T10:15:00.000Z")
        refused(ada.read(order_id), 404, "not-found")

    def test_an_admin_reads_anybodys_order(self, ada: Client, admin: Client) -> None:
        placed = json_body(ada.place(order_body(("TEA", 2))))
        assert json_body(admin.read(placed["order_id"])) == placed

    def test_an_erased_order_shows_its_remaining_data(self, ada: Client) -> None:
        placed = json_body(ada.place(order_body(("TEA", 2))))
        change(placed["order_id"], erase)

        erased = json_body(ada.read(placed["order_id"]))

        assert erased.pop("erased_at")
        assert erased.pop("shipping_address") == {
            "name": "",
            "line1": "",
            "line2": None,
            "city": "",
            "postal_code": "",
            "country": "DE",
        }
        differing = {
            "shipping_address",
            "erased_at",
            "status",
            "history",
            "cancelled_by",
            "cancellation_reason",
        }
        assert {name: value for name, value in erased.items() if name not in differing} == {
            name: value for name, value in placed.items() if name not in differing
        }
        assert (erased["status"], erased["cancelled_by"]) == ("cancelling", "customer")

    @pytest.mark.parametrize("known", [True, False])
    def test_without_a_token_the_answer_is_a_401(self, ada: Client, lambda_context: Any, known: bool) -> None:
        from orders.functions.api import handler

        order_id = json_body(ada.place(order_body(("TEA", 2))))["order_id"] if known else "ord_none"
        refused(handler(rest_event("GET", f"/orders/{order_id}"), lambda_context), 401, "unauthorized")


class TestListing:
    @pytest.fixture
    def placed(self, ada: Client, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The ids of five orders of Ada's, the newest first, placed a second apart."""
        ids = []
        for number in range(5):
            moment = datetime(2026, 11, 21, 10, 15, number, tzinfo=UTC)
            monkeypatch.setattr("orders.functions.api.utc_now", lambda moment=moment: moment)
            ids.append(json_body(ada.place(order_body(("TEA", 1)), key=f"key-{number}"))["order_id"])
        return ids[::-1]

    def test_pages_hold_every_order_once_and_the_newest_first(self, ada: Client, placed: list[str]) -> None:
        pages: list[list[str]] = []
        query = {"limit": "2"}
        while len(pages) < len(placed):
            page = json_body(ada.list(**query))
            pages.append([order["order_id"] for order in page["orders"]])
            if page["next"] is None:
                break
            query["cursor"] = page["next"]

        assert pages == [placed[:2], placed[2:4], placed[4:]]

    def test_orders_of_the_same_moment_are_not_lost_between_pages(
        self, ada: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("orders.functions.api.utc_now", lambda: datetime(2026, 11, 21, tzinfo=UTC))
        ids = {json_body(ada.place(order_body(("TEA", 1)), key=key))["order_id"] for key in ("a", "b", "c")}

        first = json_body(ada.list(limit="2"))
        second = json_body(ada.list(limit="2", cursor=first["next"]))

        assert {order["order_id"] for page in (first, second) for order in page["orders"]} == ids

    def test_an_order_that_is_placed_meanwhile_moves_no_page(
        self, ada: Client, placed: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cursor = json_body(ada.list(limit="2"))["next"]
        monkeypatch.setattr(
            "orders.functions.api.utc_now",
            lambda: datetime(2026, 11, 21, 10, 15, tzinfo=UTC) + timedelta(hours=1),
        )
        ada.place(order_body(("TEA", 1)), key="meanwhile")

        page = json_body(ada.list(limit="2", cursor=cursor))

        assert [order["order_id"] for order in page["orders"]] == placed[2:4]

    @pytest.mark.usefixtures("placed")
    def test_a_customer_lists_own_orders_only(self, eve: Client) -> None:
        assert json_body(eve.list()) == {"orders": [], "next": None}

    def test_orders_in_one_status_are_listed_by_page(self, ada: Client, placed: list[str]) -> None:
        for order_id in (placed[0], placed[2], placed[4]):
            change(order_id, confirm)

        first = json_body(ada.list(status="confirmed", limit="2"))
        second = json_body(ada.list(status="confirmed", limit="2", cursor=first["next"]))

        listed = [[order["order_id"] for order in page["orders"]] for page in (first, second)]
        assert listed == [[placed[0], placed[2]], [placed[4]]]
        assert second["next"] is None
        assert [order["order_id"] for order in json_body(ada.list(status="placed"))["orders"]] == [
            placed[1],
            placed[3],
        ]
        assert json_body(ada.list(status="cancelled"))["orders"] == []

    def test_an_order_that_leaves_the_status_meanwhile_moves_no_page(
        self, ada: Client, placed: list[str]
    ) -> None:
        """Not even when it is the one that the page ended at."""
        page = json_body(ada.list(status="placed", limit="2"))
        change(placed[1], confirm)

        following = json_body(ada.list(status="placed", limit="2", cursor=page["next"]))

        assert [order["order_id"] for order in following["orders"]] == placed[2:4]

    def test_a_page_shows_orders_as_last_written_though_the_index_lags(
        self, ada: Client, placed: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lagging = {"Items": [{"pk": {"S": order_id}} for order_id in placed]}
        change(placed[1], confirm)
        monkeypatch.setattr(client("dynamodb"), "query", lambda **_: lagging)

        all_orders = json_body(ada.list())["orders"]
        in_status = json_body(ada.list(status="placed"))["orders"]

        assert [order["status"] for order in all_orders] == ["placed", "confirmed", *["placed"] * 3]
        assert [order["order_id"] for order in in_status] == [placed[0], *placed[2:]], (
            "one has left the status"
        )

    def test_a_page_that_dynamodb_reads_in_pieces_is_whole_and_as_last_written(
        self, ada: Client, placed: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read, consistent = client("dynamodb").batch_get_item, []

        def two_at_a_time(*, RequestItems: Any) -> Any:  # noqa: N803
            [(table, wanted)] = RequestItems.items()
            consistent.append(wanted["ConsistentRead"])
            first, rest = ({**wanted, "Keys": keys} for keys in (wanted["Keys"][:2], wanted["Keys"][2:]))
            answer = read(RequestItems={table: first})
            return {**answer, "UnprocessedKeys": {table: rest} if rest["Keys"] else {}}

        monkeypatch.setattr(client("dynamodb"), "batch_get_item", two_at_a_time)
        monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)

        page = json_body(ada.list())

        assert [order["order_id"] for order in page["orders"]] == placed
        assert consistent == [True] * 3

    def test_a_page_that_dynamodb_does_not_read_whole_is_a_503(
        self, ada: Client, placed: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert placed

        def throttled(*, RequestItems: Any) -> Any:  # noqa: N803
            return {"Responses": {table: [] for table in RequestItems}, "UnprocessedKeys": RequestItems}

        monkeypatch.setattr(client("dynamodb"), "batch_get_item", throttled)
        monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)

        refused(ada.list(), 503, "temporarily-unavailable")

    @pytest.mark.usefixtures("placed")
    @pytest.mark.parametrize(
        ("of", "used_on"),
        [
            ({}, {"status": "placed"}),
            ({"status": "placed"}, {}),
            ({"status": "placed"}, {"status": "confirmed"}),
        ],
    )
    def test_a_cursor_of_another_list_is_a_400(
        self, ada: Client, of: dict[str, str], used_on: dict[str, str]
    ) -> None:
        cursor = json_body(ada.list(limit="1", **of))["next"]
        refused(ada.list(cursor=cursor, **used_on), 400, "invalid-cursor")

    @pytest.mark.parametrize("status", ["", "paid", "PLACED", "placed\x00", "\ud800"])
    def test_an_unknown_status_is_named(self, ada: Client, status: str) -> None:
        assert pointers(refused(ada.list(status=status), 422, "invalid-request")) == ["/query/status"]

    def test_an_admin_lists_anybodys_orders_by_page(
        self, ada: Client, admin: Client, placed: list[str]
    ) -> None:
        first = json_body(admin.list(customer_id="ada", limit="3"))
        second = json_body(admin.list(customer_id="ada", limit="3", cursor=first["next"]))

        assert [order["order_id"] for page in (first, second) for order in page["orders"]] == placed
        assert json_body(admin.list())["orders"] == [], "an admin's own orders"

    @pytest.mark.usefixtures("placed")
    def test_a_customer_lists_only_their_own_orders(self, eve: Client) -> None:
        refused(eve.list(customer_id="ada"), 403, "forbidden")
        refused(eve.list(customer_id="nobody"), 403, "forbidden")
        assert eve.list(customer_id="eve")["statusCode"] == 200

    @pytest.mark.parametrize(
        "customer", ["", "a b", "a\x00", "é", "x" * 65, "\ud800", "ada@example.com", "ada+1", EVERYBODY]
    )
    def test_a_customers_id_has_the_form_of_one_and_is_no_mail_address(
        self, admin: Client, customer: str
    ) -> None:
        """The audit trail has one word for all customers; an admin's line about one of them may not claim it."""
        problem = refused(admin.list(customer_id=customer), 422, "invalid-request")
        assert pointers(problem) == ["/query/customer_id"]

    @pytest.mark.usefixtures("placed")
    def test_someone_elses_cursor_is_a_400(self, ada: Client, eve: Client) -> None:
        cursor = json_body(ada.list(limit="1"))["next"]
        refused(eve.list(cursor=cursor), 400, "invalid-cursor")

    @pytest.mark.usefixtures("placed")
    @pytest.mark.parametrize(
        "forged",
        [
            {"pk": "ord_1"},
            {"placed_at": "x"},
            {"placed_at": "x" * 1025},
            {"placed_at": 1},
            {"placed_at": "2026-11-21T10:15:00.000Z\n"},
            {"pk": "\ud800"},
            {"pk": "customer#ada"},
            {"more": "x"},
            {"list": "x"},
        ],
    )
    def test_a_forged_cursor_is_a_400(self, ada: Client, forged: dict[str, Any]) -> None:
        cursor = json_body(ada.list(limit="1"))["next"]
        position = json.loads(base64.urlsafe_b64decode(cursor + "=="))
        cursor = base64.urlsafe_b64encode(json.dumps(position | forged).encode()).decode().rstrip("=")
        assert pointers(refused(ada.list(cursor=cursor), 400, "invalid-cursor")) == ["/query/cursor"]

    @pytest.mark.usefixtures("placed")
    @pytest.mark.parametrize(
        "tamper", [lambda cursor: cursor[:-3], lambda cursor: "!" + cursor, lambda _: ""]
    )
    def test_a_tampered_cursor_is_a_400(self, ada: Client, tamper: Callable[[str], str]) -> None:
        cursor = json_body(ada.list(limit="1"))["next"]
        refused(ada.list(cursor=tamper(cursor)), 400, "invalid-cursor")

    @pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "many", ""])
    def test_a_limit_is_a_whole_number_from_1_to_100(self, ada: Client, limit: str) -> None:
        assert pointers(refused(ada.list(limit=limit), 422, "invalid-request")) == ["/query/limit"]

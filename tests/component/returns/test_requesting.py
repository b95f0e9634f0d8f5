"""A customer requests, follows and withdraws returns, through the real handler, against a pretended DynamoDB."""

from datetime import timedelta
from typing import Any

import pytest

from shared.clock import timestamp, utc_now
from shared.events import Event
from shared.versioned_table import VersionedTable
from tests.component.audit_trail import lines
from tests.component.rest_events import header, json_body
from tests.component.returns.client import ORDER, Client, items, order_fulfilled, refused, user_deleted
from tests.component.returns.conftest import Deliver

pytestmark = pytest.mark.usefixtures("fulfilled")


class TestRequesting:
    def test_a_return_is_stored_listed_and_shown_with_what_is_left(self, table: Any, ada: Client) -> None:
        answer = ada.request(TEA=1)

        assert answer["statusCode"] == 201
        assert header(answer, "Location") == f"/test/orders/{ORDER}/returns"
        assert header(answer, "Idempotent-Replayed") == "false"
        requested = json_body(answer)
        assert (requested["status"], requested["reason"]) == ("requested", "damaged")
        shown = json_body(ada.returns())
        assert shown["returns"] == [requested]
        assert shown["returnable"] == [{"sku": "TEA", "quantity": 1}, {"sku": "MUG", "quantity": 1}]
        stored = items(table)
        assert [Event.model_validate_json(entry).event_type for entry in stored[ORDER]["outbox"]] == [
            "return.requested"
        ]
        assert stored[requested["return_id"]]["waiting"] == "requested"

    def test_the_same_key_answers_with_the_same_return_and_publishes_nothing_new(
        self, table: Any, ada: Client
    ) -> None:
        first = ada.request(TEA=1)
        stored = items(table)

        again = ada.request(TEA=1)

        assert (again["statusCode"], json_body(again)) == (201, json_body(first))
        assert header(again, "Idempotent-Replayed") == "true"
        assert items(table) == stored

    def test_the_same_key_with_another_body_is_a_422(self, ada: Client) -> None:
        ada.request(TEA=1)
        refused(ada.request(TEA=2), 422, "idempotency-key-reused")

    def test_of_two_requests_at_once_for_the_last_piece_only_one_wins(
        self, table: Any, ada: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The second one reads before the first one writes, as two functions may."""
        write_all = VersionedTable.write_all
        meanwhile: list[dict[str, Any] | None] = []

        def after_another(store: VersionedTable, writes: Any) -> Any:
            if not meanwhile:
                meanwhile.append(None)
                meanwhile.append(ada.request(key="other", MUG=1))
            return write_all(store, writes)

        monkeypatch.setattr(VersionedTable, "write_all", after_another)

        answer = ada.request(MUG=1)

        refused(answer, 409, "more-than-bought")
        assert meanwhile[1] is not None
        assert meanwhile[1]["statusCode"] == 201
        assert len(json_body(ada.returns())["returns"]) == 1

    def test_another_customers_order_looks_like_one_that_does_not_exist(self, eve: Client) -> None:
        others = eve.request(TEA=1)
        refused(others, 404, "not-found")
        assert others["body"] == eve.request(order="ord_none", TEA=1)["body"]
        assert eve.returns()["body"] == eve.returns("ord_none")["body"] == others["body"]

    @pytest.mark.parametrize("order", ["customer#ada", "ret_1"])
    def test_an_id_of_another_item_is_not_found(self, ada: Client, consume: Deliver, order: str) -> None:
        consume(user_deleted())
        refused(ada.returns(order), 404, "not-found")

    def test_an_order_beyond_the_period_is_a_409(self, ada: Client, consume: Deliver) -> None:
        old = "ord_old"
        consume(order_fulfilled(old, at=timestamp(utc_now() - timedelta(days=30, seconds=1))))
        refused(ada.request(order=old, TEA=1), 409, "return-period-over")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"lines": [], "reason": "damaged"}, "/body/lines"),
            ({"lines": [{"sku": "TEA", "quantity": 0}], "reason": "damaged"}, "/body/lines/0/quantity"),
            ({"lines": [{"sku": "TEA", "quantity": "1"}], "reason": "damaged"}, "/body/lines/0/quantity"),
            ({"lines": [{"sku": "", "quantity": 1}], "reason": "damaged"}, "/body/lines/0/sku"),
            ({"lines": [{"sku": "TEA", "quantity": 1}], "reason": "bored"}, "/body/reason"),
            ({"lines": [{"sku": "TEA", "quantity": 1}], "reason": "other", "refund": 1}, "/body/refund"),
        ],
    )
    def test_a_body_that_does_not_fit_is_named(self, ada: Client, body: Any, pointer: str) -> None:
        answer = ada.call("POST", f"/orders/{ORDER}/returns", body=body, headers={"Idempotency-Key": "key-1"})
        assert [error["pointer"] for error in refused(answer, 422, "invalid-request")["errors"]] == [pointer]

    def test_a_product_on_two_lines_is_a_422(self, ada: Client) -> None:
        line = {"sku": "TEA", "quantity": 1}
        answer = ada.call(
            "POST",
            f"/orders/{ORDER}/returns",
            body={"lines": [line, line], "reason": "damaged"},
            headers={"Idempotency-Key": "key-1"},
        )
        assert [error["pointer"] for error in refused(answer, 422, "duplicate-sku")["errors"]] == [
            "/body/lines/1/sku"
        ]

    def test_a_customer_who_left_requests_nothing_with_a_token_that_still_works(
        self, table: Any, ada: Client, consume: Deliver
    ) -> None:
        consume(user_deleted())
        stored = items(table)
        refused(ada.request(TEA=1), 403, "account-closed")
        assert items(table) == stored

    def test_the_rule_accepts_at_once_what_is_cheap(
        self, table: Any, ada: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RETURNS_ACCEPTED_UP_TO", "790")
        accepted = json_body(ada.request(TEA=1))
        assert accepted["status"] == "accepted"
        assert items(table)[accepted["return_id"]]["waiting"] == "accepted"


class TestWithdrawing:
    def test_a_withdrawn_return_frees_its_pieces_and_leaves_the_operators_list(
        self, table: Any, ada: Client
    ) -> None:
        return_id = ada.requested(MUG=1)

        answer = ada.do("withdraw", return_id)

        assert (answer["statusCode"], json_body(answer)["status"]) == (200, "withdrawn")
        assert return_id not in items(table)
        assert ada.request(key="key-2", MUG=1)["statusCode"] == 201
        assert json_body(ada.do("withdraw", return_id)) == json_body(answer)

    def test_another_customers_return_is_a_404(self, ada: Client, eve: Client) -> None:
        return_id = ada.requested(MUG=1)
        refused(eve.do("withdraw", return_id), 404, "not-found")
        refused(ada.do("withdraw", "ret_none"), 404, "not-found")
        assert json_body(ada.returns())["returns"][0]["status"] == "requested"

    def test_what_was_refused_cannot_be_withdrawn(self, ada: Client, admin: Client) -> None:
        return_id = ada.requested(MUG=1)
        admin.do("refuse", return_id, {"reason": "excluded"})
        refused(ada.do("withdraw", return_id), 409, "return-cannot-be-changed")


class TestTheCustomersList:
    @pytest.fixture
    def requested(self, ada: Client, consume: Deliver) -> list[str]:
        """The ids of returns of three orders, the latest order first."""
        ids = []
        for day in range(1, 4):
            order = f"ord_{day}"
            consume(order_fulfilled(order, at=timestamp(utc_now() - timedelta(days=day))))
            ids.append(ada.requested(order=order, TEA=1))
        return ids

    def test_pages_hold_every_return_once_those_of_the_latest_order_first(
        self, ada: Client, requested: list[str]
    ) -> None:
        first = json_body(ada.list(limit="2"))
        second = json_body(ada.list(limit="2", cursor=first["next"]))
        assert [[entry["return_id"] for entry in page["returns"]] for page in (first, second)] == [
            requested[:2],
            requested[2:],
        ]
        assert second["next"] is None

    def test_nobody_lists_the_returns_of_others(self, eve: Client, ada: Client, requested: list[str]) -> None:
        assert json_body(eve.list()) == {"returns": [], "next": None}
        cursor = json_body(ada.list(limit="1"))["next"]
        assert requested and cursor
        refused(eve.list(cursor=cursor), 400, "invalid-cursor")

    def test_an_order_without_a_return_is_in_no_index(self, table: Any) -> None:
        assert "returned_by" not in items(table)[ORDER]


def test_an_admin_who_reads_a_customers_returns_leaves_a_line(ada: Client, admin: Client) -> None:
    ada.requested(MUG=1)
    admin.returns()
    assert [(line["pk"], line["operation"]) for line in lines()] == [("ada", "list_returns_of_order")]

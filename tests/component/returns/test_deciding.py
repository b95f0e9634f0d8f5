"""Operators decide on returns and inspect them, through the real handler, against a pretended DynamoDB."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.clock import utc_now
from shared.events import Event
from tests.component.audit_trail import lines
from tests.component.rest_events import json_body
from tests.component.returns.client import ORDER, Client, items, order_fulfilled, refused, return_booked
from tests.component.returns.conftest import Deliver

pytestmark = pytest.mark.usefixtures("fulfilled")

ARRIVED = {"lines": [{"sku": "TEA", "restocked": 1, "written_off": 1}]}


class TestDeciding:
    def test_an_accepted_return_expires_after_the_period(self, ada: Client, admin: Client) -> None:
        return_id = ada.requested(TEA=2)

        accepted = json_body(admin.do("accept", return_id))

        assert accepted["status"] == "accepted"
        expected = utc_now() + timedelta(days=30)
        assert abs(datetime.fromisoformat(accepted["expires_at"]) - expected) < timedelta(minutes=1)
        assert json_body(admin.do("accept", return_id)) == accepted

    def test_a_refusal_tells_the_customer_why(self, ada: Client, admin: Client) -> None:
        return_id = ada.requested(TEA=2)
        assert admin.do("refuse", return_id, {"reason": "excluded"})["statusCode"] == 200
        [shown] = json_body(ada.returns())["returns"]
        assert (shown["status"], shown["refusal"]) == ("refused", "excluded")

    @pytest.mark.parametrize(
        ("what", "body"),
        [("accept", None), ("refuse", {"reason": "other"}), ("inspect", ARRIVED)],
    )
    def test_a_customer_decides_nothing(self, ada: Client, what: str, body: Any) -> None:
        return_id = ada.requested(TEA=2)
        refused(ada.do(what, return_id, body), 403, "forbidden")
        assert json_body(ada.returns())["returns"][0]["status"] == "requested"

    @pytest.mark.parametrize(
        ("what", "body"),
        [("accept", None), ("refuse", {"reason": "other"}), ("inspect", ARRIVED)],
    )
    def test_an_unknown_order_or_return_is_a_404(self, admin: Client, what: str, body: Any) -> None:
        refused(admin.do(what, "ret_none", body), 404, "not-found")
        refused(admin.do(what, "ret_none", body, order="ord_none"), 404, "not-found")

    def test_the_admin_leaves_a_line_before_the_answer(self, ada: Client, admin: Client) -> None:
        return_id = ada.requested(TEA=2)
        admin.do("accept", return_id)
        [line] = lines()
        assert (line["pk"], line["operation"], line["things"]) == ("ada", "accept_return", [ORDER, return_id])


class TestInspecting:
    def test_what_is_accepted_is_published_with_its_refund(
        self, table: Any, ada: Client, admin: Client
    ) -> None:
        return_id = ada.requested(TEA=2)
        admin.do("accept", return_id)

        answer = admin.do("inspect", return_id, ARRIVED)

        inspected = json_body(answer)
        assert (answer["statusCode"], inspected["status"]) == (200, "inspected")
        assert inspected["refund"] == {"amount": 1580, "currency": "EUR"}
        [event] = map(Event.model_validate_json, items(table)[ORDER]["outbox"])
        assert event.event_type == "return.inspected"
        assert event.data["restocked"] == [{"sku": "TEA", "quantity": 1}]
        assert items(table)[return_id]["waiting"] == "inspected"

    def test_a_repeat_publishes_nothing_and_another_outcome_is_a_409(
        self, table: Any, ada: Client, admin: Client
    ) -> None:
        return_id = ada.requested(TEA=2)
        admin.do("accept", return_id)
        first = admin.do("inspect", return_id, ARRIVED)
        stored = items(table)

        assert json_body(admin.do("inspect", return_id, ARRIVED)) == json_body(first)
        other = admin.do("inspect", return_id, {"lines": [{"sku": "TEA", "restocked": 2}]})

        refused(other, 409, "return-cannot-be-changed")
        assert items(table) == stored

    def test_more_than_announced_is_a_422(self, ada: Client, admin: Client) -> None:
        return_id = ada.requested(TEA=1)
        admin.do("accept", return_id)
        refused(admin.do("inspect", return_id, ARRIVED), 422, "more-than-announced")

    @pytest.mark.parametrize(
        ("lines_found", "code"),
        [
            ([{"sku": "TEA", "restocked": -1}], "invalid-request"),
            ([{"sku": "TEA"}, {"sku": "TEA"}], "duplicate-sku"),
            ([{"sku": "MUG", "restocked": 1}], "not-in-order"),
            ([], "invalid-request"),
        ],
    )
    def test_findings_that_do_not_fit_are_a_422(
        self, ada: Client, admin: Client, lines_found: Any, code: str
    ) -> None:
        return_id = ada.requested(TEA=1)
        admin.do("accept", return_id)
        refused(admin.do("inspect", return_id, {"lines": lines_found}), 422, code)


class TestTheOperatorsList:
    @pytest.fixture
    def requested(self, ada: Client, consume: Deliver, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The ids of three returns of three orders, the longest waiting first."""
        ids = []
        now = utc_now()
        for number in range(3):
            order = f"ord_{number}"
            consume(order_fulfilled(order))
            monkeypatch.setattr(
                "returns.functions.api.utc_now", lambda seconds=number: now + timedelta(seconds=seconds)
            )
            ids.append(ada.requested(order=order, TEA=1))
        return ids

    def test_pages_hold_every_waiting_return_once_the_longest_waiting_first(
        self, admin: Client, requested: list[str]
    ) -> None:
        first = json_body(admin.waiting(limit="2"))
        second = json_body(admin.waiting(limit="2", cursor=first["next"]))
        assert [[entry["return_id"] for entry in page["returns"]] for page in (first, second)] == [
            requested[:2],
            requested[2:],
        ]
        assert second["next"] is None

    def test_a_return_is_listed_under_its_present_status_alone(
        self, ada: Client, admin: Client, requested: list[str], consume: Deliver
    ) -> None:
        admin.do("accept", requested[0], order="ord_0")
        consume(return_booked(requested[0], "ord_0"))
        ada.do("withdraw", requested[1], order="ord_1")

        listed = {
            status: [entry["return_id"] for entry in json_body(admin.waiting(status=status))["returns"]]
            for status in ("requested", "accepted", "labelled", "inspected")
        }

        assert listed == {
            "requested": requested[2:],
            "accepted": [],
            "labelled": requested[:1],
            "inspected": [],
        }

    def test_two_returns_of_one_order_are_both_listed(self, ada: Client, admin: Client) -> None:
        ids = {ada.requested(key=key, TEA=1) for key in ("a", "b")}
        assert {entry["return_id"] for entry in json_body(admin.waiting())["returns"]} == ids

    def test_what_expired_by_now_is_not_listed_and_is_shown_as_expired(
        self, ada: Client, admin: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        admin.do("accept", ada.requested(TEA=1))
        later = utc_now() + timedelta(days=31)
        monkeypatch.setattr("returns.functions.api.utc_now", lambda: later)
        assert json_body(admin.waiting(status="accepted"))["returns"] == []
        shown = json_body(ada.returns())
        assert shown["returns"][0]["status"] == "expired"
        assert {"sku": "TEA", "quantity": 2} in shown["returnable"]

    def test_an_index_that_lags_lists_no_return_under_an_earlier_status(
        self, table: Any, ada: Client, admin: Client, requested: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from shared.aws import client

        lagging = client("dynamodb").query(
            TableName="ReturnsTable",
            IndexName="by-waiting",
            KeyConditionExpression="waiting = :status",
            ExpressionAttributeValues={":status": {"S": "requested"}},
        )
        ada.do("withdraw", requested[1], order="ord_1")
        monkeypatch.setattr(client("dynamodb"), "query", lambda **_: lagging)
        listed = [entry["return_id"] for entry in json_body(admin.waiting())["returns"]]
        assert listed == [requested[0], requested[2]]

    def test_the_admin_leaves_a_line_for_each_customer(self, admin: Client, requested: list[str]) -> None:
        assert requested
        admin.waiting()
        assert [(line["pk"], line["things"]) for line in lines()] == [("ada", ["ord_0", "ord_1", "ord_2"])]

    def test_a_customer_lists_nothing(self, ada: Client) -> None:
        refused(ada.waiting(), 403, "forbidden")

    def test_a_cursor_of_another_list_is_a_400(self, admin: Client, requested: list[str]) -> None:
        assert requested
        cursor = json_body(admin.waiting(limit="1"))["next"]
        refused(admin.waiting(status="labelled", cursor=cursor), 400, "invalid-cursor")

    @pytest.mark.parametrize("forged", [{"pk": "ord_1"}, {"place": "x"}, {"more": "x"}])
    def test_a_forged_cursor_is_a_400(
        self, admin: Client, requested: list[str], forged: dict[str, str]
    ) -> None:
        assert requested
        cursor = json_body(admin.waiting(limit="1"))["next"]
        position = json.loads(base64.urlsafe_b64decode(cursor + "=="))
        cursor = base64.urlsafe_b64encode(json.dumps(position | forged).encode()).decode().rstrip("=")
        refused(admin.waiting(cursor=cursor), 400, "invalid-cursor")

    def test_a_final_status_is_no_list(self, admin: Client) -> None:
        refused(admin.waiting(status="refunded"), 422, "invalid-request")


def test_the_time_of_the_period_is_shown(ada: Client, consume: Deliver) -> None:
    consume(order_fulfilled("ord_2", at=datetime(2026, 3, 1, 12, tzinfo=UTC).isoformat()))
    assert json_body(ada.returns("ord_2"))["returnable_until"] == "2026-03-31T12:00:00.000Z"

"""An admin who looks into dead letters, or sends them again, leaves a line first."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.audit_trail import EVERYBODY
from shared.aws import client
from tests.component.audit_trail import lines
from tests.component.cleanup.test_dead_letters import FUTURE, Queues, Send, event, queues, send

__all__ = ["queues", "send"]

ROUTES: dict[str, tuple[str, Any]] = {
    "GET /dead-letters/{queue}": ("/dead-letters/OrdersErase", None),
    "POST /dead-letters/{queue}/redrive": ("/dead-letters/OrdersErase/redrive", {"before": FUTURE}),
}


@pytest.mark.parametrize("operation", ROUTES)
def test_an_admins_request_leaves_its_line(queues: Queues, send: Send, operation: str) -> None:
    path, body = ROUTES[operation]
    assert send(operation.split(" ", maxsplit=1)[0], path, body)["statusCode"] == 200
    [line] = lines()
    assert (line["pk"], line["admin_id"], line["things"]) == (EVERYBODY, "root", ["OrdersErase"])


@pytest.mark.parametrize("operation", ROUTES)
def test_a_request_whose_line_is_refused_shows_nothing_and_changes_nothing(
    queues: Queues, send: Send, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(**_: Any) -> Any:
        error: Any = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "too much"}}
        raise ClientError(error, "TransactWriteItems")

    queues.put("EraseDead", event(1))
    monkeypatch.setattr(client("dynamodb"), "transact_write_items", refuses)
    path, body = ROUTES[operation]
    answer = send(operation.split(" ", maxsplit=1)[0], path, body)
    assert answer["statusCode"] == 503 and "usr_1" not in answer["body"]
    assert len(queues.taken("EraseDead")) == 1

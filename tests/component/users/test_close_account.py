"""Removing the account of an erased user, against a pretended Cognito."""

import json
from importlib import import_module, reload
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from shared.consumer import NothingConsumed

EXAMPLE = json.loads((Path(__file__).parents[3] / "events" / "users_close_account.json").read_text())


class Closing:
    """The consumer as deployed, and the accounts in the user pool."""

    def __init__(self, pool: str, dlq_url: str, context: Any) -> None:
        self._pool, self._dlq_url, self._context = pool, dlq_url, context
        self.module = reload(import_module("users.functions.close_account"))

    def account(self) -> str:
        made = boto3.client("cognito-idp").admin_create_user(
            UserPoolId=self._pool, Username="ada@example.com"
        )
        return next(entry["Value"] for entry in made["User"]["Attributes"] if entry["Name"] == "sub")

    def accounts(self) -> int:
        return len(boto3.client("cognito-idp").list_users(UserPoolId=self._pool)["Users"])

    def deliver(self, user_id: str, event_type: str = "user.deleted") -> Any:
        [record] = EXAMPLE["Records"]
        event = json.loads(record["body"]) | {"aggregate_id": user_id, "event_type": event_type}
        return self.module.handler({"Records": [record | {"body": json.dumps(event)}]}, self._context)

    def dead_letters(self) -> list[str]:
        answer = boto3.client("sqs").receive_message(QueueUrl=self._dlq_url, MessageAttributeNames=["All"])
        return [
            message["MessageAttributes"]["reason"]["StringValue"] for message in answer.get("Messages", [])
        ]


@pytest.fixture
def closing(pool: str, lambda_context: Any, monkeypatch: pytest.MonkeyPatch) -> Closing:
    dlq_url = boto3.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"]
    monkeypatch.setenv("DLQ_URL", dlq_url)
    return Closing(pool, dlq_url, lambda_context)


def test_an_erased_user_has_no_account_any_more_however_often_the_event_comes(closing: Closing) -> None:
    user_id = closing.account()
    for _ in range(2):
        assert closing.deliver(user_id) == {"batchItemFailures": []}
        assert closing.accounts() == 0
    assert closing.dead_letters() == []


def test_while_cognito_is_busy_the_event_comes_again(
    closing: Closing, monkeypatch: pytest.MonkeyPatch
) -> None:
    from users import dependencies

    user_id = closing.account()

    def throttle(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "AdminDeleteUser")

    with monkeypatch.context() as busy:
        busy.setattr(dependencies.accounts()._cognito, "admin_delete_user", throttle)
        with pytest.raises(NothingConsumed):
            closing.deliver(user_id)
    assert (closing.accounts(), closing.dead_letters()) == (1, [])
    closing.deliver(user_id)
    assert closing.accounts() == 0


def test_an_event_of_another_type_closes_nothing_and_is_dropped(closing: Closing) -> None:
    user_id = closing.account()
    closing.deliver(user_id, "user.changed")
    assert closing.accounts() == 1
    assert closing.dead_letters() == []

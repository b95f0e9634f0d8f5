"""IAM is asked for the actions and resources that AWS asks for, with the keys that conditions may name. Always on.

- A batch of messages to a topic is `sns:Publish`; MiniStack asks for `sns:PublishBatch`, an action that AWS has not.
- A topic's default policy lets in whom AWS marks as `AWS:SourceOwner`, which no function is; in MiniStack a topic that
  CloudFormation makes lets everyone in.
- A read of a table's stream is one of that stream; MiniStack asks for all resources.
- A mail is sent as an identity: the sender's address if that is verified, or else its domain. AWS asks for the
  configuration set as well, and in SES's sandbox for the recipients' identities. All have `ses:FromAddress`. MiniStack
  asks for all resources, without that key.
- A batch of items has `dynamodb:Attributes` and `dynamodb:Select` as a single read has; MiniStack omits the attributes.
- A request that names its items has their partition keys as `dynamodb:LeadingKeys`; MiniStack has no such key.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsesv2.html
https://github.com/aws/aws-sdk-js/issues/3641 (the recipients' identities)
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
"""

import json
from collections.abc import Iterator
from email.utils import parseaddr
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack import app  # type: ignore[import-not-found]
from ministack.core import iam_actions, responses  # type: ignore[import-not-found]
from ministack.services import dynamodb, dynamodb_streams, ses, sns  # type: ignore[import-not-found]

_DEFAULT_POLICY = "__default_policy_ID"
_SEND_MAIL = "/v2/email/outbound-emails"


def install() -> None:
    """Replaces what MiniStack takes from a request to ask IAM."""
    _ask_for_actions()
    _ask_for_resources()
    _ask_for_mails()
    _ask_for_more_than_default_policies()
    _tell_keys()


def _ask_for_actions() -> None:
    action_of = iam_actions.extract_iam_action

    def extract_iam_action(*request: Any) -> Any:
        action = action_of(*request)
        return "sns:Publish" if action == "sns:PublishBatch" else action

    iam_actions.extract_iam_action = extract_iam_action


def _ask_for_resources() -> None:
    resource_of = iam_actions.extract_resource_arn

    def extract_resource_arn(*request: Any) -> Any:
        service, body = request[0], request[4]
        return _stream_of(_json(body)) if service == "dynamodbstreams" else resource_of(*request)

    iam_actions.extract_resource_arn = extract_resource_arn


def _ask_for_mails() -> None:
    ask = app._enforce_ses_v2

    def enforce_ses_v2(*request: Any) -> Any:
        _, path, headers, body, query, request_id = request
        if path.rstrip("/") != _SEND_MAIL:
            return ask(*request)
        mail = _json(body)
        ours = f"arn:aws:ses:{app.extract_region(headers, query)}:{responses.get_account_id()}"
        keys = {"ses:FromAddress": _sender_of(mail)}
        for resource in _resources_of(mail):
            arn = f"{ours}:{resource}"
            if denied := app._enforce_data_plane(
                "sesv2", "ses:SendEmail", headers, query, request_id, arn, keys, named_resource=arn
            ):
                return denied
        return None

    app._enforce_ses_v2 = enforce_ses_v2


def _ask_for_more_than_default_policies() -> None:
    policy_of = sns.topic_policy_for_arn

    def topic_policy_for_arn(arn: str) -> Any:
        found = policy_of(arn)
        return ("", found[1]) if found and _DEFAULT_POLICY in str(found[0]) else found

    sns.topic_policy_for_arn = topic_policy_for_arn


def _tell_keys() -> None:
    context_of = iam_actions.dynamodb_service_context

    def dynamodb_service_context(body: bytes) -> Any:
        request = _json(body)
        told: dict[str, Any] = context_of(body)
        for batch in _tables_of(request.get("RequestItems")):
            told |= context_of(json.dumps(batch).encode())
        if keys := sorted(set(_leading_keys(request))):
            told["dynamodb:LeadingKeys"] = keys
        return told

    iam_actions.dynamodb_service_context = dynamodb_service_context


def _stream_of(request: dict[str, Any]) -> str:
    decoded = dynamodb_streams._decode_iterator(request.get("ShardIterator") or "") or {}
    return str(request.get("StreamArn") or decoded.get("arn") or "*")


def _resources_of(mail: dict[str, Any]) -> Iterator[str]:
    """What SES asks IAM about before it takes the mail."""
    sender = _sender_of(mail)
    yield f"identity/{sender if sender in ses._identities else sender.rpartition('@')[2]}"
    if configuration_set := mail.get("ConfigurationSetName"):
        yield f"configuration-set/{configuration_set}"
    if not ses._production_access_enabled():
        for recipient in (mail.get("Destination") or {}).get("ToAddresses") or []:
            yield f"identity/{parseaddr(recipient)[1]}"


def _sender_of(mail: dict[str, Any]) -> str:
    return parseaddr(mail.get("FromEmailAddress", ""))[1]


def _tables_of(batch: Any) -> list[dict[str, Any]]:
    return [entry for entry in batch.values() if isinstance(entry, dict)] if isinstance(batch, dict) else []


def _leading_keys(request: dict[str, Any]) -> Iterator[str]:
    """The partition keys of the items that a request gets, puts, updates or deletes, alone or in a batch."""
    yield from _key_in(request)
    for table, batch in (request.get("RequestItems") or {}).items():
        for entry in batch["Keys"] if isinstance(batch, dict) else batch:
            asked = entry if isinstance(batch, list) else {"get": {"Key": entry}}
            for write in asked.values():
                yield from _key_in({"TableName": table, **write})
    for entry in request.get("TransactItems") or []:
        for write in entry.values():
            yield from _key_in(write)


def _key_in(request: dict[str, Any]) -> Iterator[str]:
    table = dynamodb._tables.get(request.get("TableName", ""))
    item = request.get("Key") or request.get("Item")
    if table and isinstance(item, dict):
        name = next(key["AttributeName"] for key in table["KeySchema"] if key["KeyType"] == "HASH")
        yield from map(str, item.get(name, {}).values())


def _json(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}

"""A queue, a topic, a bucket or a table with a key of the account asks that key's policy. Always on.

On AWS a service asks KMS on behalf of the caller that uses the store, and names itself (`kms:ViaService`). S3 and SNS
ask as services if they put a message into a queue, and SES if it puts one on a topic. MiniStack keeps the name of the
key and asks nobody. Here a request also needs the actions of KMS that it causes on AWS. A delivery is lost if its
service may not use the key.

A key that let a caller in does so again while its policy stays the same. AWS keeps data keys for minutes, too.
What stays: MiniStack reads queues and streams for Lambda,
writes logs, and publishes alarms without asking anybody.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
"""

import logging
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.core import iam_evaluator, responses  # type: ignore[import-not-found]
from ministack.services import dynamodb, kms, s3, sns, sqs  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

_READING, _WRITING = ("kms:Decrypt",), ("kms:GenerateDataKey", "kms:Decrypt")
_CONTEXTS = {"sqs": "kms:encryptioncontext:aws:sqs:arn", "sns": "kms:encryptioncontext:aws:sns:topicarn"}
_NEEDED = {
    "sqs:ReceiveMessage": _READING,
    "sqs:SendMessage": _WRITING,
    "sns:Publish": _WRITING,
    "s3:GetObject": _READING,
    "s3:PutObject": _WRITING,
}
# Of these, and of all actions on items, DynamoDB decrypts the table's key.
_ON_TABLES = ("Item", "Items", "Query", "Scan")

_MOST_REMEMBERED = 10_000
# Callers that a key let in: access key, the asking service, actions, key and policy.
_let_in: set[tuple[str, str, tuple[str, ...], str, str]] = set()

_logger = logging.getLogger(__name__)


def install() -> None:
    """Has the policies of keys asked."""
    _keep_keys()
    _ask_for_requests()
    _ask_for_deliveries()


def _keep_keys() -> None:
    """MiniStack's CloudFormation makes tables, buckets and topics without the keys that the template names."""

    def keep_key_of_table(name: str, properties: dict[str, Any]) -> None:
        if chosen := properties.get("SSESpecification"):
            specification = {**chosen, "Enabled": chosen["SSEEnabled"]}
            dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(specification)

    def keep_key_of_bucket(name: str, properties: dict[str, Any]) -> None:
        if chosen := properties.get("BucketEncryption"):
            [rule] = chosen["ServerSideEncryptionConfiguration"]
            default = rule["ServerSideEncryptionByDefault"]
            parts = "".join(f"<{part}>{value}</{part}>" for part, value in default.items())
            s3._bucket_encryption[name] = (
                "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
                f"{parts}</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
            )

    def keep_key_of_topic(arn: str, properties: dict[str, Any]) -> None:
        if chosen := properties.get("KmsMasterKeyId"):
            sns._topic_by_arn_any_scope(arn)["attributes"]["KmsMasterKeyId"] = chosen

    for kind, keep in (
        ("AWS::DynamoDB::Table", keep_key_of_table),
        ("AWS::S3::Bucket", keep_key_of_bucket),
        ("AWS::SNS::Topic", keep_key_of_topic),
    ):
        handlers = provisioners._RESOURCE_HANDLERS[kind]
        handlers["create"] = _and_keep(handlers["create"], keep)


def _and_keep(create: Any, keep: Any) -> Any:
    def create_with_key(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
        made = create(logical_id, properties, stack_name)
        keep(made[0], properties)
        return made

    return create_with_key


def _ask_for_requests() -> None:
    enforce = iam_evaluator.enforce

    def enforce_with_keys(
        access_key: str,
        action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        *more: Any,
        **named: Any,
    ) -> Any:
        denied = enforce(access_key, action, service, region, resource_arn, *more, **named)
        # A form's upload comes unsigned; then S3 asks for the form's signer.
        by_form = service == "s3" and not access_key
        if denied is not None or by_form or not (needed := _needed(action)):
            return denied
        key = _key_of(resource_arn)
        if key is None:
            return None
        keys = {
            "kms:ViaService": f"{action.partition(':')[0]}.{region}.amazonaws.com",
            "kms:CallerAccount": responses.get_account_id(),
        }
        caller = (access_key, service, needed, key["Arn"], key["Policy"])
        if caller in _let_in:
            return None
        # KMS is asked by the service, in the name of the signer.
        unsigned = iam_evaluator._anonymous.set(False)
        try:
            asked = (
                enforce(access_key, kms_action, "kms", region, key["Arn"], service_context=keys)
                for kms_action in needed
            )
            refusal = next((refusal for refusal in asked if refusal is not None), None)
        finally:
            iam_evaluator._anonymous.reset(unsigned)
        if refusal is None:
            if len(_let_in) > _MOST_REMEMBERED:
                _let_in.clear()
            _let_in.add(caller)
        return refusal

    iam_evaluator.enforce = enforce_with_keys


def _ask_for_deliveries() -> None:
    sqs.queue_policy_allows = _with_key(sqs.queue_policy_allows)
    sns.topic_policy_allows = _with_key(sns.topic_policy_allows)


def _with_key(policy_allows: Any) -> Any:
    def policies_allow(arn: str, service: str, source_arn: str, source_account: str) -> bool:
        if not policy_allows(arn, service, source_arn, source_account):
            return False
        key = _key_of(arn)
        if key is None:
            return True
        # SQS and SNS pass the store as the encryption context.
        keys = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_account}
        keys[_CONTEXTS[arn.split(":")[2]]] = arn
        refused = [action for action in _WRITING if not _lets_in(key, service, action, keys)]
        if refused:
            _logger.warning("the key of %s refuses %s to %s for %s", arn, refused, service, source_arn)
        return not refused

    return policies_allow


def _lets_in(key: dict[str, Any], service: str, action: str, keys: dict[str, str]) -> bool:
    asked = iam_evaluator.EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=key["Arn"],
        region=responses.get_region(),
        service_context=keys,
    )
    decided = iam_evaluator.evaluate_resource_policy(key["Policy"], asked, service=service)
    return bool(decided.decision == "Allow")


def _needed(action: str) -> tuple[str, ...]:
    if action.startswith("dynamodb:") and action.endswith(_ON_TABLES):
        return _READING
    return _NEEDED.get(action, ())


def _key_of(arn: str) -> dict[str, Any] | None:
    """The key of the account that encrypts a store; None if a key of AWS does, which MiniStack has none of."""
    key: dict[str, Any] | None = kms._resolve_key(_key_name(arn) or "")
    return key


def _key_name(arn: str) -> str | None:
    name: str | None = None
    match arn.split(":", 5):
        case [_, _, "sqs", *_]:
            name = ((sqs._queue_by_arn(arn) or {}).get("attributes") or {}).get("KmsMasterKeyId")
        case [_, _, "sns", *_]:
            name = ((sns._topic_by_arn_any_scope(arn) or {}).get("attributes") or {}).get("KmsMasterKeyId")
        case [_, _, "s3", _, _, path]:
            headers = s3._bucket_default_sse_headers(path.partition("/")[0])
            name = headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        case [_, _, "dynamodb", _, _, path]:
            table = dynamodb._tables.get(path.split("/")[1]) or {}
            name = (table.get("SSEDescription") or {}).get("KMSMasterKeyArn")
    return name

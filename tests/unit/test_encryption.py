"""What encrypts the data of a stack: with keys of AWS, with a key that the stack makes, or with a key of your own."""

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest

from tests.template import parameters
from tools.bill.declared import Declared, target
from tools.contracts.deployed import deployed
from tools.settings import REPOSITORY

OWN = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OF_THE_STACK = {"Fn::GetAtt": ["DataEncryptionKey", "Arn"]}
STACK = "cartwright"
# A service of AWS publishes there, and the managed key of SNS lets none do so.
PUBLISHED_TO_BY_SERVICES = {"OperationsTopic", "MailFeedbackTopic"}


@cache
def stack(data_key: str, tables_key: str = "") -> Declared:
    """The stack with these keys."""
    return Declared(deployed(), {"DataKey": data_key, "TablesKeyArn": tables_key})


def key_of(kind: str, resource: dict[str, Any]) -> Any:
    """What a store names as its encryption: a key, or a word for AWS's own; None if it names none."""
    match kind:
        case "AWS::DynamoDB::Table":
            chosen = resource.get("SSESpecification", {})
            return chosen.get("KMSMasterKeyId") if chosen else "DynamoDB's"
        case "AWS::S3::Bucket":
            [rule] = resource["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            chosen = rule["ServerSideEncryptionByDefault"]
            with_key = chosen["SSEAlgorithm"] == "aws:kms"
            assert rule["BucketKeyEnabled"] is with_key
            return chosen["KMSMasterKeyID"] if with_key else chosen["SSEAlgorithm"]
        case "AWS::SQS::Queue":
            # SQS takes one of the two.
            assert resource.get("SqsManagedSseEnabled", False) is ("KmsMasterKeyId" not in resource)
            return resource.get("KmsMasterKeyId", "SQS's")
        case "AWS::SNS::Topic":
            return resource.get("KmsMasterKeyId")
    return resource.get("KmsKeyId", "CloudWatch's")


STORES = (
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SNS::Topic",
    "AWS::Logs::LogGroup",
)


def keys(declared: Declared, kind: str) -> dict[str, Any]:
    """What encrypts each store of a kind."""
    return {name: key_of(kind, resource) for name, resource in declared.of_type(kind).items()}


def statements(key_policy: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The statements of a key policy by their ids."""
    return {statement["Sid"]: statement for statement in key_policy["Statement"]}


def policy() -> dict[str, dict[str, Any]]:
    """The statements of the policy of the stack's key."""
    return statements(stack("stack").of_type("AWS::KMS::Key")["DataEncryptionKey"]["KeyPolicy"])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def in_words(value: Any) -> str:
    """A text of the template in an account, region and stack of the tests."""
    words = {
        "AWS::Partition": "aws",
        "AWS::Region": "eu-central-1",
        "AWS::AccountId": "123456789012",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": STACK,
    }
    match value:
        case {"Ref": str(name)}:
            return words[name]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([\w:]+)\}", lambda name: words[name[1]], text)
    return str(value)


def written_out(value: Any) -> Any:
    """A part of the template with each reference and substitution as a text."""
    match value:
        case {"Ref": _} | {"Fn::Sub": _}:
            return in_words(value)
        case dict():
            return {key: written_out(member) for key, member in value.items()}
        case list():
            return [written_out(member) for member in value]
    return value


# ---- Without a key of one's own --------------------------------------------------------------------------------------


def test_no_key_costs_money_by_the_month_unless_it_is_asked_for() -> None:
    declared = stack(parameters("prod")["DataKey"], parameters("prod")["TablesKeyArn"])
    assert not declared.of_type("AWS::KMS::Key")
    assert set(keys(declared, "AWS::DynamoDB::Table").values()) == {"DynamoDB's"}
    assert set(keys(declared, "AWS::SQS::Queue").values()) == {"SQS's"}
    assert set(keys(declared, "AWS::S3::Bucket").values()) == {"AES256"}
    assert set(keys(declared, "AWS::Logs::LogGroup").values()) == {"CloudWatch's"}


def test_a_topic_that_functions_alone_publish_to_has_the_managed_key_of_sns() -> None:
    found = keys(stack("none"), "AWS::SNS::Topic")
    assert {name for name, key in found.items() if key is None} == PUBLISHED_TO_BY_SERVICES
    assert {key for key in found.values() if key is not None} == {"alias/aws/sns"}


def test_services_of_aws_publish_to_the_topics_without_the_managed_key_alone() -> None:
    declared = stack("none")
    by_alarms = {
        target(action)
        for alarm in declared.of_type("AWS::CloudWatch::Alarm").values()
        for action in alarm["AlarmActions"]
    }
    by_policies = {
        target(topic)
        for each in declared.of_type("AWS::SNS::TopicPolicy").values()
        for statement in each["PolicyDocument"]["Statement"]
        if "Service" in statement["Principal"]
        for topic in each["Topics"]
    }
    notified = json.dumps(list(declared.of_type("AWS::S3::Bucket").values()))
    assert "TopicConfigurations" not in notified
    assert by_alarms | by_policies == PUBLISHED_TO_BY_SERVICES


# ---- With one key for all --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("data_key", "key"), [("stack", OF_THE_STACK), (OWN, OWN)])
@pytest.mark.parametrize("kind", STORES)
def test_every_store_names_the_key(kind: str, data_key: str, key: Any) -> None:
    found = keys(stack(data_key), kind)
    assert found
    assert {name: chosen for name, chosen in found.items() if chosen != key} == {}


def test_the_stack_makes_no_key_beside_one_of_your_own() -> None:
    assert not stack(OWN).of_type("AWS::KMS::Key")


def test_the_tables_may_have_a_key_of_their_own() -> None:
    """A stack of 0.6.0 may have one, and keeps it."""
    other = OWN.replace("1234abcd", "4321dcba")
    for data_key in ("none", "stack", OWN):
        assert set(keys(stack(data_key, other), "AWS::DynamoDB::Table").values()) == {other}


def test_the_key_is_rotated_and_outlives_what_it_has_encrypted() -> None:
    key = stack("stack").resources["DataEncryptionKey"]
    assert key["Properties"]["EnableKeyRotation"] is True
    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


@pytest.mark.parametrize(
    ("value", "is_taken"),
    [
        ("none", True),
        ("stack", True),
        (OWN, True),
        ("", False),
        ("stacks", False),
        ("alias/mine", False),
        (OWN.replace(":key/", ":alias/"), False),
    ],
)
def test_a_value_that_names_no_key_is_refused(value: str, *, is_taken: bool) -> None:
    """A log group takes an ARN of a key alone."""
    pattern = deployed()["Parameters"]["DataKey"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, value)) is is_taken


# ---- The policy of the key -------------------------------------------------------------------------------------------


def test_the_key_lets_no_stranger_in() -> None:
    for sid, statement in policy().items():
        assert statement["Effect"] == "Allow"
        if statement["Principal"] == {"AWS": "*"}:
            condition = statement["Condition"]["StringEquals"]
            assert in_words(condition["kms:CallerAccount"]) == "123456789012", sid
            # Directly nobody may use it: only a service may that has let its caller in.
            assert condition["kms:ViaService"], sid
        elif "AWS" in statement["Principal"]:
            assert in_words(statement["Principal"]["AWS"]) == "arn:aws:iam::123456789012:root", sid


def test_whoever_may_use_a_store_may_use_its_key_by_way_of_it() -> None:
    via = {
        in_words(service): set(statement["Action"])
        for statement in policy().values()
        if statement["Principal"] == {"AWS": "*"}
        for service in listed(statement["Condition"]["StringEquals"]["kms:ViaService"])
    }
    assert via.keys() == {f"{s}.eu-central-1.amazonaws.com" for s in ("sqs", "sns", "s3", "logs", "dynamodb")}
    for service, actions in via.items():
        assert actions >= {"kms:Decrypt", "kms:DescribeKey"}, service
        assert actions & {"kms:GenerateDataKey", "kms:GenerateDataKey*"}, service
        # A grant outlives the request that made it.
        assert ("kms:CreateGrant" in actions) is service.startswith("dynamodb."), service


def test_no_role_has_a_right_on_a_key() -> None:
    roles = stack("stack").of_type("AWS::IAM::Role")
    assert "kms:" not in json.dumps(roles)


def services_that_need_the_key() -> set[str]:
    """The services of AWS that put data into a queue, a topic or a log of the stack."""
    declared = stack("stack")
    needing = set()
    if declared.of_type("AWS::Logs::LogGroup"):
        needing.add("logs.eu-central-1.amazonaws.com")
    if any(alarm["AlarmActions"] for alarm in declared.of_type("AWS::CloudWatch::Alarm").values()):
        needing.add("cloudwatch.amazonaws.com")
    for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
        for each in declared.of_type(kind).values():
            for statement in each["PolicyDocument"]["Statement"]:
                needing |= set(listed(statement["Principal"]["Service"]))
    return needing


def test_the_key_lets_each_service_in_that_needs_it_and_no_other() -> None:
    let_in = {
        in_words(service)
        for statement in policy().values()
        for service in listed(statement["Principal"].get("Service", []))
    }
    assert let_in == services_that_need_the_key()
    assert let_in >= {"sns.amazonaws.com", "s3.amazonaws.com", "ses.amazonaws.com"}
    for statement in policy().values():
        if "Service" in statement["Principal"]:
            assert "kms:Decrypt" in statement["Action"]
            assert {"kms:GenerateDataKey", "kms:GenerateDataKey*"} & set(statement["Action"])


def test_the_key_serves_every_log_group_topic_and_alarm_of_the_stack() -> None:
    """CloudFormation names them after the stack; the policy cannot name them, since they name the key."""
    declared = stack("stack")
    groups = [
        in_words(group.get("LogGroupName", f"{STACK}-{name}-1A2B3C"))
        for name, group in declared.of_type("AWS::Logs::LogGroup").items()
    ]
    patterns = listed(
        written_out(policy()["Logs"])["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    )
    for group in groups:
        arn = f"arn:aws:logs:eu-central-1:123456789012:log-group:{group}"
        assert any(fnmatchcase(arn, pattern) for pattern in patterns), group
    stranger = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/another"
    assert not any(fnmatchcase(stranger, pattern) for pattern in patterns)
    for sid, kind, service in (
        ("TopicsIntoQueues", "AWS::SNS::Topic", "sns:eu-central-1:123456789012:"),
        ("AlarmsIntoTopics", "AWS::CloudWatch::Alarm", "cloudwatch:eu-central-1:123456789012:alarm:"),
    ):
        pattern = written_out(policy()[sid])["Condition"]["ArnLike"]["aws:SourceArn"]
        for name, resource in declared.of_type(kind).items():
            assert not {"TopicName", "AlarmName"} & resource.keys(), name
            assert fnmatchcase(f"arn:aws:{service}{STACK}-{name}-1A2B3C", pattern), name


def test_the_documents_have_the_policy_for_a_key_of_your_own() -> None:
    page = (REPOSITORY / "docs" / "encryption.md").read_text()
    [written] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    of_the_stack = stack("stack").of_type("AWS::KMS::Key")["DataEncryptionKey"]["KeyPolicy"]
    assert json.loads(written) == written_out(of_the_stack)

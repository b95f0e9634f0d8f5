"""The shortcuts through botocore and moto come to the same as the long way."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.core import serialize
from moto.core.utils import get_service_model
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException

ITEM: dict[str, Any] = {
    "pk": {"S": "a"},
    "sk": {"S": "1"},
    "basket": {"M": {"goods": {"L": [{"S": "one"}]}}},
}


@pytest.mark.parametrize(
    ("service", "operation"),
    [("dynamodb", "DescribeTable"), ("cognito-idp", "AdminGetUser"), ("stepfunctions", "DescribeExecution")],
)
def test_each_member_is_found_under_each_name_under_which_moto_finds_it(service: str, operation: str) -> None:
    model = get_service_model(service).operation_model(operation)
    picker = serialize.XFormedAttributePicker()
    serializer = serialize.JSONSerializer(operation_model=model, value_picker=picker)
    shape = model.output_shape
    for key, member in shape.members.items():
        member.parent = shape
        names = [*picker.get_possible_keys(serialize.AttributePickerContext(obj={}, key=key, shape=member))]
        for answer in ({}, *({name: name} for name in names), dict.fromkeys(names, None) | {"other": 1}):
            context = serialize.AttributePickerContext(obj=answer, key=key, shape=member)
            assert serializer.get_value(answer, key, member) == picker(context)


def test_a_state_machine_that_was_parsed_before_is_a_new_program() -> None:
    definition = '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
    (first, _), (second, _) = (AmazonStateLanguageParser.parse(definition) for _ in range(2))
    assert first is not second and type(first) is type(second)


def test_a_wrong_definition_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(ASLParserException):
            AmazonStateLanguageParser.parse('{"StartAt": 1}')


@pytest.fixture
def table(aws: None) -> Any:
    """A table with a stream, in which lies one item."""
    dynamodb: Any = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="table",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    dynamodb.put_item(TableName="table", Item=ITEM)
    return dynamodb


def change(expression: str, **values: dict[str, Any]) -> dict[str, Any]:
    """An update of the item."""
    return {
        "TableName": "table",
        "Key": {name: ITEM[name] for name in ("pk", "sk")},
        "UpdateExpression": expression,
        "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
    }


def stored(dynamodb: Any) -> Any:
    return dynamodb.scan(TableName="table")["Items"]


def stream(dynamodb: Any) -> list[str]:
    """The kinds of the changes in the table's stream."""
    # moto knows no endpoints of an account, which boto3 prefers for streams.
    streams: Any = boto3.client("dynamodbstreams", config=Config(account_id_endpoint_mode="disabled"))
    arn = dynamodb.describe_table(TableName="table")["Table"]["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return [record["eventName"] for record in streams.get_records(ShardIterator=iterator)["Records"]]


def test_a_transaction_that_fails_leaves_the_items_and_the_stream_as_they_were(table: Any) -> None:
    new = {"pk": {"S": "a"}, "sk": {"S": "2"}}
    change_and_fail = [
        {
            "Update": change(
                "SET basket.goods = list_append(basket.goods, :more)", more={"L": [{"S": "more"}]}
            )
        },
        {"Put": {"TableName": "table", "Item": new}},
        {
            "ConditionCheck": {
                "TableName": "table",
                "Key": new | {"sk": {"S": "3"}},
                "ConditionExpression": "attribute_exists(pk)",
            }
        },
    ]
    with pytest.raises(ClientError, match="TransactionCanceledException"):
        table.transact_write_items(TransactItems=change_and_fail)
    assert stored(table) == [ITEM]
    assert stream(table) == ["INSERT"]
    table.transact_write_items(TransactItems=change_and_fail[:2])
    changed, added = sorted(stored(table), key=lambda item: item["sk"]["S"])
    assert changed["basket"]["M"]["goods"]["L"] == [{"S": "one"}, {"S": "more"}] and added == new
    assert stream(table) == ["INSERT", "MODIFY", "INSERT"]


@pytest.mark.parametrize(
    ("expression", "refusal"),
    [
        ("SET one = :value SET other = :value", "can only be used once"),
        ("SET one = :value REMOVE two REMOVE three", "can only be used once"),
        ("SET one = :value, one = :value", "overlap"),
        ("SET pk = :value", "part of the key"),
        ("SET one = absent + :value", "does not exist"),
    ],
)
def test_an_update_that_dynamodb_refuses_is_refused(table: Any, expression: str, refusal: str) -> None:
    with pytest.raises(ClientError, match=refusal):
        table.update_item(**change(expression, value={"N": "1"}))
    assert stored(table) == [ITEM]


def test_clients_of_other_settings_are_others() -> None:
    regions = [boto3.client("sqs", region_name=region) for region in ("us-east-1", "us-east-2", "us-east-1")]
    assert [client.meta.region_name for client in regions] == ["us-east-1", "us-east-2", "us-east-1"]
    hasty, patient = (boto3.client("sqs", config=Config(read_timeout=seconds)) for seconds in (1, 2))
    assert hasty is not patient
    assert boto3.client("sqs") is boto3.client("sqs")

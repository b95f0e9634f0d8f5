"""The shortcuts through botocore and moto come to the same as the long way."""

import boto3
import pytest
from botocore.config import Config
from moto.core import serialize
from moto.core.utils import get_service_model
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException


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


def test_clients_of_other_settings_are_others() -> None:
    regions = [boto3.client("sqs", region_name=region) for region in ("us-east-1", "us-east-2", "us-east-1")]
    assert [client.meta.region_name for client in regions] == ["us-east-1", "us-east-2", "us-east-1"]
    hasty, patient = (boto3.client("sqs", config=Config(read_timeout=seconds)) for seconds in (1, 2))
    assert hasty is not patient
    assert boto3.client("sqs") is boto3.client("sqs")

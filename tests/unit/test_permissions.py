"""The rights of the template's roles: each function has its own, although SAM's policies allow more.

SAM attaches AWS's policies for the log, the trigger and the traces of a function. They allow their actions on every
log group, queue and stream of the account. Denials in the template take all but the function's own from that.
"""

from typing import Any

import pytest

from orders.adapters.order_store import REDACTED_ATTRIBUTES
from orders.domain.personal_data import PERSONAL
from tools.contracts.deployed import deployed

RESOURCES: dict[str, dict[str, Any]] = deployed()["Resources"]
LOGGING = frozenset({"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"})
# The actions that each of AWS's policies allows on everything, and that the template denies for all but its own.
MANAGED = {
    "service-role/AWSLambdaBasicExecutionRole": LOGGING,
    "service-role/AWSLambdaSQSQueueExecutionRole": LOGGING
    | {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
    # Without ListStreams, which shows names alone.
    "service-role/AWSLambdaDynamoDBExecutionRole": LOGGING
    | {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"},
    # X-Ray knows no resources.
    "AWSXRayDaemonWriteAccess": frozenset(),
    "AWSXrayWriteOnlyAccess": frozenset(),
}
FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::Lambda::Function"
}
SOURCES = {
    mapping["Properties"]["FunctionName"]["Ref"]: mapping["Properties"]["EventSourceArn"]
    for mapping in RESOURCES.values()
    if mapping["Type"] == "AWS::Lambda::EventSourceMapping"
}


def role_of(function: str) -> dict[str, Any]:
    """The properties of a function's role."""
    name, _ = FUNCTIONS[function]["Role"]["Fn::GetAtt"]
    properties: dict[str, Any] = RESOURCES[name]["Properties"]
    return properties


def statements_of(role: dict[str, Any], effect: str) -> list[dict[str, Any]]:
    """The statements of a role's own policies with that effect."""
    documents = [policy["PolicyDocument"] for policy in role.get("Policies", [])]
    return [each for document in documents for each in document["Statement"] if each["Effect"] == effect]


def left_by_denials(role: dict[str, Any], action: str) -> list[Any]:
    """The only resources that the role's denials leave for an action; empty without a denial."""
    return [each["NotResource"] for each in statements_of(role, "Deny") if action in each["Action"]]


def allowed_by_aws(role: dict[str, Any]) -> frozenset[str]:
    """The actions that AWS's policies allow the role on everything, and that it needs on its own things alone."""
    names = [str(arn).partition(":policy/")[2].rstrip("'}") for arn in role["ManagedPolicyArns"]]
    return frozenset(action for name in names for action in MANAGED[name])


def test_there_are_functions_with_queues_and_streams() -> None:
    assert len(FUNCTIONS) > 50
    assert len(SOURCES) > 20


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_logs_to_its_own_group_and_reads_its_own_queue_or_stream_alone(function: str) -> None:
    role = role_of(function)
    group = {"Fn::GetAtt": [FUNCTIONS[function]["LoggingConfig"]["LogGroup"]["Ref"], "Arn"]}
    for action in allowed_by_aws(role):
        own = group if action in LOGGING else SOURCES[function]
        assert left_by_denials(role, action) == [own], action


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_allowed_single_actions_on_single_resources(function: str) -> None:
    for statement in statements_of(role_of(function), "Allow"):
        assert "*" not in str(statement["Action"]), statement
        assert statement["Resource"] != "*", statement


def test_mail_goes_out_as_the_shops_sender_alone_whichever_identities_ses_asks_for() -> None:
    """In its sandbox SES asks for the recipient's identity too; the sender's may be a domain above the address."""
    [statement] = [
        each
        for each in statements_of(role_of("NotificationsSendMailFunction"), "Allow")
        if each["Action"] == "ses:SendEmail"
    ]
    ses = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}"
    assert [each["Fn::Sub"] for each in statement["Resource"]] == [
        f"{ses}:identity/*",
        f"{ses}:configuration-set/${{MailConfigurationSet}}",
    ]
    assert statement["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "MailSender"}}}


def test_a_queue_takes_messages_of_the_sender_that_its_policy_names_alone() -> None:
    policies = [each["Properties"] for each in RESOURCES.values() if each["Type"] == "AWS::SQS::QueuePolicy"]
    statements = [each for policy in policies for each in policy["PolicyDocument"]["Statement"]]
    assert statements
    for statement in statements:
        assert set(statement["Principal"]) == {"Service"}
        assert statement["Action"] == "sqs:SendMessage"
        # The account is enough for S3: only the bucket that names the queue sends there, and it is of this account.
        tested = {name for test in statement["Condition"].values() for name in test}
        assert tested & {"aws:SourceArn", "aws:SourceAccount"}


# Which items and which attributes a function reaches.

ORDERS = {"Fn::GetAtt": ["OrdersTable", "Arn"]}


def on_orders(function: str, *actions: str) -> list[dict[str, Any]]:
    """The statements that allow the function one of the actions on the items of the orders' table."""
    return [
        each
        for each in statements_of(role_of(function), "Allow")
        if each["Resource"] == ORDERS and set(actions) & set(listed(each["Action"]))
    ]


def listed(value: Any) -> list[str]:
    """The entries of a policy's element, which may be a single one."""
    return [value] if isinstance(value, str) else value


def test_an_address_can_be_read_by_the_functions_that_show_change_or_send_orders_alone() -> None:
    """A change replaces the whole item, so what changes orders reads them whole."""
    reading = ("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan")
    readers = {
        function
        for function in FUNCTIONS
        for statement in on_orders(function, *reading)
        if "shipping_address"
        in statement.get("Condition", {})
        .get("ForAllValues:StringEquals", {})
        .get("dynamodb:Attributes", ["shipping_address"])
    }
    assert readers == {
        "OrdersApiFunction",
        "OrdersEraseFunction",
        "OrdersRecordFulfilmentFunction",
        "OrdersReconcileFunction",
        "OrdersStepsFunction",
        "ShippingStepsFunction",
    }


@pytest.mark.parametrize("function", ["OrdersExportPageFunction", "OrdersStartExecutionsFunction"])
def test_a_function_that_only_judges_or_exports_orders_reads_no_personal_data(function: str) -> None:
    [statement] = on_orders(function, "dynamodb:GetItem", "dynamodb:BatchGetItem")
    condition = statement["Condition"]
    # Without the second one, a request that names no attribute would have all of them.
    assert condition["ForAllValues:StringEquals"] == {"dynamodb:Attributes": list(REDACTED_ATTRIBUTES)}
    assert condition["StringEquals"] == {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}
    assert not PERSONAL & set(REDACTED_ATTRIBUTES)


@pytest.mark.parametrize(
    ("function", "action", "table", "keys"),
    [
        ("OrdersApiFunction", "dynamodb:PutItem", "OrdersTable", ["ord_*"]),
        ("OrdersApiFunction", "dynamodb:GetItem", "OrdersTable", ["ord_*"]),
        ("OrdersStartExecutionsFunction", "dynamodb:GetItem", "OrdersTable", ["ord_*"]),
        ("OrdersRecordFulfilmentFunction", "dynamodb:PutItem", "OrdersTable", ["ord_*"]),
        ("OrdersReconcileFunction", "dynamodb:PutItem", "OrdersTable", ["ord_*"]),
        ("OrdersExportPageFunction", "dynamodb:BatchGetItem", "OrdersTable", ["ord_*"]),
        ("OrdersStepsFunction", "dynamodb:PutItem", "OrdersTable", ["ord_*", "declines#*"]),
        ("InventoryApiFunction", "dynamodb:PutItem", "InventoryTable", ["sku#*", "movement#*"]),
        ("InventoryApiFunction", "dynamodb:UpdateItem", "InventoryTable", ["sku#*", "movement#*"]),
        ("ShippingDispatchFunction", "dynamodb:PutItem", "ShippingTable", ["ord_*", "ret_*"]),
    ],
)
def test_a_function_reaches_its_own_kinds_of_items_alone(
    function: str, action: str, table: str, keys: list[str]
) -> None:
    [statement] = [
        each
        for each in statements_of(role_of(function), "Allow")
        if action in listed(each["Action"]) and each["Resource"] == {"Fn::GetAtt": [table, "Arn"]}
    ]
    assert statement["Condition"]["ForAllValues:StringLike"] == {"dynamodb:LeadingKeys": keys}

"""template.yaml as CloudFormation deploys it: what holds on every account, for every stack."""

import json
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import unquote

import pytest

from shared.api import SECURITY_HEADERS, api_resolver
from tests.template import functions, parameters
from tools.contracts.deployed import BUDGET, by_service, deployed
from tools.settings import REPOSITORY

RESOURCES: dict[str, dict[str, Any]] = deployed()["Resources"]
SERVICES = list((REPOSITORY / "services").iterdir())
# Names that only one thing of the stack can see: an API, a user pool, a namespace of metrics.
_SEEN_INSIDE_ALONE = {
    ("AWS::ApiGateway::Stage", "StageName"),
    ("AWS::ApiGatewayV2::Stage", "StageName"),
    ("AWS::ApiGatewayV2::Authorizer", "Name"),
    ("AWS::Cognito::UserPoolGroup", "GroupName"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
}


def of_type(*kinds: str) -> list[tuple[str, dict[str, Any]]]:
    return [(name, resource) for name, resource in RESOURCES.items() if resource["Type"] in kinds]


def belongs_to_the_stack(value: Any) -> bool:
    """Whether no other stack can have the same value: it has the stack's name, or is a resource's own."""
    text = json.dumps(value)
    referred = re.findall(r'"Ref": "([\w:]+)"|\$\{([\w:]+)|"Fn::GetAtt": \["(\w+)"', text)
    return bool({name for found in referred for name in found} & {"AWS::StackName", *RESOURCES})


# ---- Several stacks in one account and region ------------------------------------------------------------------------


def test_no_two_stacks_give_a_thing_the_same_name() -> None:
    shared = {
        f"{name}.{key}: {value}"
        for name, resource in RESOURCES.items()
        for key, value in resource.get("Properties", {}).items()
        if key.endswith("Name")
        and (resource["Type"], key) not in _SEEN_INSIDE_ALONE
        and not belongs_to_the_stack(value)
    }
    assert not shared


def test_no_two_stacks_export_under_the_same_name() -> None:
    assert not [name for name, output in deployed()["Outputs"].items() if "Export" in output]


def test_a_stack_counts_its_own_orders_alone() -> None:
    namespaces = {
        json.dumps(function["Properties"]["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"])
        for _, function in of_type("AWS::Lambda::Function")
    }
    [namespace] = namespaces
    assert belongs_to_the_stack(json.loads(namespace))
    for name, alarm in of_type("AWS::CloudWatch::Alarm"):
        properties = alarm["Properties"]
        if not str(properties["Namespace"]).startswith("AWS/"):
            assert json.dumps(properties["Namespace"]) == namespace, name
        else:
            assert all(belongs_to_the_stack(entry["Value"]) for entry in properties["Dimensions"]), name


# ---- One stage of each API -------------------------------------------------------------------------------------------


def stages(api: str) -> list[dict[str, Any]]:
    """What serves an API: its stages, and the ones that a deployment makes by the way."""
    own = of_type("AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage")
    by_the_way = [(n, r) for n, r in of_type("AWS::ApiGateway::Deployment") if "StageName" in r["Properties"]]
    found = [resource["Properties"] for _, resource in own + by_the_way]
    return [stage for stage in found if {"Ref": api} in (stage.get("RestApiId"), stage.get("ApiId"))]


def throttles(stage: dict[str, Any]) -> list[dict[str, Any]]:
    """What limits every route of a stage."""
    every = [
        s for s in stage.get("MethodSettings", []) if (s["ResourcePath"], s["HttpMethod"]) == ("/*", "*")
    ]
    return [stage["DefaultRouteSettings"]] if "DefaultRouteSettings" in stage else every


@pytest.mark.parametrize(
    "api", [name for name, _ in of_type("AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api")]
)
def test_an_api_has_one_stage_which_throttles_and_logs_every_route(api: str) -> None:
    [stage] = stages(api)
    [throttle] = throttles(stage)
    assert throttle["ThrottlingRateLimit"] == 100
    assert throttle["ThrottlingBurstLimit"] == 200
    [log] = [stage[key] for key in ("AccessLogSetting", "AccessLogSettings") if key in stage]
    assert log["DestinationArn"]["Fn::GetAtt"][0] in RESOURCES
    # API Gateway traces no WebSocket API.
    assert stage.get("TracingEnabled") or RESOURCES[api]["Properties"].get("ProtocolType") == "WEBSOCKET"


# ---- Permissions of routes -------------------------------------------------------------------------------------------


def callable_routes(function: str) -> list[str]:
    """The requests, as `<API>/<stage>/<method>/<path>` with wildcards, for which API Gateway may call a function."""
    found = []
    for _, permission in of_type("AWS::Lambda::Permission"):
        if permission["Properties"]["FunctionName"] != {"Ref": function}:
            continue
        source = permission["Properties"].get("SourceArn", {}).get("Fn::Sub", "")
        text, values = source if isinstance(source, list) else (source, {})
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value if isinstance(value, str) else f"${{{value['Ref']}}}")
        found.append(text.rpartition(":")[2])
    return found


ROUTES = [
    pytest.param(api, method, path, operation, id=f"{method.upper()} {path} of {api}")
    for api, resource in of_type("AWS::ApiGateway::RestApi")
    for path, operations in resource["Properties"]["Body"]["paths"].items()
    # SAM makes the routes of a function with a condition depend on it.
    for method, operation in operations.get("Fn::If", [None, operations])[1].items()
    if method != "options"
]


@pytest.mark.parametrize(("api", "method", "path", "operation"), ROUTES)
def test_api_gateway_may_call_the_function_of_each_route(
    api: str, method: str, path: str, operation: dict[str, Any]
) -> None:
    """AWS answers 500 without this permission; the embedded cloud asks for none."""
    [function] = re.findall(r"functions/\$\{(\w+)\.Arn\}", json.dumps(operation))
    sent = "PATCH" if method == "x-amazon-apigateway-any-method" else method.upper()
    request = f"${{{api}}}/stage/{sent}" + re.sub(r"\{[\w+]+\}", "value", path)
    assert any(fnmatchcase(request, allowed) for allowed in callable_routes(function)), request


# ---- Logs ------------------------------------------------------------------------------------------------------------


def test_api_gateways_own_answers_have_the_headers_of_the_functions_answers() -> None:
    api = RESOURCES["Api"]["Properties"]["Body"]
    expected = {name: f"'{value}'" for name, value in SECURITY_HEADERS.items()}
    refusals = {"Cache-Control": "'no-store'", **expected}
    for kind, answer in api["x-amazon-apigateway-gateway-responses"].items():
        headers = answer["responseParameters"]
        assert {name: headers[f"gatewayresponse.header.{name}"] for name in refusals} == refusals, kind
    for path, methods in api["paths"].items():
        preflight = methods["options"]
        assert "security" not in preflight, path
        headers = preflight["x-amazon-apigateway-integration"]["responses"]["default"]["responseParameters"]
        assert {name: headers[f"method.response.header.{name}"] for name in expected} == expected, path
        # API Gateway sends no header that the method does not declare.
        declared = {f"method.response.header.{name}" for name in preflight["responses"]["200"]["headers"]}
        assert declared == headers.keys(), path


def test_a_preflight_allows_the_headers_that_the_functions_name() -> None:
    preflight = RESOURCES["Api"]["Properties"]["Body"]["paths"]["/health"]["options"]
    headers = preflight["x-amazon-apigateway-integration"]["responses"]["default"]["responseParameters"]
    allowed = headers["method.response.header.Access-Control-Allow-Headers"].strip("'").split(",")
    named = api_resolver()._cors
    assert named is not None
    # Powertools adds headers of AWS's own signatures, which the shop's clients do not send.
    assert set(allowed) <= set(named.allow_headers)


def test_the_log_of_a_state_machine_leaves_out_what_it_carries() -> None:
    logging = [
        machine["Properties"]["LoggingConfiguration"]
        for _, machine in of_type("AWS::StepFunctions::StateMachine")
    ]
    assert [entry["IncludeExecutionData"] for entry in logging] == [False] * len(logging) != []


def test_a_step_of_another_service_reads_one_attribute_of_an_order() -> None:
    table = {"Fn::GetAtt": ["OrdersTable", "Arn"]}
    allowed = {
        name: (statement["Action"], statement.get("Condition"))
        for name, role in of_type("AWS::IAM::Role")
        if not name.startswith("Orders")
        for policy in role["Properties"].get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if statement.get("Resource") == table
    }

    def alone(attribute: str) -> tuple[str, dict[str, Any]]:
        return "dynamodb:GetItem", {
            "ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", attribute]},
            "StringEquals": {"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
        }

    assert allowed == {
        "PaymentsStepsFunctionRole": alone("payment_token"),
        "ShippingStepsFunctionRole": alone("shipping_address"),
    }


def test_every_log_expires() -> None:
    for name, group in of_type("AWS::Logs::LogGroup"):
        assert group["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


@pytest.mark.parametrize("name", [name for name, _ in of_type("AWS::Lambda::Function")])
def test_a_function_logs_to_the_group_of_its_service(name: str) -> None:
    function = RESOURCES[name]["Properties"]
    service = function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    group = "".join(word.capitalize() for word in service.split("_")) + "LogGroup"
    assert function["LoggingConfig"]["LogGroup"] == {"Ref": group}
    assert RESOURCES[group]["Type"] == "AWS::Logs::LogGroup"


def test_lambda_logs_no_start_and_end_of_an_invocation_and_drops_no_line_of_a_function() -> None:
    """A metric is a line without a level, which Lambda takes for INFO. Alarms need it with any `LogLevel`."""
    for name, function in of_type("AWS::Lambda::Function"):
        chosen = function["Properties"]["LoggingConfig"]
        assert chosen["LogFormat"] == "JSON", name
        assert chosen["ApplicationLogLevel"] == "DEBUG", name
        assert chosen["SystemLogLevel"] == {"Ref": "SystemLogLevel"}, name
    assert parameters("prod")["SystemLogLevel"] == "WARN"


def test_a_state_machine_logs_to_a_group_of_the_stack() -> None:
    for name, machine in of_type("AWS::StepFunctions::StateMachine"):
        [destination] = machine["Properties"]["LoggingConfiguration"]["Destinations"]
        group, _ = destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"]
        assert RESOURCES[group]["Type"] == "AWS::Logs::LogGroup", name


# ---- Dead letters ----------------------------------------------------------------------------------------------------


def test_an_admin_reaches_every_dead_letter_queue_and_the_queue_that_takes_its_messages_back() -> None:
    sources = {
        name.removesuffix("Queue"): queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][
            0
        ]
        for name, queue in of_type("AWS::SQS::Queue")
        if "RedrivePolicy" in queue["Properties"]
    }
    variables = RESOURCES["CleanupApiFunction"]["Properties"]["Environment"]["Variables"]
    named = [entry["Fn::Sub"] for entry in variables["QUEUES"]["Fn::Join"][1]]
    pairs = [f"{owner}=${{{dead}.QueueName}}=${{{owner}Queue.QueueName}}" for owner, dead in sources.items()]
    assert sorted(named) == sorted([*pairs, "Relay=${RelayDeadLetterQueue.QueueName}="])
    [policy] = RESOURCES["CleanupApiFunctionRole"]["Properties"]["Policies"]
    allowed = {
        action: sorted(resource["Fn::GetAtt"][0] for resource in statement["Resource"])
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and isinstance(statement["Resource"], list)
        for action in [*statement["Action"]][:1]
    }
    dead_letters = sorted([*sources.values(), "RelayDeadLetterQueue"])
    assert list(allowed.values()) == [dead_letters, sorted(f"{owner}Queue" for owner in sources)]


def test_the_names_of_all_queues_fit_into_the_variables_of_a_function() -> None:
    """Lambda takes 4 KB. A queue has the name of the stack, its own, and twelve characters that AWS makes up."""
    variables = RESOURCES["CleanupApiFunction"]["Properties"]["Environment"]["Variables"]
    stack = "stack-of-a-forks-account"
    names = [
        re.sub(
            r"\$\{(\w+)\.QueueName\}", lambda found: f"{stack}-{found[1]}-AbCdEfGhIjKl"[:80], entry["Fn::Sub"]
        )
        for entry in variables["QUEUES"]["Fn::Join"][1]
    ]
    others = 60 * (len(variables) - 1)
    assert len(",".join(names)) + others < 4096


def test_one_check_looks_into_every_dead_letter_queue_and_an_alarm_rings_if_it_fails_or_stops() -> None:
    queues = {name for name, _ in of_type("AWS::SQS::Queue") if name.endswith("DeadLetterQueue")}
    targets = {
        queue["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        for _, queue in of_type("AWS::SQS::Queue")
        if "RedrivePolicy" in queue["Properties"]
    }
    assert queues == targets | {"RelayDeadLetterQueue"}
    check = RESOURCES["CleanupCheckDeadLettersFunction"]["Properties"]
    checked = check["Environment"]["Variables"]["DEAD_LETTER_QUEUES"]["Fn::Join"][1]
    assert sorted(entry["Ref"] for entry in checked) == sorted(queues)
    [policy] = RESOURCES["CleanupCheckDeadLettersFunctionRole"]["Properties"]["Policies"]
    [statement] = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert sorted(entry["Fn::GetAtt"][0] for entry in statement["Resource"]) == sorted(queues)
    alarm = RESOURCES["DeadLettersAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["TreatMissingData"]) == (
        "AWS/Lambda",
        "Errors",
        "breaching",
    )
    assert alarm["Dimensions"] == [
        {"Name": "FunctionName", "Value": {"Ref": "CleanupCheckDeadLettersFunction"}}
    ]
    assert alarm["AlarmActions"] == [{"Ref": "OperationsTopic"}]


@pytest.mark.parametrize("owner", ["Orders", "Jobs"])
def test_an_alarm_rings_if_a_reconciler_fails_at_every_run_or_stops(owner: str) -> None:
    alarm = RESOURCES[f"{owner}ReconcileFailedAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["TreatMissingData"]) == (
        "AWS/Lambda",
        "Errors",
        "breaching",
    )
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": f"{owner}ReconcileFunction"}}]


# ---- Alarms ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "alarm"),
    [(name, alarm["Properties"]) for name, alarm in of_type("AWS::CloudWatch::Alarm")],
    ids=[name for name, _ in of_type("AWS::CloudWatch::Alarm")],
)
def test_an_alarm_says_where_the_runbook_deals_with_it(name: str, alarm: dict[str, Any]) -> None:
    text, _, anchor = alarm["AlarmDescription"]["Fn::Sub"].partition(": ${RunbookUrl}#")
    assert text
    runbook = (REPOSITORY / "docs" / "operations.md").read_text()
    headings = re.findall(r"^#+ (.+)$", runbook, re.MULTILINE)
    assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    # The runbook's table leads there as well.
    meant = name if not name.endswith("RelayLagAlarm") else "<Service>RelayLagAlarm"
    [row] = [
        line for line in runbook.splitlines() if line.startswith("|") and f"`{meant}`" in line.split("|")[1]
    ]
    assert f"(#{anchor})" in row


def test_an_alarm_rings_if_requests_fail_though_few_customers_meet_a_new_version() -> None:
    """A gradual release sends a tenth of the requests to a new version, and stops if this alarm rings."""
    alarm = RESOURCES["ApiErrorsAlarm"]["Properties"]
    [dimension] = alarm["Dimensions"]
    assert dimension == {"Name": "ApiName", "Value": RESOURCES["Api"]["Properties"]["Body"]["info"]["title"]}
    assert RESOURCES["PaymentsSandboxApi"]["Properties"]["Name"] != dimension["Value"]
    assert (alarm["MetricName"], alarm["Statistic"]) == ("5XXError", "Average")
    assert alarm["Threshold"] <= 0.1 * 0.1, "a tenth of the requests, which are a tenth of all, fail"
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= 300, "sooner than Canary10Percent5Minutes ends"


# ---- Room ------------------------------------------------------------------------------------------------------------


def test_the_stack_keeps_to_its_budget_of_resources() -> None:
    counted = {service: kinds.total() for service, kinds in by_service().items()}
    assert sum(counted.values()) == len(RESOURCES) <= BUDGET, counted


def test_every_service_is_counted() -> None:
    assert set(by_service()) == {path.name for path in SERVICES} | {"shared"}


# ---- Data that survives ----------------------------------------------------------------------------------------------

_HOLDS_DATA = (
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolGroup",  # says who is an admin, and who may place orders
    "AWS::SecretsManager::Secret",
)
# The lines that an import has applied: of use while it runs, and expiring afterwards.
_NEEDS_NO_BACKUP = {"CatalogImportsTable"}
# The sandbox provider moves no real money, and goes as soon as a real provider is configured.
_GOES_WITH_THE_SANDBOX = {"PaymentsSandboxTable", "PaymentProviderSecret"}


def that_survive(*kinds: str) -> list[tuple[str, dict[str, Any]]]:
    return [(name, found) for name, found in of_type(*kinds) if name not in _GOES_WITH_THE_SANDBOX]


def test_what_holds_data_outlives_its_stack_unless_its_creation_failed() -> None:
    for name, resource in that_survive(*_HOLDS_DATA):
        assert resource["DeletionPolicy"] == {"Fn::If": ["KeepData", "RetainExceptOnCreate", "Delete"]}, name
        assert resource["UpdateReplacePolicy"] == {"Fn::If": ["KeepData", "Retain", "Delete"]}, name


def test_nothing_else_stays_behind_but_the_role_that_other_stacks_log_with_and_the_key() -> None:
    kept = {
        name
        for name, resource in RESOURCES.items()
        if resource.get("DeletionPolicy", "Delete") != "Delete" and resource["Type"] not in _HOLDS_DATA
    }
    assert kept == {"ApiGatewayLogsRole", "ApiGatewayLogsAccount", "DataEncryptionKey"}


def test_a_resource_that_a_condition_leaves_out_has_no_computed_policy() -> None:
    """With one, AWS::LanguageExtensions refuses the template: "Unsupported expression for DeletionPolicy"."""
    conditional = {name: resource for name, resource in RESOURCES.items() if "Condition" in resource}
    assert conditional.keys() >= _GOES_WITH_THE_SANDBOX
    for name, resource in conditional.items():
        policies = [resource.get("DeletionPolicy", "Delete"), resource.get("UpdateReplacePolicy", "Delete")]
        assert all(isinstance(policy, str) for policy in policies), name


def test_tables_and_accounts_are_protected_from_deletion_by_hand() -> None:
    for name, table in that_survive("AWS::DynamoDB::Table"):
        assert table["Properties"]["DeletionProtectionEnabled"] == {"Fn::If": ["ProtectData", True, False]}, (
            name
        )
    [(_, pool)] = of_type("AWS::Cognito::UserPool")
    assert pool["Properties"]["DeletionProtection"] == {"Fn::If": ["ProtectData", "ACTIVE", "INACTIVE"]}


def test_a_table_can_be_restored_to_any_moment_if_nothing_else_brings_its_items_back() -> None:
    without = {
        name
        for name, table in of_type("AWS::DynamoDB::Table")
        if not table["Properties"]
        .get("PointInTimeRecoverySpecification", {})
        .get("PointInTimeRecoveryEnabled")
    }
    assert without == _NEEDS_NO_BACKUP


@pytest.mark.parametrize(
    ("environment", "protection"),
    [("default", "none"), ("local", "none"), ("staging", "protected"), ("prod", "protected")],
)
def test_an_environment_protects_its_data_as_it_needs(environment: str, protection: str) -> None:
    assert parameters(environment)["DataProtection"] == protection


# ---- Costs -----------------------------------------------------------------------------------------------------------


def test_an_index_of_what_every_order_writes_holds_no_more_than_keys_or_items_that_never_change() -> None:
    """An index holds copies of attributes, and DynamoDB writes them again with each change."""
    whole = {
        f"{name}/{index['IndexName']}"
        for name, table in of_type("AWS::DynamoDB::Table")
        for index in table["Properties"].get("GlobalSecondaryIndexes", [])
        if index["Projection"]["ProjectionType"] != "KEYS_ONLY"
    }
    rarely_changed = {"UsersTable", "CatalogTable", "JobsTable", "PaymentsSandboxTable"}
    assert {index for index in whole if index.partition("/")[0] not in rarely_changed} == {
        "InventoryTable/by-ledger"  # movements, which never change
    }


def test_only_consumers_that_nobody_waits_for_hold_messages_back() -> None:
    windows = {
        mapping["Properties"]["FunctionName"]["Ref"]: mapping["Properties"]["MaximumBatchingWindowInSeconds"]
        for _, mapping in of_type("AWS::Lambda::EventSourceMapping")
        if mapping["Properties"].get("MaximumBatchingWindowInSeconds")
    }
    assert windows == {"ArchiveStoreEventsFunction": 60, "ReportsRecordSalesFunction": 60}


def test_api_gateway_counts_each_route_only_on_request() -> None:
    """Each route would be several custom metrics, which no alarm reads."""
    for name, stage in of_type("AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage"):
        [settings] = throttles(stage["Properties"])
        counted = settings.get("MetricsEnabled", settings.get("DetailedMetricsEnabled"))
        assert counted == {"Ref": "ApiMetrics"}, name
    assert parameters("prod")["ApiMetrics"] == "false"


def test_accounts_are_in_the_cheapest_tier() -> None:
    [(_, pool)] = of_type("AWS::Cognito::UserPool")
    assert pool["Properties"]["UserPoolTier"] == "LITE"


def test_cognito_may_call_a_function_of_the_pool_before_the_pool_names_it() -> None:
    """An update changes the pool after what it depends on; a sign-in between the two would fail."""
    pool = RESOURCES["UserPool"]
    [trigger] = [arn["Fn::GetAtt"][0] for arn in pool["Properties"]["LambdaConfig"].values()]
    permission = RESOURCES[pool["DependsOn"]]
    assert permission["Properties"] == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": trigger},
        "Principal": "cognito-idp.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
    }
    assert not of_type("AWS::IAM::Policy")


def test_functions_run_on_the_cheaper_processor_except_here() -> None:
    for name, function in of_type("AWS::Lambda::Function"):
        assert function["Properties"]["Architectures"] == [{"Ref": "Architecture"}], name
    chosen = {name: parameters(name)["Architecture"] for name in ("default", "staging", "prod", "local")}
    assert chosen == {"default": "arm64", "staging": "arm64", "prod": "arm64", "local": "x86_64"}


# ---- The firewall ----------------------------------------------------------------------------------------------------


def test_a_stack_has_a_firewall_only_if_a_parameter_asks_for_it() -> None:
    waf = {name: resource for name, resource in RESOURCES.items() if "WAF" in resource["Type"]}
    assert {resource["Condition"] for resource in waf.values()} == {"UseFirewall"}
    assert deployed()["Conditions"]["UseFirewall"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "FirewallRequests"}, 0]}]
    }
    assert deployed()["Parameters"]["FirewallRequests"]["Default"] == 0


def test_the_firewall_refuses_with_problem_details_and_says_when_to_come_again() -> None:
    firewall = RESOURCES["ApiFirewall"]["Properties"]
    problem = json.loads(firewall["CustomResponseBodies"]["TooManyRequests"]["Content"])
    assert problem["type"].endswith("/too-many-requests")
    for rule in firewall["Rules"]:
        answer = rule["Action"]["Block"]["CustomResponse"]
        assert answer["ResponseCode"] == problem["status"]
        waits = {header["Name"]: header["Value"] for header in answer["ResponseHeaders"]}
        window = rule["Statement"]["RateBasedStatement"]["EvaluationWindowSec"]
        assert waits == {"Retry-After": str(window)}


def is_seen_as_a_sign_up(method: str, path: str) -> bool:
    """Whether the rule for sign-ups counts a request, with the path as the client sent it."""
    (rule,) = [rule for rule in RESOURCES["ApiFirewall"]["Properties"]["Rules"] if rule["Name"] == "sign-ups"]
    scope = rule["Statement"]["RateBasedStatement"]["ScopeDownStatement"]["AndStatement"]["Statements"]
    return all(_matches(statement["ByteMatchStatement"], method, path) for statement in scope)


def _matches(statement: dict[str, Any], method: str, path: str) -> bool:
    """https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-transformation.html"""
    transformations: dict[str, Callable[[str], str]] = {
        "NONE": str,
        "LOWERCASE": str.lower,
        "URL_DECODE": unquote,
        "NORMALIZE_PATH": lambda text: re.sub(r"(?:/\.?(?=/))+", "", text),
    }
    text = method if "Method" in statement["FieldToMatch"] else path
    for each in sorted(statement["TextTransformations"], key=lambda one: one["Priority"]):
        text = transformations[each["Type"]](text)
    wanted = statement["SearchString"]
    compared = {"EXACTLY": text == wanted, "ENDS_WITH": text.endswith(wanted), "CONTAINS": wanted in text}
    return compared[statement["PositionalConstraint"]]


@pytest.mark.parametrize(
    "path", ["/prod/users", "/prod/users/", "/prod//users", "/users", "/prod/%75sers", "/prod/./users"]
)
def test_the_firewall_counts_a_sign_up_in_each_spelling_of_its_path(path: str) -> None:
    assert is_seen_as_a_sign_up("POST", path)


def test_the_firewall_counts_nothing_else_as_a_sign_up() -> None:
    routes = {(route.method, route.path) for function in functions() for route in function.routes}
    seen = {(method, path) for method, path in routes if is_seen_as_a_sign_up(method, f"/prod{path}")}
    assert seen == {("POST", "/users")}


def test_the_firewall_stands_before_the_stage_of_the_rest_api() -> None:
    where = json.dumps(RESOURCES["ApiFirewallAssociation"]["Properties"]["ResourceArn"])
    stages = {
        name
        for name, stage in of_type("AWS::ApiGateway::Stage")
        if stage["Properties"]["RestApiId"] == {"Ref": "Api"}
    }
    assert {name for name in stages if f"${{{name}}}" in where} == stages
    assert len(stages) == 1

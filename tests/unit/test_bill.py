"""The bill: how usage is counted, each rule with AWS's own example where AWS gives one, and how it is priced."""

import json
from typing import Any

import pytest

from tools.bill import idle, log_lines
from tools.bill.counting import Count, Traffic, metrics, sampled_share
from tools.bill.declared import Declared
from tools.bill.durations import Model
from tools.bill.recording import Fact
from tools.bill.usage import Usage, added, prices

_KEY = [{"AttributeName": "pk", "KeyType": "HASH"}]


def stack(parameters: dict[str, str] | None = None, **resources: dict[str, Any]) -> Declared:
    template = {
        "Parameters": {
            "Provider": {"Type": "String", "Default": ""},
            "Level": {"Type": "String", "Default": "ALL"},
        },
        "Conditions": {
            "Sandbox": {"Fn::Equals": [{"Ref": "Provider"}, ""]},
            "Provided": {"Fn::Not": [{"Condition": "Sandbox"}]},
        },
        "Resources": resources,
    }
    return Declared(template, parameters or {})


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def function(**properties: Any) -> dict[str, Any]:
    return resource("Lambda::Function", MemorySize=512, Architectures=["arm64"], **properties)


def counted(
    declared: Declared, *facts: Fact, orders: int = 1, model: Model | None = None
) -> dict[str, float]:
    """The quantities of a count, by the name of their price."""
    usages = Count(declared, Traffic(orders, 1.0), model or Model()).of(facts)
    sums: dict[str, float] = {}
    for usage in usages:
        sums[usage.price] = sums.get(usage.price, 0) + usage.quantity
    return sums


def invocation(**facts: Any) -> Fact:
    return {
        "kind": "invocation", "function": "Work", "trigger": "queue", "source": "Queue", "records": 1,
        "cpu_seconds": 0.01, "wall_seconds": 9.0, "cold": False, "failed": False, "log": "",
    } | facts  # fmt: skip


# ---- Prices


def test_a_usage_costs_its_quantity_times_its_price() -> None:
    # https://aws.amazon.com/step-functions/pricing/: $0.025 for 1,000 transitions.
    assert Usage("Step Functions", "saga", "states.transitions", 1000).dollars == pytest.approx(0.025)


def test_every_price_is_dated_by_its_file_and_names_the_page_of_aws() -> None:
    for price in prices().values():
        assert price["page"].startswith("https://aws.amazon.com/")
        assert price["seen"] == "memory" or price["seen"].startswith("https://")
        assert price["dollars"] > 0
        assert price["per"] > 0


def test_usages_of_one_cause_add_up_and_the_dearest_comes_first() -> None:
    usages = [
        Usage("SNS", "topic", "sns.publishes", 1),
        Usage("SNS", "topic", "sns.publishes", 2),
        Usage("SNS", "none", "sns.publishes", 0),
        Usage("API", "GET", "api.requests", 1),
    ]
    assert added(usages) == [
        Usage("API", "GET", "api.requests", 1),
        Usage("SNS", "topic", "sns.publishes", 3),
    ]


# ---- The template


def test_resources_of_a_condition_that_does_not_hold_are_not_in_the_bill() -> None:
    sandbox = resource("DynamoDB::Table", KeySchema=_KEY) | {"Condition": "Sandbox"}
    assert "Sandbox" in stack(Sandbox=sandbox).resources
    assert "Sandbox" not in stack({"Provider": "https://provider.example"}, Sandbox=sandbox).resources


def test_a_choice_between_two_values_is_decided() -> None:
    key = {"Fn::If": ["Provided", {"Ref": "Provider"}, {"Ref": "AWS::NoValue"}]}
    group = resource("Logs::LogGroup", Key=key)
    assert stack(Group=group).resources["Group"]["Properties"] == {}
    assert stack({"Provider": "https"}, Group=group).resources["Group"]["Properties"] == {"Key": "https"}


def test_a_parameter_has_the_value_of_production_or_its_default() -> None:
    group = resource("Logs::LogGroup", Level={"Ref": "Level"}, Other={"Ref": "Level2"})
    assert stack(Group=group).resources["Group"]["Properties"] == {"Level": "ALL", "Other": {"Ref": "Level2"}}
    assert stack({"Level": "ERROR"}, Group=group).resources["Group"]["Properties"]["Level"] == "ERROR"


def test_the_shipped_template_is_priced_without_its_sandbox_provider() -> None:
    declared = Declared.for_production()
    assert "PaymentsTable" in declared.tables
    assert not [name for name in (*declared.tables, *declared.functions) if "Sandbox" in name]
    assert declared.provider_callers


def test_production_pays_for_no_line_of_lambdas_own_and_for_no_metric_of_a_route() -> None:
    declared = Declared.for_production()
    for properties in declared.functions.values():
        assert log_lines.platform_bytes(properties["LoggingConfig"], is_traced=True) == 0
    assert not idle.metrics_of_methods(declared, {"Api": {("GET", "/orders")}})


# ---- Lambda


def test_cpu_time_is_scaled_by_the_share_of_a_cpu_that_the_memory_gives() -> None:
    # 1,769 MB are one vCPU: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
    assert Model().billed_seconds(0.010, 1769, {}) == 0.010
    assert Model().billed_seconds(0.010, 885, {}) == 0.020
    assert Model().billed_seconds(0.010, 3538, {}) == 0.010


def test_an_invocation_waits_for_each_call_and_is_billed_by_the_millisecond() -> None:
    assert Model().billed_seconds(0, 512, {"dynamodb": 2}) == 0.010
    assert Model(waits=2).billed_seconds(0.0001, 512, {"dynamodb": 2}) == 0.021
    assert Model().billed_seconds(0, 512, {}) == 0.001


def test_gb_seconds_are_those_of_a_warm_invocation_at_the_declared_memory() -> None:
    declared = stack(Work=function(), Queue=resource("SQS::Queue"))
    facts = [
        invocation(cpu_seconds=9.9, cold=True),
        invocation(cpu_seconds=9.9, cold=True),
        invocation(cpu_seconds=0.02),
    ]
    found = counted(declared, *facts)
    assert found["lambda.requests"] == 3
    assert found["lambda.gb_seconds.arm64"] == pytest.approx(3 * 0.5 * 0.02 * 1769 / 512, rel=0.02)


def test_without_cpu_time_the_time_on_the_clock_counts() -> None:
    declared = stack(Work=function(), Queue=resource("SQS::Queue"))
    found = counted(declared, invocation(cpu_seconds=None, wall_seconds=0.1))
    assert found["lambda.gb_seconds.arm64"] == pytest.approx(0.5 * 0.1 * 1769 / 512, rel=0.02)


def source(**properties: Any) -> dict[str, Any]:
    return resource(
        "Lambda::EventSourceMapping",
        EventSourceArn={"Fn::GetAtt": ["Queue", "Arn"]},
        FunctionName={"Ref": "Work"},
        **properties,
    )


def test_a_batch_window_gathers_what_arrives_within_it() -> None:
    # One order a second with two messages each, a window of 5 seconds: 10 messages an invocation.
    declared = stack(
        Work=function(),
        Queue=resource("SQS::Queue"),
        Source=source(BatchSize=100, MaximumBatchingWindowInSeconds=5),
    )
    facts = [invocation() for _ in range(40)]
    facts += [{"kind": "receive", "queue": "Queue", "messages": 1, "bytes": 100}] * 40
    facts += [{"kind": "delete", "queue": "Queue", "messages": 1}] * 40
    found = counted(declared, *facts, orders=20)
    assert found["lambda.requests"] == pytest.approx(4)
    assert found["sqs.requests"] == pytest.approx(8)


def test_a_batch_is_no_larger_than_its_limit() -> None:
    declared = stack(
        Work=function(),
        Queue=resource("SQS::Queue"),
        Source=source(BatchSize=5, MaximumBatchingWindowInSeconds=60),
    )
    found = counted(declared, *[invocation() for _ in range(40)], orders=20)
    assert found["lambda.requests"] == pytest.approx(8)


@pytest.mark.parametrize(("kilobytes", "receives"), [(1, 20), (10, 40)])
def test_pollers_gather_a_large_batch_by_ten_messages_at_a_time(kilobytes: int, receives: int) -> None:
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    declared = stack(
        Work=function(),
        Queue=resource("SQS::Queue"),
        Source=source(BatchSize=100, MaximumBatchingWindowInSeconds=60),
    )
    polls = [{"kind": "receive", "queue": "Queue", "messages": 2, "bytes": 2 * kilobytes * 1024}] * 100
    polls += [{"kind": "delete", "queue": "Queue", "messages": 2}] * 100
    assert counted(declared, *polls, orders=20)["sqs.requests"] == pytest.approx(receives + 20)
    alone = counted(declared, *polls, orders=20, model=Model(each_message_alone=True))
    assert alone["sqs.requests"] == pytest.approx(200 + 20)


def test_without_a_window_batches_are_as_they_came_or_each_message_alone() -> None:
    declared = stack(Work=function(), Queue=resource("SQS::Queue"), Source=source(BatchSize=10))
    facts = [invocation(records=3), invocation(records=1)]
    assert counted(declared, *facts)["lambda.requests"] == 2
    assert counted(declared, *facts, model=Model(each_message_alone=True))["lambda.requests"] == 4


# ---- Messages


@pytest.mark.parametrize(("kilobytes", "requests"), [(1, 1), (64, 1), (65, 2), (256, 4)])
def test_each_64_kb_of_a_message_is_a_request(kilobytes: int, requests: int) -> None:
    # https://aws.amazon.com/sqs/pricing/: "an API action with a 256 KB payload is billed as 4 requests".
    size = kilobytes * 1024
    declared = stack(Work=function(), Queue=resource("SQS::Queue"))
    assert (
        counted(declared, {"kind": "publish", "topic": "Topic", "bytes": size})["sns.publishes"] == requests
    )
    sent = {"kind": "call", "caller": "Work", "service": "sqs", "action": "SendMessage", "bytes": size}
    assert counted(declared, sent)["sqs.requests"] == requests


def test_pollers_receive_a_batch_and_delete_it_by_tens() -> None:
    declared = stack(Queue=resource("SQS::Queue"))
    facts = [
        {"kind": "receive", "queue": "Queue", "messages": 25, "bytes": 1000},
        {"kind": "delete", "queue": "Queue", "messages": 25},
    ]
    assert counted(declared, *facts)["sqs.requests"] == 1 + 3


# ---- Step Functions


def execution(**facts: Any) -> Fact:
    return {
        "kind": "execution", "machine": "Saga", "execution": "ord_1", "seconds": 0.31, "input_bytes": 100,
        "transitions": 5, "events": [("ExecutionStarted", ""), ("TaskStateEntered", "Reserve")],
    } | facts  # fmt: skip


def test_a_standard_execution_costs_its_transitions() -> None:
    machine = resource("StepFunctions::StateMachine", StateMachineType="STANDARD")
    found = counted(stack(Saga=machine), execution())
    assert found["states.transitions"] == 5
    assert "states.express_requests" not in found


def test_an_express_execution_costs_a_request_and_its_time_in_steps_of_100_ms() -> None:
    # https://aws.amazon.com/step-functions/pricing/: 64 MB chunks, rounded up to the nearest 100 ms.
    machine = resource("StepFunctions::StateMachine", StateMachineType="EXPRESS")
    found = counted(stack(Saga=machine), execution())
    assert found["states.express_requests"] == 1
    assert found["states.express_gb_seconds"] == pytest.approx(0.4 * 64 / 1024)
    twice = counted(stack(Saga=machine), execution(), model=Model(executions=2))
    assert twice["states.express_gb_seconds"] == pytest.approx(0.7 * 64 / 1024)
    assert "states.transitions" not in found


def test_a_state_machine_logs_by_its_level() -> None:
    events = [
        ("ExecutionStarted", ""),
        ("TaskScheduled", "arn"),
        ("TaskFailed", "arn"),
        ("ExecutionFailed", ""),
    ]

    def logged(**logging: Any) -> int:
        return log_lines.machine_bytes("Saga", "ord_1", events, logging, 50)

    assert logged(Level="OFF") == logged() == 0
    assert 0 < logged(Level="FATAL") < logged(Level="ERROR") < logged(Level="ALL")
    # Five events, since AWS logs that the task started.
    assert logged(Level="ALL", IncludeExecutionData=True) == logged(Level="ALL") + 5 * 50


# ---- Tables


def test_writes_are_counted_by_table_and_by_index() -> None:
    index = {"IndexName": "by-status", "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
             "Projection": {"ProjectionType": "KEYS_ONLY"}}  # fmt: skip
    table = resource("DynamoDB::Table", KeySchema=_KEY, GlobalSecondaryIndexes=[index])
    item = {"pk": {"S": "1"}, "status": {"S": "new"}}
    write = {"kind": "write", "table": "Orders", "before": item, "in_transaction": False,
             "after": item | {"status": {"S": "old"}}}  # fmt: skip
    usages = Count(stack(Orders=table), Traffic(1, 1.0), Model()).of([write])
    assert {usage.cause: usage.quantity for usage in usages} == {"Orders": 1, "Orders/by-status": 2}


def test_reads_are_counted_by_what_they_read() -> None:
    table = resource("DynamoDB::Table", KeySchema=_KEY)
    get = {"kind": "read", "table": "Orders", "index": "", "operation": "get", "items": [None]}
    query = {"kind": "read", "table": "Orders", "index": "by-x", "operation": "query", "items": []}
    found = counted(stack(Orders=table), get | {"consistency": "STRONG"}, query | {"consistency": "EVENTUAL"})
    assert found["dynamodb.reads"] == 1.5


# ---- Logs


def test_our_lines_are_told_from_metric_lines() -> None:
    log = 'a line\n\n{"_aws": {}}\n'
    assert list(log_lines.own_lines(log, {})) == [("our own lines", 6), ("metric lines", 12)]


def test_lambda_drops_lines_of_json_below_the_application_level() -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    log = '{"level":"DEBUG"}\n{"level":"WARNING"}\n{"_aws":{}}\nplain\n'

    def kept(**logging: str) -> int:
        return len(list(log_lines.own_lines(log, logging)))

    assert kept(ApplicationLogLevel="ERROR") == 4  # in text format there is no level
    assert kept(LogFormat="JSON") == 3
    assert kept(LogFormat="JSON", ApplicationLogLevel="DEBUG") == 4
    assert kept(LogFormat="JSON", ApplicationLogLevel="WARN") == 2


def test_lambda_logs_three_lines_an_invocation_and_one_more_if_it_is_traced() -> None:
    plain = log_lines.platform_bytes({}, is_traced=False)
    assert 200 < plain < log_lines.platform_bytes({}, is_traced=True)


def test_lambda_logs_nothing_of_success_in_json_at_level_warn() -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    assert log_lines.platform_bytes({"LogFormat": "JSON"}, is_traced=True) > 0
    assert log_lines.platform_bytes({"LogFormat": "JSON", "SystemLogLevel": "WARN"}, is_traced=True) == 0


def test_an_access_line_is_as_long_as_its_values() -> None:
    assert log_lines.access_bytes("$context.resourcePath $context.status", "/orders") == len("/orders 201")


def test_a_group_of_infrequent_access_costs_half() -> None:
    group = resource("Logs::LogGroup", LogGroupClass="INFREQUENT_ACCESS")
    work = function(LoggingConfig={"LogGroup": {"Ref": "Group"}})
    found = counted(stack(Work=work, Group=group), invocation(log="a line"))
    assert set(found) >= {"logs.infrequent_gb"}
    assert "logs.gb" not in found
    assert prices()["logs.infrequent_gb"]["dollars"] == prices()["logs.gb"]["dollars"] / 2


def test_metrics_are_told_apart_by_name_and_by_the_values_of_their_dimensions() -> None:
    def line(service: str) -> str:
        directive = {"Namespace": "Shop", "Dimensions": [["service"]], "Metrics": [{"Name": "Placed"}]}
        return json.dumps({"_aws": {"CloudWatchMetrics": [directive]}, "service": service, "Placed": 1})

    facts = [invocation(log="\n".join([line("orders"), line("orders"), line("live"), "plain"]))]
    assert metrics(facts) == {("Shop", "service=orders", "Placed"), ("Shop", "service=live", "Placed")}


# ---- X-Ray


def test_the_default_rule_records_one_trace_a_second_and_five_percent_of_the_others() -> None:
    # https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html
    assert sampled_share(0.5) == 1
    assert sampled_share(1) == 1
    assert sampled_share(101) == pytest.approx((1 + 0.05 * 100) / 101)


def test_a_trace_begins_with_a_request_or_a_stream_and_not_with_a_queue() -> None:
    traced = function(TracingConfig={"Mode": "Active"})
    declared = stack(
        Work=traced, Queue=resource("SQS::Queue"),
        Stage=resource("ApiGateway::Stage", RestApiId={"Ref": "Api"}, TracingEnabled=True),
    )  # fmt: skip
    request = {"kind": "request", "api": "Api", "method": "GET", "path": "/", "status": 200, "bytes": 10}
    facts = [request, invocation(trigger="stream"), invocation(), invocation(trigger="request")]
    assert counted(declared, *facts, orders=100)["xray.traces"] == pytest.approx(2)


# ---- A month


@pytest.mark.parametrize(
    ("expression", "runs"),
    [
        ("rate(5 minutes)", 8760),
        ("rate(1 day)", 730 / 24),
        ("cron(0 2 * * ? *)", 730 / 24),
        ("cron(0 9 ? * MON *)", 730 / 24 / 7),
        ("cron(0/15 * * * ? *)", 2920),
        ("cron(0 3 1 * ? *)", 1),
    ],
)
def test_a_schedule_runs_so_often_a_month(expression: str, runs: float) -> None:
    assert idle.runs_a_month(expression) == pytest.approx(runs)


def test_an_unknown_schedule_is_no_guess() -> None:
    with pytest.raises(ValueError, match="no schedule"):
        idle.runs_a_month("at(2026-03-01T00:00:00)")


@pytest.mark.parametrize(
    ("settings", "polls"),
    [
        ({}, 6),
        ({"ScalingConfig": {"MaximumConcurrency": 2}}, 15),
        ({"ProvisionedPollerConfig": {"MinimumPollers": 3}}, 9),
    ],
)
def test_an_idle_queue_is_polled_by_as_few_connections_as_aws_says(
    settings: dict[str, Any], polls: int
) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: two, or five with a maximum concurrency.
    (polling,) = idle.standing(stack(Queue=resource("SQS::Queue"), Source=source(**settings)))
    assert polling.quantity == polls * 60 * 730


def test_an_idle_queue_may_be_polled_by_five_connections_and_a_disabled_one_is_not_polled() -> None:
    queue = resource("SQS::Queue")
    (polling,) = idle.standing(stack(Queue=queue, Source=source()), pollers=idle.USUAL_POLLERS)
    assert polling.quantity == 15 * 60 * 730
    assert not idle.standing(stack(Queue=queue, Source=source(Enabled=False)))


def test_a_metric_costs_for_the_hours_in_which_a_schedule_writes_it() -> None:
    # https://aws.amazon.com/cloudwatch/pricing/: custom metrics are prorated by the hour.
    assert idle.scheduled_metrics(2, runs=73).quantity == pytest.approx(2 * 0.1)
    assert idle.scheduled_metrics(2, runs=8760).quantity == 2


def alarm(**properties: Any) -> dict[str, Any]:
    return resource("CloudWatch::Alarm", **properties)


@pytest.mark.parametrize(
    ("properties", "dollars"),
    [
        ({"MetricName": "Errors", "Period": 60}, 0.10),
        ({"MetricName": "Errors", "Period": 10}, 0.30),
        ({"Metrics": [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "m1 + m2"}]}, 0.20),
        ({"Metrics": [{"Expression": 'SELECT MAX(Age) FROM SCHEMA("AWS/SQS", QueueName)'}]}, 0.30),
    ],
)
def test_an_alarm_costs_as_much_as_its_metrics(properties: dict[str, Any], dollars: float) -> None:
    # https://aws.amazon.com/cloudwatch/pricing/: standard 0.10, high resolution 0.30, each for a metric.
    queues = {name: resource("SQS::Queue") for name in ("One", "Two", "Three")}
    usages = idle.standing(stack(Alarm=alarm(**properties), **queues))
    assert sum(usage.dollars for usage in usages) == pytest.approx(dollars)


def test_keys_secrets_and_the_fourth_dashboard_cost_by_the_month() -> None:
    boards = {f"Board{number}": resource("CloudWatch::Dashboard") for number in range(4)}
    declared = stack(Key=resource("KMS::Key"), Secret=resource("SecretsManager::Secret"), **boards)
    assert sum(usage.dollars for usage in idle.standing(declared)) == pytest.approx(1.00 + 0.40 + 3.00)


def test_the_key_of_a_topic_costs_by_the_role_that_may_publish_there() -> None:
    def publisher(topic: str) -> dict[str, Any]:
        allowed = {"Effect": "Allow", "Action": "sns:Publish", "Resource": {"Ref": topic}}
        return resource("IAM::Role", Policies=[{"PolicyDocument": {"Statement": [allowed]}}])

    declared = stack(
        Events=resource("SNS::Topic", KmsMasterKeyId="alias/aws/sns"),
        Alarms=resource("SNS::Topic", KmsMasterKeyId="alias/aws/sns"),
        Plain=resource("SNS::Topic"),
        OneRole=publisher("Events"),
        OtherRole=publisher("Events"),
        PlainRole=publisher("Plain"),
    )
    (usage,) = idle.keys_of_topics(declared)
    assert usage.quantity == 730 * 12 * 2 * 2
    assert usage.dollars == pytest.approx(0.105, abs=0.001)


def test_detailed_metrics_cost_by_the_method_that_is_called() -> None:
    def stage(*, detailed: bool | str) -> Declared:
        settings = [{"MetricsEnabled": detailed}]
        return stack(Stage=resource("ApiGateway::Stage", RestApiId={"Ref": "Api"}, MethodSettings=settings))

    called = {"Api": {("GET", "/orders"), ("POST", "/orders")}}
    (usage,) = idle.metrics_of_methods(stage(detailed=True), called)
    assert usage.quantity == 10
    assert not idle.metrics_of_methods(stage(detailed=False), called)
    assert not idle.metrics_of_methods(stage(detailed="false"), called)

"""The dashboards of template.yaml: valid JSON that names what the code counts, AWS measures and the stack has."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tools.contracts.deployed import deployed
from tools.contracts.template import default_text
from tools.settings import REPOSITORY

RESOURCES: dict[str, dict[str, Any]] = deployed()["Resources"]
DASHBOARDS = ("ShopDashboard", "ServicesDashboard")
OWN = "Cartwright/StackName"
# What AWS measures, by namespace: the dimension that the dashboards name, its metrics, and the resources' type.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html
MEASURED = {
    ("AWS/Lambda", "FunctionName"): {"Invocations", "Errors", "Throttles", "Duration"},
    ("AWS/SQS", "QueueName"): {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
    ("AWS/DynamoDB", "TableName"): {"ConsumedWriteCapacityUnits"},
    ("AWS/Logs", "LogGroupName"): {"IncomingBytes"},
    ("AWS/ApiGateway", "ApiName"): {"Count", "4XXError", "5XXError", "Latency"},
    ("AWS/States", "StateMachineArn"): {"ExecutionsStarted"},
    ("AWS/States", "ServiceMetric"): {"ConsumedCapacity"},
}
_SEARCH = re.compile(
    r"SEARCH\('\{(?P<namespace>[^,}]+),(?P<dimension>\w+)\} (?P<terms>[^']+)', '(?P<statistic>\w+)'\)"
)
_STATISTIC = re.compile(r"Sum|Average|Maximum|p\d\d")


def body(dashboard: str) -> dict[str, Any]:
    """The dashboard's JSON; a resource stands for its name or ARN, and a pseudo parameter for its value."""

    def rendered(value: Any) -> Any:
        match value:
            case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::Sub": _}:
                return default_text(value)
            case dict():
                return {name: rendered(entry) for name, entry in value.items()}
            case list():
                return [rendered(entry) for entry in value]
        return value

    text = json.dumps(rendered(RESOURCES[dashboard]["Properties"]["DashboardBody"]["Fn::ToJsonString"]))
    found: dict[str, Any] = json.loads(text)
    return found


def widgets(dashboard: str, kind: str) -> list[dict[str, Any]]:
    return [each["properties"] for each in body(dashboard)["widgets"] if each["type"] == kind]


def lines() -> Iterator[Any]:
    """Each line of the dashboards' graphs, as `[namespace, metric, dimension, value, options]` or a search."""
    for dashboard in DASHBOARDS:
        for widget in widgets(dashboard, "metric"):
            yield from widget["metrics"]


SEARCHES = [entry["expression"] for [*_, entry] in lines() if "expression" in entry]
NAMED = [line for line in lines() if len(line) > 1]


def counted() -> set[str]:
    """The words in the modules that count: names of metrics, or how they begin."""
    modules = [
        ast.parse(path.read_text())
        for path in REPOSITORY.glob("services/*/*/**/*.py")
        if re.search(r"import .*\b(count|measure)\b", path.read_text())
    ]
    return {
        node.value
        for module in modules
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def tokens(text: str) -> list[str]:
    """The words of a name; CloudWatch finds it by any. Its own example: `Project2-trial333`: project, 2, trial, 333."""
    return [found.lower() for found in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", text)]


def is_found(name: str, term: str) -> bool:
    """Whether the words of `term` follow each other in `name`."""
    words, wanted = tokens(name), tokens(term)
    return any(words[start : start + len(wanted)] == wanted for start in range(len(words)))


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_a_dashboard_is_made_if_its_parameter_says_so_and_its_widgets_share_the_grid(dashboard: str) -> None:
    assert RESOURCES[dashboard]["Condition"] == "MakeDashboards"
    taken: set[tuple[int, int]] = set()
    for widget in body(dashboard)["widgets"]:
        place = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not place & taken, widget["properties"]["title"]
        assert max(x for x, _ in place) < 24, widget["properties"]["title"]
        taken |= place


def test_the_alarm_widget_of_the_shop_has_every_alarm() -> None:
    [widget] = widgets("ShopDashboard", "alarm")
    alarms = {name for name, resource in RESOURCES.items() if resource["Type"] == "AWS::CloudWatch::Alarm"}
    assert sorted(widget["alarms"]) == sorted(alarms), (
        "list each alarm once in ShopDashboard of template.yaml"
    )


@pytest.mark.parametrize("line", NAMED, ids=lambda line: f"{line[0]} {line[1]}")
def test_a_line_names_a_metric_that_there_is(line: list[Any]) -> None:
    namespace, metric, dimension, value, _ = line
    if namespace == OWN:
        assert metric in counted()
        assert (dimension, (REPOSITORY / "services" / value).is_dir()) == ("service", True)
    else:
        assert metric in MEASURED[namespace, dimension]
        assert value in {"AWS::StackName", "StateTransition"} or RESOURCES[value]


@pytest.mark.parametrize("expression", SEARCHES)
def test_a_search_finds_a_metric_that_there_is(expression: str) -> None:
    search = _SEARCH.search(expression)
    assert search, expression
    assert len(expression) <= 1024  # the most that CloudWatch takes
    assert _STATISTIC.fullmatch(search["statistic"])
    namespace, dimension = search["namespace"].strip('"'), search["dimension"]
    named = re.findall(r'MetricName="?(\w+)', search["terms"])
    if namespace == OWN:
        assert dimension == "service"
        assert set(named) <= counted()
    else:
        assert set(named) <= MEASURED[namespace, dimension]
        assert named
        assert f"{dimension}=StackName" in search["terms"]


def test_each_function_and_each_count_is_shown_for_one_choice_of_the_service() -> None:
    [variable] = body("ServicesDashboard")["variables"]
    values = [entry["value"] for entry in variable["values"]]
    assert variable["defaultValue"] in values
    for name, resource in RESOURCES.items():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        service = resource["Properties"]["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
        shown = [value for value in values if is_found(f"cartwright-{name}-1A2B3C", f"cartwright-{value}")]
        counts = [value for value in values if is_found(service, value)]
        assert len(shown) == 1, (
            f"{name} is in {shown}: list its service once in ServicesDashboard of template.yaml"
        )
        assert shown == counts, name


def test_the_word_for_the_service_stands_in_searches_alone() -> None:
    [variable] = body("ServicesDashboard")["variables"]
    everything = json.dumps(body("ServicesDashboard"))
    in_searches = sum(expression.count(variable["pattern"]) for expression in SEARCHES)
    assert (
        everything.count(variable["pattern"])
        == in_searches + 1
        == len(widgets("ServicesDashboard", "metric")) + 1
    )

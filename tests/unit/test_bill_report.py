"""The verdict of the bill: the first dollar above a budget fails `make bill`."""

import argparse
from typing import Any

import pytest

from tools.bill import command, report
from tools.bill.declared import Declared
from tools.bill.measuring import Measured
from tools.stack import Stack


def measured(*, publishes: int = 0, secrets: int = 0, queues: int = 0) -> Measured:
    """A million orders with so many publishes each, half a dollar for one, and a month with these resources."""
    resources = {
        **{f"Secret{n}": {"Type": "AWS::SecretsManager::Secret"} for n in range(secrets)},
        **{f"Queue{n}": {"Type": "AWS::SQS::Queue"} for n in range(queues)},
        **{f"Source{n}": source(f"Queue{n}") for n in range(queues)},
    }
    declared = Declared({"Parameters": {}, "Conditions": {}, "Resources": resources}, {})
    published: dict[str, Any] = {"kind": "publish", "topic": "Topic", "bytes": 10}
    return Measured(declared, {"fulfilled": 1}, 1.0, {"fulfilled": [published] * publishes}, {"fulfilled": 0})


def source(queue: str) -> dict[str, Any]:
    properties = {"EventSourceArn": {"Fn::GetAtt": [queue, "Arn"]}, "FunctionName": {"Ref": "Work"}}
    return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}


@pytest.mark.parametrize(
    ("bill", "code"),
    [
        pytest.param(measured(publishes=300, secrets=12), 0, id="150 dollars and 4.80"),
        pytest.param(measured(publishes=302), 1, id="151 dollars"),
        pytest.param(measured(secrets=13), 1, id="5.20 dollars a month"),
    ],
)
def test_the_first_dollar_above_a_budget_fails(
    bill: Measured, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "measure", lambda *_, **__: bill)
    monkeypatch.setattr(Stack, "current", lambda: None)
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    arguments = parser.parse_args(["bill"])
    assert arguments.run(arguments) == code
    assert ("ABOVE THE BUDGET" in capsys.readouterr().out) == bool(code)


def test_mail_is_not_in_the_budget() -> None:
    bill = measured()
    mail = {"kind": "call", "caller": "Send", "service": "ses", "action": "SendEmail", "bytes": 10}
    bill.facts["fulfilled"] = [mail] * 3
    assert report.dollars(bill.per_million("fulfilled")) == pytest.approx(300)
    assert report.is_within_budget(bill)


def test_the_month_is_judged_by_the_least_polling_and_shows_what_more_would_cost() -> None:
    bill = measured(queues=40)
    assert report.is_within_budget(bill)
    (line,) = [line for line in report.lines(bill) if "polls each idle queue" in line]
    assert line.endswith(f"{40 * 3 * 3 * 60 * 730 * 0.4e-6:+.2f}")

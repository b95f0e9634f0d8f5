"""What stands around the shop's functions: moto's tables, a topic with its queues, state machines, mail, the provider.

Each does at once and exactly what it is asked; what can go wrong on the way there is in `functions`.
"""

import importlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from botocore.exceptions import ClientError

from shared.observability import metrics
from tests.component.conftest import FakeLambdaContext
from tests.component.rest_events import rest_event
from tests.faults.clock import Clock
from tests.faults.tables import ask, tables
from tests.faults.template import Template
from tests.faults.world import Work, World

PROVIDER_KEY = "sk_test_sandbox"


class Services:
    """The services, with the world that they are in."""

    def __init__(self) -> None:
        # DynamoDB is asked as boto3 asks it, which takes several times as long.
        self.over_http = False
        self.template = Template()
        self.world = World()
        self.clock = Clock(lambda: self.world.clock)
        self._context = FakeLambdaContext()
        # boto3's own way to ask.
        self._call: Any = None

    def _enqueue(self, executions: list[str]) -> None:
        self.world.pending += [Work("task", {"execution": execution}) for execution in executions]

    def _new_provider_id(self) -> str:
        return f"{len(tables()['PaymentsSandboxTable'].items):08}"

    def _effect(self, client: Any, service: str, operation: str, arguments: dict[str, Any]) -> Any:
        if service == "dynamodb":
            return self._call(client, operation, arguments) if self.over_http else ask(operation, arguments)
        match operation:
            case "PublishBatch":
                return self._publish(arguments)
            case "StartExecution":
                return self._start(arguments)
            case "SendEmail":
                body = arguments["Content"]["Simple"]["Body"]["Text"]["Data"]
                to = arguments["Destination"]["ToAddresses"][0]
                self.world.mails.append({"To": to, "BodyText": body})
                return {"MessageId": f"mail-{len(self.world.mails)}"}
            case "SendMessage":
                attributes = {
                    name: value["StringValue"] for name, value in arguments["MessageAttributes"].items()
                }
                about = {"function": "", "message_id": attributes["reason"], "body": arguments["MessageBody"]}
                self.world.dead_letters.append(Work("message", about))
                return {"MessageId": "dead"}
            case "GetSecretValue":
                return {"Name": arguments["SecretId"], "SecretString": PROVIDER_KEY}
        raise NotImplementedError(f"{service}:{operation}")

    def _publish(self, arguments: dict[str, Any]) -> dict[str, Any]:
        for entry in arguments["PublishBatchRequestEntries"]:
            event_type = entry["MessageAttributes"]["event_type"]["StringValue"]
            for types, function in self.template.subscribers:
                if event_type in types:
                    event_id = json.loads(entry["Message"])["event_id"]
                    about = {"function": function, "message_id": event_id, "body": entry["Message"]}
                    self.world.pending.append(Work("message", about))
        return {"Successful": [{"Id": entry["Id"]} for entry in arguments["PublishBatchRequestEntries"]]}

    def _start(self, arguments: dict[str, Any]) -> dict[str, Any]:
        machine, name, given = arguments["stateMachineArn"], arguments["name"], json.loads(arguments["input"])
        known = self.world.executions.get(f"{machine}:{name}")
        if known is None:
            self._enqueue(self.template.machines.start(self.world.executions, machine, name, given))
        elif known.status != "RUNNING" or known.given != given:
            error: Any = {"Error": {"Code": "ExecutionAlreadyExists", "Message": name}}
            raise ClientError(error, "StartExecution")
        return {"executionArn": f"{machine}:{name}"}

    def _provide(self, operation: str, arguments: dict[str, Any]) -> requests.Response:
        """The provider's answer; what it does inside is its own business and no point of a schedule."""
        method, _, path = operation.partition(" ")
        event = rest_event(
            method,
            urlsplit(path).path,
            body=urlencode(arguments["form"]),
            headers={**arguments["headers"], "Content-Type": "application/x-www-form-urlencoded"},
            query=arguments["query"] or None,
        )
        declared = self.template.functions["PaymentsSandboxFunction"]
        forget_resources("payments_sandbox")
        try:
            with environment(declared.environment), self.clock.provider(self._new_provider_id):
                answer = importlib.import_module(declared.module).handler(event, self._context)
        finally:
            metrics.clear_metrics()
        return http_answer(answer["statusCode"], answer["body"])


@contextmanager
def environment(variables: dict[str, str]) -> Iterator[None]:
    """A function's environment variables, while the body runs."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def forget_resources(service: str) -> None:
    """Makes the service's next invocation start with nothing in memory, as in a fresh execution environment."""
    module = sys.modules.get(f"{service}.resources")
    for value in vars(module).values() if module else ():
        if hasattr(value, "cache_clear") and getattr(value, "__module__", "") == f"{service}.resources":
            value.cache_clear()


def http_answer(status: int, body: str) -> requests.Response:
    """The provider's answer as its client sees it."""
    response = requests.Response()
    response.status_code = status
    response._content = body.encode()
    response.headers["Content-Type"] = "application/json"
    return response

"""What stands around the shop's functions: moto's tables, a topic with its queues, state machines, mail, the provider.

Each does at once and exactly what it is asked; what can go wrong on the way there is in `functions`.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from botocore.exceptions import ClientError

from shared.aws import client
from shared.observability import metrics
from tests.component.conftest import FakeLambdaContext
from tests.component.rest_events import rest_event
from tests.faults.answers import Answer
from tests.faults.clock import Clock
from tests.faults.faults import Call
from tests.faults.memory import Memory
from tests.faults.requests import WEBHOOK_SECRET
from tests.faults.tables import Tables, ask
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
        self.tables = Tables()
        self.clock = Clock(lambda: self.world.clock)
        self.memory = Memory(lambda: self.world.clock)
        self._context = FakeLambdaContext()
        # boto3's own way to ask.
        self._call: Any = None
        # Where the calls of the function that runs go.
        self._asked: Callable[[Call], Answer] | None = None

    def _enqueue(self, executions: list[str]) -> None:
        self.world.pending += [Work("task", {"execution": execution}) for execution in executions]

    def _effect(self, call: Call) -> Answer:
        """What `call` comes to, now that it has taken effect."""
        match call.service:
            case "provider":
                return self._provide(call)
            case "dynamodb":
                return self.tables.perform(call, lambda: self._sent(call))
        try:
            return Answer(self._served(call.service, call.operation, call.arguments))
        except ClientError as error:
            return Answer(error=error)

    def _sent(self, call: Call) -> Any:
        if self.over_http:
            answer = self._call(client("dynamodb"), call.operation, call.arguments)
            return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
        return ask(call.operation, call.arguments)

    def _served(self, service: str, operation: str, arguments: dict[str, Any]) -> Any:  # noqa: PLR0911 - one a service
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
            case "SendMessage" if "DelaySeconds" in arguments:
                return self._delay(arguments)
            case "SendMessage":
                attributes = {
                    name: value["StringValue"] for name, value in arguments["MessageAttributes"].items()
                }
                about = {"function": "", "message_id": attributes["reason"], "body": arguments["MessageBody"]}
                self.world.dead_letters.append(Work("message", about))
                return {"MessageId": "dead"}
            case "DescribeExecution":
                return self._described(arguments["executionArn"])
            case "GetSecretValue":
                of_webhook = arguments["SecretId"] == "PaymentWebhookSecret"
                secret = json.dumps({"current": WEBHOOK_SECRET}) if of_webhook else PROVIDER_KEY
                return {"Name": arguments["SecretId"], "SecretString": secret}
        raise NotImplementedError(f"{service}:{operation}")

    def _publish(self, arguments: dict[str, Any]) -> dict[str, Any]:
        for entry in arguments["PublishBatchRequestEntries"]:
            event_type = entry["MessageAttributes"]["event_type"]["StringValue"]
            for types, function in self.template.subscribers:
                if event_type in types:
                    event_id = json.loads(entry["Message"])["event_id"]
                    about = {"function": function, "message_id": event_id, "body": entry["Message"]}
                    waits = self.world.packs and function in self.template.delayed
                    (self.world.latest if waits else self.world.pending).append(Work("message", about))
        return {"Successful": [{"Id": entry["Id"]} for entry in arguments["PublishBatchRequestEntries"]]}

    def _delay(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """A function sends a message to its own queue."""
        body = arguments["MessageBody"]
        about = {
            "function": self.template.consumers_of_queues[arguments["QueueUrl"]],
            "message_id": json.loads(body)["event_id"],
            "body": body,
            "delay": arguments["DelaySeconds"],
        }
        self.world.latest.append(Work("message", about))
        return {"MessageId": "delayed"}

    def _start(self, arguments: dict[str, Any]) -> dict[str, Any]:
        machine, name, given = arguments["stateMachineArn"], arguments["name"], json.loads(arguments["input"])
        if machine in self.template.express:
            for _ in range(self.world.starts):
                self._start_express(machine, name, given)
            return {"executionArn": f"{machine}:{name}"}
        known = self.world.executions.get(f"{machine}:{name}")
        if known is None:
            self._enqueue(self.template.machines.start(self.world.executions, machine, name, given))
        elif known.status != "RUNNING" or known.given != given:
            error: Any = {"Error": {"Code": "ExecutionAlreadyExists", "Message": name}}
            raise ClientError(error, "StartExecution")
        return {"executionArn": f"{machine}:{name}"}

    def _start_express(self, machine: str, name: str, given: Any) -> None:
        """Starts one more execution, whatever its name."""
        execution = next(
            f"{name}#{number}"
            for number in count()
            if f"{machine}:{name}#{number}" not in self.world.executions
        )
        self._enqueue(self.template.machines.start(self.world.executions, machine, execution, given))

    def _described(self, execution_id: str) -> dict[str, Any]:
        execution = self.world.executions.get(execution_id)
        if execution is None:
            error: Any = {"Error": {"Code": "ExecutionDoesNotExist", "Message": execution_id}}
            raise ClientError(error, "DescribeExecution")
        return {"executionArn": execution_id, "status": execution.status}

    def _provide(self, call: Call) -> Answer:
        """The provider's answer; what it does inside is its own business and no point of a schedule."""
        method, _, path = call.operation.partition(" ")
        event = rest_event(
            method,
            urlsplit(path).path,
            body=urlencode(call.arguments["form"]),
            headers={**call.arguments["headers"], "Content-Type": "application/x-www-form-urlencoded"},
            query=call.arguments["query"] or None,
        )
        new_id = f"{len(self.tables.items('PaymentsSandboxTable')):08}"

        def run(ask: Callable[[Call], Answer]) -> Answer:
            return self._run("PaymentsSandboxApiFunction", event, ask, lambda: new_id)

        answer = self.memory.invoked((call.text, new_id), self._effect, run).given()
        return Answer({"status": answer["statusCode"], "body": answer["body"]})

    def _run(
        self,
        function: str,
        event: dict[str, Any],
        ask: Callable[[Call], Answer],
        new_provider_id: Callable[[], str] | None = None,
    ) -> Answer:
        """Runs a function's handler, whose calls go to `ask`; what it answers or raises."""
        declared = self.template.functions[function]
        before, self._asked = self._asked, ask
        forget_resources(declared.module.partition(".")[0])
        try:
            with (
                environment(declared.environment),
                self.clock.of_an_invocation(),
                self.clock.provider(new_provider_id),
            ):
                handler = importlib.import_module(declared.module).handler
                return Answer(json.loads(json.dumps(handler(json.loads(json.dumps(event)), self._context))))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the function came to
            # Its frames would be kept with it.
            error.__traceback__ = error.__cause__ = error.__context__ = None
            return Answer(error=error)
        finally:
            metrics.clear_metrics()
            self._asked = before


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
    module = sys.modules.get(f"{service}.dependencies")
    for value in vars(module).values() if module else ():
        if hasattr(value, "cache_clear") and getattr(value, "__module__", "") == f"{service}.dependencies":
            value.cache_clear()


def http_answer(status: int, body: str) -> requests.Response:
    """The provider's answer as its client sees it."""
    response = requests.Response()
    response.status_code = status
    response._content = body.encode()
    response.headers["Content-Type"] = "application/json"
    return response

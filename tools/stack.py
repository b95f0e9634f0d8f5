"""A deployed stack, in the embedded cloud or on AWS: its outputs, its resources, clients for its services."""

import json
import os
import urllib.request
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.console import StepError
from tools.server_record import running
from tools.settings import ACCOUNT, CREDENTIALS, REGION, STACK_NAME

_CONFIG = Config(retries={"mode": "standard", "max_attempts": 3}, read_timeout=30)
_AWS = ""


@dataclass(frozen=True)
class Stack:
    """A stack in the embedded cloud that answers at `endpoint`, or a stack on AWS if `endpoint` is empty."""

    endpoint: str
    name: str = STACK_NAME
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def current(cls) -> "Stack":
        """The stack in the running embedded cloud; raises StepError if none runs or its deployment is incomplete."""
        server = running()
        if server is None:
            raise StepError("The embedded cloud is not running.", "Run `make up`.")
        stack = cls(server.endpoint)
        if not stack.is_complete():
            raise StepError(
                f"The stack {stack.name} is not deployed (status: {stack.status()}).", "Run `make up`."
            )
        return stack

    @classmethod
    def named(cls, name: str) -> "Stack":
        """The stack `name` on AWS, with the caller's own credentials and region; the embedded cloud's if it is empty.

        Raises StepError if that stack is not deployed, or AWS does not answer.
        """
        if name in {"", STACK_NAME}:
            return cls.current()
        stack = cls(_AWS, name)
        try:
            complete = stack.is_complete()
        except (BotoCoreError, ClientError) as error:
            raise StepError(
                f"AWS does not show the stack {name}: {error}",
                "Set AWS_PROFILE and AWS_REGION, then try again.",
            ) from error
        if not complete:
            raise StepError(
                f"The stack {name} is not deployed here (status: {stack.status()}).",
                "Check STACK, AWS_PROFILE and AWS_REGION: they choose the stack, the account and the region.",
            )
        return stack

    @property
    def is_embedded(self) -> bool:
        """Whether it is in the embedded cloud."""
        return self.endpoint != _AWS

    def client(self, service: str) -> Any:
        """The boto3 client of `service` (for example "dynamodb"), made once. In the embedded cloud it may do all."""
        if service not in self._clients and not self.is_embedded:
            make: Any = boto3.client  # its type knows literal service names only
            # boto3 itself reads AWS_DEFAULT_REGION alone; the AWS CLI prefers AWS_REGION.
            self._clients[service] = make(service, region_name=os.environ.get("AWS_REGION"), config=_CONFIG)
        if service not in self._clients:
            session: Any = boto3.session.Session(
                aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
                region_name=REGION,
            )
            self._clients[service] = session.client(service, endpoint_url=self.endpoint, config=_CONFIG)
        return self._clients[service]

    def status(self) -> str:
        """The status that CloudFormation reports, for example "CREATE_COMPLETE"; "NONE" if there is no such stack."""
        try:
            return str(self._description()["StackStatus"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return "NONE"

    def is_complete(self) -> bool:
        """Whether the last deployment succeeded."""
        return self.status() in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The template's outputs by name."""
        return {
            output["OutputKey"]: output["OutputValue"] for output in self._description().get("Outputs", [])
        }

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The values of the template's parameters by name."""
        return {
            parameter["ParameterKey"]: parameter["ParameterValue"]
            for parameter in self._description().get("Parameters", [])
        }

    @cached_property
    def resources(self) -> dict[str, str]:
        """Physical ids (table names, queue URLs, function names) by logical id."""
        pages = (
            self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.name)
        )
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
        }

    @property
    def functions(self) -> dict[str, str]:
        """The short name of each function (`OrdersApi`) by its physical name."""
        return {
            physical: name.removesuffix("Function")
            for name, physical in self.resources.items()
            if name.endswith("Function")
        }

    def resource(self, logical_id: str) -> str:
        """The physical id of a resource of the template; raises StepError if the stack has no resource of that name."""
        if logical_id not in self.resources:
            raise StepError(
                f"The stack {self.name} has no resource {logical_id}.",
                "It was deployed from another version of the template: deploy this one, or use that version's tools.",
            )
        return self.resources[logical_id]

    @property
    def api_url(self) -> str:
        """Base URL of the REST API, without a slash at its end."""
        if not self.is_embedded:
            return self.outputs["ApiUrl"]
        return execute_api_url(self.endpoint, self.outputs["ApiId"], self.outputs["StageName"])

    @property
    def live_url(self) -> str:
        """Address of the WebSocket API."""
        if not self.is_embedded:
            return self.outputs["LiveUrl"]
        address = execute_api_url(self.endpoint, self.resource("LiveApi"), self.outputs["StageName"])
        return address.replace("http", "ws", 1)

    def sent_mails(self) -> list[dict[str, Any]]:
        """All mail that the embedded cloud's SES has sent, oldest first.

        Each mail has Source, To, Subject, BodyText, BodyHtml and Timestamp.
        """
        with urllib.request.urlopen(f"{self.endpoint}/_ministack/ses/messages", timeout=10) as answer:  # noqa: S310 - loopback
            mails: list[dict[str, Any]] = json.load(answer)["messages"].get(ACCOUNT, [])
        return sorted(mails, key=lambda mail: str(mail["Timestamp"]))

    def _description(self) -> dict[str, Any]:
        described: dict[str, Any] = self.client("cloudformation").describe_stacks(StackName=self.name)[
            "Stacks"
        ][0]
        return described


def execute_api_url(endpoint: str, api_id: str, stage: str) -> str:
    """Where the embedded cloud serves a stage that AWS serves at https://<id>.execute-api.<region>.amazonaws.com/<stage>."""
    return f"{endpoint}/_aws/execute-api/{api_id}/{stage}"

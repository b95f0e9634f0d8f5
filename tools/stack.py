"""A deployed stack, in the embedded cloud or on AWS: its outputs, its resources, clients for its services."""

import json
import os
import tomllib
import urllib.request
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tools.console import StepError
from tools.server_record import running
from tools.settings import ACCOUNT, CREDENTIALS, REGION, REPOSITORY, STACK_NAME

# Without the `User-Agent`, botocore would make a long one for each call, as for `shared.aws`.
_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 3}, read_timeout=30, user_agent="cartwright-tools"
)


@dataclass(frozen=True)
class Stack:
    """A deployed stack: `endpoint` is the base URL of all AWS APIs, or empty for AWS's own URLs."""

    endpoint: str
    name: str = STACK_NAME
    region: str = REGION
    is_embedded: bool = True
    """Whether it is the one in the embedded cloud. The tools act there as the account's root user."""
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
    def named(cls, name: str, region: str = "") -> "Stack":
        """The stack `name` on AWS, with the caller's own credentials; the embedded cloud's if it is empty.

        Without `region`, the caller's environment and `samconfig.toml` tell it. If `AWS_ENDPOINT_URL` leads to another
        cloud than AWS, the stack is there, and the tools use it as they use one on AWS.
        Raises StepError if that stack is not deployed, the region is unknown, or AWS does not answer.
        """
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
        if not name or (name == STACK_NAME and not endpoint):
            return cls.current()
        stack = cls(endpoint, name, region or _region_of(name), is_embedded=False)
        try:
            is_there = stack.is_there()
        except (BotoCoreError, ClientError) as error:
            raise StepError(
                f"AWS does not show the stack {name}: {error}",
                "Set AWS_PROFILE and REGION, then try again.",
            ) from error
        if not is_there:
            raise StepError(
                f"The stack {name} is not deployed in {stack.region} (status: {stack.status()}).",
                "Check STACK, REGION and AWS_PROFILE: they choose the stack, the region and the account.",
            )
        return stack

    @property
    def is_on_aws(self) -> bool:
        """Whether AWS itself runs it, where a change takes longer to have its effect."""
        return not self.endpoint

    @property
    def shows_mails(self) -> bool:
        """Whether `sent_mails` can answer."""
        return self.is_embedded

    @property
    def is_production(self) -> bool:
        """Whether its `Stage` begins with "prod": nobody may mix made-up data with its real data."""
        return self.parameters.get("Stage", "").startswith("prod")

    def refuse_production(self, command: str) -> None:
        """Raises StepError if the stack is for production: `command` would mix made-up data with real."""
        if self.is_production:
            raise StepError(
                f"{command} makes up customers, products and orders, and the stack {self.name} is for production: "
                f"its parameter Stage is {self.parameters['Stage']}.",
                "Name a stack with another Stage, for example dev or staging.",
            )

    def refuse_real_provider(self, command: str) -> None:
        """Raises StepError if the stack has a payment provider of its own: `command` pays with the sandbox's cards."""
        if self.parameters.get("PaymentProviderUrl"):
            raise StepError(
                f"{command} pays with the sandbox's cards, and the stack {self.name} has a payment provider.",
                "Name a stack without PaymentProviderUrl.",
            )

    def client(self, service: str) -> Any:
        """The boto3 client of `service` (for example "dynamodb"), made once. In the embedded cloud it may do all."""
        if service not in self._clients and not self.is_embedded:
            make: Any = boto3.client  # its type knows literal service names only
            self._clients[service] = make(service, region_name=self.region, config=_CONFIG)
        if service not in self._clients:
            session: Any = boto3.session.Session(
                aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
                region_name=self.region,
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

    def is_there(self) -> bool:
        """Whether it can be operated: also during an update, and after one that failed."""
        status = self.status()
        return status == "CREATE_COMPLETE" or status.startswith(("UPDATE_", "IMPORT_"))

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
        if self.is_on_aws:
            return self.outputs["ApiUrl"]
        return execute_api_url(self.endpoint, self.outputs["ApiId"], self.outputs["StageName"])

    @property
    def live_url(self) -> str:
        """Address of the WebSocket API."""
        if self.is_on_aws:
            return self.outputs["LiveUrl"]
        address = execute_api_url(self.endpoint, self.resource("LiveApi"), self.outputs["StageName"])
        return address.replace("http", "ws", 1)

    def sent_mails(self) -> list[dict[str, Any]]:
        """All mail that the embedded cloud's SES has sent, oldest first; raises StepError for any other stack.

        Each mail has Source, To, Subject, BodyText, BodyHtml and Timestamp.
        """
        if not self.shows_mails:
            raise StepError(f"AWS does not show the mail that {self.name} sent.", "Read it where it arrives.")
        with urllib.request.urlopen(f"{self.endpoint}/_ministack/ses/messages", timeout=10) as answer:  # noqa: S310 # nosec B310 - loopback
            mails: list[dict[str, Any]] = json.load(answer)["messages"].get(ACCOUNT, [])
        return sorted(mails, key=lambda mail: str(mail["Timestamp"]))

    def _description(self) -> dict[str, Any]:
        described: dict[str, Any] = self.client("cloudformation").describe_stacks(StackName=self.name)[
            "Stacks"
        ][0]
        return described


def _region_of(name: str) -> str:
    """The region of the caller's environment, or else the one that `samconfig.toml` has for the stack `name`."""
    # boto3 itself reads AWS_DEFAULT_REGION and the profile; the AWS CLI prefers AWS_REGION.
    environment = os.environ.get("AWS_REGION") or boto3.session.Session().region_name
    if environment:
        return environment
    for configured in tomllib.loads((REPOSITORY / "samconfig.toml").read_text()).values():
        if isinstance(configured, dict) and configured["global"]["parameters"]["stack_name"] == name:
            return str(configured["deploy"]["parameters"]["region"])
    raise StepError(
        f"The region of the stack {name} is not known.", "Name it: REGION=eu-central-1, for example."
    )


def execute_api_url(endpoint: str, api_id: str, stage: str) -> str:
    """Where the embedded cloud serves a stage that AWS serves at https://<id>.execute-api.<region>.amazonaws.com/<stage>."""
    return f"{endpoint}/_aws/execute-api/{api_id}/{stage}"

"""`make checkpoint` and `make rollback`: keep the deployed version of a stack, and deploy that version again.

CloudFormation takes back a deployment that fails. It keeps one that succeeds, also if the shop does not work with it.
Its template names the functions' packages by their digests, and the packages stay in SAM's bucket. So the template and
the parameters are the whole version, and nothing is built again.
"""

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from tools.command_line import Subcommands, add_command, add_stack_option
from tools.console import StepError, step
from tools.settings import LOCAL
from tools.stack import Stack

_PACKAGE = re.compile(r"s3://(?P<bucket>[^/\s\"']+)/(?P<prefix>[^\s\"']*/)?")
# The last one is for the template's own transforms: SAM, and its loops.
_CAPABILITIES = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
_NOTHING_CHANGED = "No updates are to be performed"


def register(subcommands: Subcommands) -> None:
    """Registers `checkpoint` and `rollback`."""
    for name, command, description in (
        ("checkpoint", _checkpoint, "keep the deployed version of a stack, for `rollback`"),
        ("rollback", _rollback, "deploy the version that `checkpoint` kept"),
    ):
        add_stack_option(add_command(subcommands, name, command, description=description))


def _checkpoint(arguments: argparse.Namespace) -> None:
    stack = Stack.named(arguments.stack, arguments.region)
    with step(f"Keeping the version of {stack.name}") as keeping:
        keeping.note(checkpoint(stack))


def _rollback(arguments: argparse.Namespace) -> None:
    stack = Stack.named(arguments.stack, arguments.region)
    with step(f"Rolling back {stack.name}") as rolling_back:
        rolling_back.note(rollback(stack))


def checkpoint(stack: Stack) -> str:
    """Stores the stack's template and parameters in .local/checkpoints; returns which version that is."""
    template = stack.client("cloudformation").get_template(StackName=stack.name, TemplateStage="Original")
    file = _file_of(stack)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(
        json.dumps({"template": _text(template["TemplateBody"]), "parameters": stack.parameters}),
        encoding="utf-8",
    )
    return _version(stack.parameters)


def rollback(stack: Stack) -> str:
    """Deploys the version of the last checkpoint, and waits for it; returns which version that is.

    Raises StepError if there is no checkpoint, or CloudFormation cannot deploy it.
    """
    file = _file_of(stack)
    if not file.exists():
        raise StepError(
            f"There is no checkpoint of {stack.name}.",
            "`make checkpoint` makes one, before a deployment. Else deploy an earlier commit (docs/deployment.md).",
        )
    kept = json.loads(file.read_text(encoding="utf-8"))
    cloudformation = stack.client("cloudformation")
    try:
        cloudformation.update_stack(
            StackName=stack.name,
            TemplateURL=_uploaded(stack, kept["template"]),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in kept["parameters"].items()
            ],
            Capabilities=_CAPABILITIES,
        )
        cloudformation.get_waiter("stack_update_complete").wait(StackName=stack.name)
    except ClientError as error:
        if _NOTHING_CHANGED not in error.response["Error"]["Message"]:
            raise
        return f"{_version(kept['parameters'])}, as it is"
    except WaiterError as error:
        raise StepError(
            f"CloudFormation did not roll back {stack.name} (status: {stack.status()}).",
            "The events of the stack say why. Deploy an earlier commit (docs/deployment.md).",
        ) from error
    return _version(kept["parameters"])


def _uploaded(stack: Stack, template: str) -> str:
    """The URL of the template, which is too long for a request, beside the packages that it names."""
    package = _PACKAGE.search(template)
    if package is None:
        raise StepError(
            f"The template of {stack.name} names no package in S3.", "`sam deploy` deploys a stack anew."
        )
    bucket = package["bucket"]
    key = f"{package['prefix'] or ''}rollback-{hashlib.sha256(template.encode()).hexdigest()[:32]}.template"
    s3 = stack.client("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=template.encode())
    return f"{s3.meta.endpoint_url}/{bucket}/{key}"


def _file_of(stack: Stack) -> Path:
    return LOCAL / "checkpoints" / f"{stack.region}-{stack.name}.json"


def _text(template: Any) -> str:
    """The template's text; boto3 reads one in JSON by itself."""
    return template if isinstance(template, str) else json.dumps(template)


def _version(parameters: dict[str, str]) -> str:
    return f"commit {parameters['Revision']}" if parameters.get("Revision") else "no commit named"

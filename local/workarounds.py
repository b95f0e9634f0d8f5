"""What the embedded cloud does differently from AWS, and what is done about it. Nothing here touches code that ships.

Levelled out after each deployment, by `apply`:

- **Execute-API host names.** A function that calls another API of this system gets its AWS URL from the template
  (`https://<id>.execute-api.<region>.amazonaws.com/<stage>`), and that name leads nowhere here. `redirect_api_calls`
  puts MiniStack's own address into the functions' environment variables.
- **Policies.** AWS checks `ses:SendEmail` on the sending identity, MiniStack on `*`; AWS checks `sns:Publish` for a
  batch, MiniStack `sns:PublishBatch`; `!Ref` of a secret is its ARN on AWS and its name in MiniStack, where a policy on
  it then allows nothing. `complete_policies` adds what is asked for to the roles that may do it on AWS.
- **Gateway responses.** MiniStack leaves out the template's answers for a missing token, a throttled call and the like.
  `add_gateway_responses` sets them as CloudFormation would.

Repaired when it starts, in `local/cloud.py`: the type of an error that a function raises, and slow cold starts.

Left as they are, because nothing of the system depends on them:

- CORS preflight answers 200 without its headers: try a browser application against AWS or `sam local start-api`.
- There is no X-Ray, so tracing is switched off. Follow an order by its `correlation_id` in the logs (`make logs`).
- A stream consumer's `MaximumRetryAttempts` and bisecting are ignored: a record that always fails stays at the head.
- Step Functions' own role is not enforced, so a state machine may call more here than on AWS.
- Cognito calls no PostConfirmation trigger; sign-up goes through a function of ours anyway.
"""

import json
import re
from typing import Any

from local.stack import Stack, execute_api_url

_EXECUTE_API = re.compile(r"^https://(?P<api>[^./]+)\.execute-api\.[^/]+/(?P<stage>[^/]+)(?P<path>/.*)?$")
_MAIL_ACTIONS = frozenset({"ses:SendEmail", "ses:SendRawEmail", "ses:SendTemplatedEmail"})
_ADDED_POLICY = "embedded-cloud"


def apply(stack: Stack) -> str:
    """Applies all of them to a freshly deployed stack (again is harmless); says how much there was to do."""
    done = {
        "API addresses": redirect_api_calls(stack),
        "policies": complete_policies(stack),
        "gateway responses": add_gateway_responses(stack),
    }
    return ", ".join(f"{name}: {count}" for name, count in done.items() if count) or "none needed"


def redirect_api_calls(stack: Stack) -> int:
    """Points environment variables that hold an execute-api URL of AWS at MiniStack; how many functions changed."""
    client = stack.client("lambda")
    changed = 0
    for page in client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            before: dict[str, str] = function.get("Environment", {}).get("Variables", {})
            after = {name: _redirected(stack, value) for name, value in before.items()}
            if after == before:
                continue
            name = function["FunctionName"]
            client.update_function_configuration(FunctionName=name, Environment={"Variables": after})
            client.get_waiter("function_updated_v2").wait(FunctionName=name)
            changed += 1
    return changed


def complete_policies(stack: Stack) -> int:
    """Lets each role do what its policies let it do on AWS; how many roles changed."""
    client = stack.client("iam")
    changed = 0
    for logical_id, role in stack.resources.items():
        if not logical_id.endswith("Role"):
            continue
        names = set(client.list_role_policies(RoleName=role)["PolicyNames"]) - {_ADDED_POLICY}
        documents = [
            client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names
        ]
        missing = [
            statement
            for document in documents
            for allowed in _allowed(document)
            for statement in _missing(stack, *allowed)
        ]
        if missing:
            client.put_role_policy(
                RoleName=role,
                PolicyName=_ADDED_POLICY,
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": missing}),
            )
            changed += 1
    return changed


def add_gateway_responses(stack: Stack) -> int:
    """Sets the gateway responses that the template's REST APIs declare; how many were set."""
    client = stack.client("apigateway")
    processed = stack.client("cloudformation").get_template(StackName=stack.name, TemplateStage="Processed")
    body = processed["TemplateBody"]
    template: dict[str, Any] = json.loads(body) if isinstance(body, str) else body
    added = 0
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] != "AWS::ApiGateway::RestApi":
            continue
        api = stack.resources[logical_id]
        declared = resource["Properties"].get("Body", {}).get("x-amazon-apigateway-gateway-responses", {})
        for kind, response in declared.items():
            client.put_gateway_response(
                restApiId=api,
                responseType=kind,
                statusCode=str(response["statusCode"]),
                responseTemplates=response.get("responseTemplates", {}),
                responseParameters={
                    f"gatewayresponse.{name.removeprefix('gatewayresponse.')}": value
                    for name, value in response.get("responseParameters", {}).items()
                },
            )
            added += 1
        if declared:
            # They take effect with a deployment, as on AWS.
            for stage in client.get_stages(restApiId=api)["item"]:
                client.create_deployment(restApiId=api, stageName=stage["stageName"])
    return added


def _redirected(stack: Stack, value: str) -> str:
    found = _EXECUTE_API.match(value)
    if not found:
        return value
    return execute_api_url(stack.endpoint, found["api"], found["stage"]) + (found["path"] or "")


def _allowed(document: dict[str, Any]) -> list[tuple[set[str], Any]]:
    """The actions and resources of each statement that allows something."""
    statements = document["Statement"]
    return [
        (
            {statement["Action"]} if isinstance(statement["Action"], str) else set(statement["Action"]),
            statement["Resource"],
        )
        for statement in ([statements] if isinstance(statements, dict) else statements)
        if statement["Effect"] == "Allow"
    ]


def _missing(stack: Stack, actions: set[str], resource: Any) -> list[dict[str, Any]]:
    """The statements that MiniStack wants beyond one that allows `actions` on `resource`."""
    statements: list[dict[str, Any]] = []
    if mail := sorted(actions & _MAIL_ACTIONS):
        statements.append({"Effect": "Allow", "Action": mail, "Resource": "*"})
    if "sns:Publish" in actions:
        statements.append({"Effect": "Allow", "Action": "sns:PublishBatch", "Resource": resource})
    if (
        "secretsmanager:GetSecretValue" in actions
        and isinstance(resource, str)
        and not resource.startswith("arn:")
    ):
        secret = stack.client("secretsmanager").describe_secret(SecretId=resource)["ARN"]
        statements.append({"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret})
    return statements

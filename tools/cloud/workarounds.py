"""The differences of the embedded cloud from AWS, and the workarounds for them. None of this touches shipped code.

`apply` makes these workarounds after each deployment:

- **Execute-API host names.** A function that calls another API of this system gets its AWS URL from the template
  (`https://<id>.execute-api.<region>.amazonaws.com/<stage>`). That name leads nowhere here. `redirect_api_calls` puts
  MiniStack's own address into the functions' environment variables, also for Cognito, the public keys of a user pool
  and buckets, which browsers reach.
- **Secrets.** `!Ref` of a secret is its ARN on AWS, and its name in MiniStack, where a policy on the name allows
  nothing. `complete_policies` adds the missing statements to the roles.
- **API Gateway's own answers.** MiniStack omits the template's answers to a missing token, a throttled call and the
  like, and the headers of a CORS preflight. `complete_rest_apis` sets them as CloudFormation would.
- **The sender.** On AWS, an operator has SES verify `MailSender` once (docs/deployment.md). Here, `verify_sender` does.
- **Authorizers without an identity source.** MiniStack then requires the header `Authorization`; AWS calls the
  authorizer in any case. `complete_authorizers` removes the requirement.

`tools/cloud/run_ministack.py` repairs more at the start of the server. It repairs the type of a function's error, the
partial failures of a stream, and the subprotocol of a WebSocket.

These differences stay, because nothing in the system depends on them:

- There is no X-Ray, so tracing is switched off. Follow an order by its `correlation_id` in the logs (`make logs`).
- MiniStack ignores `MaximumRetryAttempts` and bisecting of a stream consumer: a record that always fails stays first.
- SES reports no bounces and complaints; a test publishes SES's records to the topic itself.
- CloudFormation deletes a table that is protected from deletion; on AWS that fails (docs/deployment.md).
- API Gateway writes no access logs, and Step Functions no logs of its own.
- An EXPRESS execution may take longer than five minutes, and than its state machine's own `TimeoutSeconds`.
- Cognito calls no PostConfirmation trigger; sign-up goes through a function of ours anyway.
"""

import json
import re
from typing import Any

from tools.stack import Stack, execute_api_url

_EXECUTE_API = re.compile(r"^https://(?P<api>[^./]+)\.execute-api\.[^/]+/(?P<stage>[^/]+)(?P<path>/.*)?$")
_COGNITO = re.compile(r"^https://cognito-idp\.[^/]+(?P<path>/[^/]+/\.well-known/jwks\.json)?$")
_BUCKET = re.compile(r"^https://(?P<bucket>[^./]+)\.s3\.[^/]+$")
ADDED_POLICY = "embedded-cloud"


def apply(stack: Stack) -> str:
    """Applies all of them to a freshly deployed stack (again does no harm); returns a summary."""
    done = {
        "API addresses": redirect_api_calls(stack),
        "policies": complete_policies(stack),
        "API Gateway's own answers": complete_rest_apis(stack),
        "authorizers": complete_authorizers(stack),
        "senders": verify_sender(stack),
    }
    return ", ".join(f"{name}: {count}" for name, count in done.items() if count) or "none needed"


def redirect_api_calls(stack: Stack) -> int:
    """Replaces AWS URLs of APIs in environment variables by MiniStack's; returns how many functions changed."""
    client = stack.client("lambda")
    changed = []
    for page in client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            before: dict[str, str] = function.get("Environment", {}).get("Variables", {})
            after = {name: _redirected(stack, value) for name, value in before.items()}
            if after == before:
                continue
            name = function["FunctionName"]
            client.update_function_configuration(FunctionName=name, Environment={"Variables": after})
            changed.append(name)
    for name in changed:
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
    return len(changed)


def complete_policies(stack: Stack) -> int:
    """Gives each role the rights here that its policies give it on AWS; returns how many roles changed."""
    client = stack.client("iam")
    changed = 0
    for logical_id, role in stack.resources.items():
        if not logical_id.endswith("Role"):
            continue
        names = set(client.list_role_policies(RoleName=role)["PolicyNames"]) - {ADDED_POLICY}
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
                PolicyName=ADDED_POLICY,
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": missing}),
            )
            changed += 1
    return changed


def complete_rest_apis(stack: Stack) -> int:
    """Sets the declared gateway responses and preflight headers of the REST APIs; returns how many it set."""
    client = stack.client("apigateway")
    added = 0
    for logical_id, resource in _deployed_resources(stack).items():
        if resource["Type"] != "AWS::ApiGateway::RestApi":
            continue
        api, declared = stack.resources[logical_id], _resolved(stack, resource["Properties"].get("Body", {}))
        changes = _add_gateway_responses(client, api, declared) + _add_preflight_headers(
            client, api, declared
        )
        if changes:
            # They take effect with a deployment, as on AWS.
            for stage in client.get_stages(restApiId=api)["item"]:
                client.create_deployment(restApiId=api, stageName=stage["stageName"])
        added += changes
    return added


def complete_authorizers(stack: Stack) -> int:
    """Removes the identity source that MiniStack gives authorizers without one; returns how many it changed."""
    client = stack.client("apigatewayv2")
    declared = [
        (logical_id, resource["Properties"])
        for logical_id, resource in _deployed_resources(stack).items()
        if resource["Type"] == "AWS::ApiGatewayV2::Authorizer"
        and "IdentitySource" not in resource["Properties"]
    ]
    for logical_id, properties in declared:
        client.update_authorizer(
            ApiId=stack.resource(properties["ApiId"]["Ref"]),
            AuthorizerId=stack.resource(logical_id),
            IdentitySource=[],
        )
    return len(declared)


def verify_sender(stack: Stack) -> int:
    """Has SES verify the stack's sender, if it has one; returns how many senders SES has verified."""
    sender = stack.parameters.get("MailSender", "")
    if not sender:
        return 0
    stack.client("sesv2").create_email_identity(EmailIdentity=sender)
    return 1


def _deployed_resources(stack: Stack) -> dict[str, Any]:
    """The resources of the template after the transform."""
    processed = stack.client("cloudformation").get_template(StackName=stack.name, TemplateStage="Processed")
    body = processed["TemplateBody"]
    template: dict[str, Any] = json.loads(body) if isinstance(body, str) else body
    resources: dict[str, Any] = template["Resources"]
    return resources


def _add_gateway_responses(client: Any, api: str, declared: dict[str, Any]) -> int:
    responses = declared.get("x-amazon-apigateway-gateway-responses", {})
    for kind, response in responses.items():
        client.put_gateway_response(
            restApiId=api,
            responseType=kind,
            responseTemplates=response.get("responseTemplates", {}),
            responseParameters={
                f"gatewayresponse.{name.removeprefix('gatewayresponse.')}": value
                for name, value in response.get("responseParameters", {}).items()
            },
            **({"statusCode": str(response["statusCode"])} if "statusCode" in response else {}),
        )
    return len(responses)


def _add_preflight_headers(client: Any, api: str, declared: dict[str, Any]) -> int:
    ids = {
        resource["path"]: resource["id"]
        for page in client.get_paginator("get_resources").paginate(restApiId=api)
        for resource in page["items"]
    }
    preflights = {
        path: methods["options"]["x-amazon-apigateway-integration"]["responses"]["default"]
        for path, methods in declared.get("paths", {}).items()
        if methods.get("options", {}).get("x-amazon-apigateway-integration", {}).get("type") == "mock"
    }
    for path, response in preflights.items():
        target = {"restApiId": api, "resourceId": ids[path], "httpMethod": "OPTIONS", "statusCode": "200"}
        headers = response["responseParameters"]
        client.put_method_response(**target, responseParameters=dict.fromkeys(headers, False))
        client.put_integration_response(**target, responseParameters=headers)
    return len(preflights)


def _resolved(stack: Stack, value: Any) -> Any:
    """`value` with the template's parameters substituted (`Fn::Sub`)."""
    match value:
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(\w+)\}", lambda name: stack.parameters.get(name[1], name[0]), text)
        case dict():
            return {name: _resolved(stack, member) for name, member in value.items()}
        case list():
            return [_resolved(stack, member) for member in value]
        case _:
            return value


def _redirected(stack: Stack, value: str) -> str:
    if cognito := _COGNITO.match(value):
        return stack.endpoint + (cognito["path"] or "")
    if bucket := _BUCKET.match(value):
        return f"{stack.endpoint}/{bucket['bucket']}"
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
            statement.get("Resource"),
        )
        for statement in ([statements] if isinstance(statements, dict) else statements)
        if statement["Effect"] == "Allow"
    ]


def _missing(stack: Stack, actions: set[str], resource: Any) -> list[dict[str, Any]]:
    """The statements that MiniStack requires in addition to one that allows `actions` on `resource`."""
    if (
        "secretsmanager:GetSecretValue" not in actions
        or not isinstance(resource, str)
        or resource.startswith("arn:")
    ):
        return []
    secret = stack.client("secretsmanager").describe_secret(SecretId=resource)["ARN"]
    return [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret}]

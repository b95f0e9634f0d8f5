"""Requests as API Gateway's REST API hands them to a Lambda function."""

import json
from typing import Any

CORRELATION_ID = "test-correlation-01"


def rest_event(
    method: str,
    path: str,
    *,
    body: Any = None,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    claims: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The event of one request. `body` is sent as JSON, or unchanged if it is a string.

    `claims` are the verified token's; without them the request is anonymous.
    """
    sent = {"Content-Type": "application/json", "X-Correlation-Id": CORRELATION_ID, **(headers or {})}
    context: dict[str, Any] = {
        "accountId": "123456789012",
        "apiId": "a1b2c3d4e5",
        "httpMethod": method,
        "identity": {"sourceIp": "203.0.113.7", "userAgent": "test"},
        "path": f"/test{path}",
        "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "resourcePath": path,
        "stage": "test",
    }
    if claims is not None:
        context["authorizer"] = {"claims": claims}
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()}
        if query
        else None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": context,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }


def claims_of(user_id: str, email: str = "", *, groups: str = "customer", **others: str) -> dict[str, str]:
    """The claims of a verified identity token of a user in `groups`, written as API Gateway does: `a,b`."""
    optional = {"email": email, "cognito:groups": groups}
    return {
        "sub": user_id,
        "token_use": "id",
        # Admins sign in with an app client of their own; the name is the one that the template gives it.
        "aud": "AdminUserPoolClient" if "admin" in groups else "UserPoolClient",
        "exp": "Thu Dec 31 23:59:59 UTC 2099",
        **{name: text for name, text in optional.items() if text},
        **others,
    }


def header(answer: dict[str, Any], name: str) -> str | None:
    """The first value of an answer's header, from either of the two maps."""
    values = answer.get("multiValueHeaders", {}).get(name)
    return values[0] if values else answer.get("headers", {}).get(name)


def json_body(answer: dict[str, Any]) -> Any:
    """The answer's body, read as JSON."""
    return json.loads(answer["body"])

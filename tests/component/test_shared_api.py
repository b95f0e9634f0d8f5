"""What every HTTP service answers when something is wrong, and the correlation id on every answer."""

import json
from typing import Annotated, Any

import pytest
from aws_lambda_powertools.event_handler.exceptions import ForbiddenError
from pydantic import BaseModel, Field

from shared.api import CORRELATION_HEADER, api_handler, api_resolver, caller_of, correlation_id
from shared.errors import Conflict, FieldError
from tests.component.rest_events import rest_event

PROBLEMS = "https://cartwright.example/problems/"


class Line(BaseModel):
    sku: str
    quantity: Annotated[int, Field(ge=1)]


class Request(BaseModel):
    lines: list[Line]


@pytest.fixture
def call(lambda_context: Any) -> Any:
    """A small API; answers (status, headers, parsed body) of a request to it."""
    app = api_resolver()

    @app.post("/orders")
    def place(request: Request) -> dict[str, Any]:
        return {"lines": len(request.lines), "correlation_id": correlation_id()}

    @app.get("/crash")
    def crash() -> dict[str, Any]:
        raise RuntimeError("the secret is 42")

    @app.get("/conflict")
    def conflict() -> dict[str, Any]:
        raise Conflict("Shipped already.", [FieldError("/body/status", "is shipped")])

    @app.get("/forbidden")
    def forbidden() -> dict[str, Any]:
        raise ForbiddenError("Not for you.")

    @app.get("/me")
    def me() -> dict[str, Any]:
        caller = caller_of(app)
        return {"user_id": caller.user_id, "groups": sorted(caller.groups)}

    handler = api_handler(app)

    def request(
        method: str, path: str, body: str | None = None, correlation: str | None = None, claims: Any = None
    ) -> tuple[int, dict[str, str], Any]:
        event = rest_event(method, path, body=body, headers={"Origin": "https://shop.example"}, claims=claims)
        del event["headers"][CORRELATION_HEADER]
        if correlation is not None:
            event["headers"][CORRELATION_HEADER.lower()] = correlation
        answer = handler(event, lambda_context)
        headers = {name.lower(): values[0] for name, values in answer["multiValueHeaders"].items()}
        return answer["statusCode"], headers, json.loads(answer["body"]) if answer["body"] else None

    return request


ANSWERS = [
    pytest.param("POST /orders", '{"lines": []}', 200, None, id="success"),
    pytest.param("POST /orders", "{broken", 400, "malformed-json", id="malformed JSON"),
    pytest.param("POST /orders", '{"lines": 1}', 422, "invalid-request", id="invalid field"),
    pytest.param("GET /nowhere", None, 404, "not-found", id="unknown route"),
    pytest.param("GET /conflict", None, 409, "conflict", id="a service's problem"),
    pytest.param("GET /forbidden", None, 403, "forbidden", id="Powertools' own error"),
    pytest.param("GET /me", None, 401, "unauthorized", id="no token"),
    pytest.param("GET /crash", None, 500, "internal-error", id="unexpected error"),
]


@pytest.mark.parametrize(("request_line", "body", "status", "code"), ANSWERS)
def test_every_answer_carries_the_clients_correlation_id(
    call: Any, request_line: str, body: str | None, status: int, code: str | None
) -> None:
    answered, headers, _ = call(*request_line.split(), body, correlation="checkout-7")
    assert answered == status
    assert headers[CORRELATION_HEADER.lower()] == "checkout-7"


@pytest.mark.parametrize(("request_line", "body", "status", "code"), ANSWERS[1:])
def test_every_failure_is_problem_details(
    call: Any, request_line: str, body: str | None, status: int, code: str
) -> None:
    _, headers, problem = call(*request_line.split(), body)
    assert headers["content-type"] == "application/problem+json"
    assert problem["type"] == PROBLEMS + code
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]


def test_routes_see_the_correlation_id_that_is_answered(call: Any) -> None:
    _, headers, body = call("POST", "/orders", '{"lines": []}', correlation="checkout-7")
    assert body["correlation_id"] == headers[CORRELATION_HEADER.lower()] == "checkout-7"


@pytest.mark.parametrize("given", [None, "", "x" * 129, "line\nbreak", "naïve"])
def test_without_a_usable_correlation_id_each_request_gets_its_own(call: Any, given: str | None) -> None:
    one = call("GET", "/nowhere", correlation=given)[1][CORRELATION_HEADER.lower()]
    other = call("GET", "/nowhere", correlation=given)[1][CORRELATION_HEADER.lower()]
    assert given not in (one, other)
    assert one != other


def test_an_invalid_field_is_pointed_at(call: Any) -> None:
    body = json.dumps({"lines": [{"sku": "MUG", "quantity": 1}, {"sku": "TEA", "quantity": 0}]})
    _, _, problem = call("POST", "/orders", body)
    assert [entry["pointer"] for entry in problem["errors"]] == ["/body/lines/1/quantity"]
    assert problem["errors"][0]["detail"]


def test_a_services_problem_keeps_its_detail_and_its_fields(call: Any) -> None:
    _, _, problem = call("GET", "/conflict")
    assert problem["detail"] == "Shipped already."
    assert problem["errors"] == [{"pointer": "/body/status", "detail": "is shipped"}]


def test_an_unexpected_error_shows_nothing_of_the_inside_but_the_id_to_quote(call: Any) -> None:
    status, _, problem = call("GET", "/crash", correlation="checkout-7")
    assert status == 500
    text = json.dumps(problem)
    assert "checkout-7" in text
    assert not any(inside in text for inside in ("RuntimeError", "secret", "Traceback", "line "))


def test_an_unexpected_error_is_logged_with_its_stack_and_its_correlation_id(call: Any, logged: Any) -> None:
    call("GET", "/crash", correlation="checkout-7")
    (entry,) = logged("request failed unexpectedly")
    assert entry["exception_name"] == "RuntimeError"
    assert entry["correlation_id"] == "checkout-7"


def test_the_caller_is_who_the_token_names(call: Any) -> None:
    claims = {"sub": "u-1", "email": "ada@example.com", "cognito:groups": "admins,support"}
    assert call("GET", "/me", claims=claims)[2] == {"user_id": "u-1", "groups": ["admins", "support"]}


def test_browsers_may_read_error_answers_too(call: Any) -> None:
    _, headers, _ = call("GET", "/crash")
    assert headers["access-control-allow-origin"] == "*"

"""What every HTTP service answers when something is wrong, and the correlation id on every answer."""

import base64
import json
from typing import Annotated, Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.exceptions import ForbiddenError
from pydantic import BaseModel, Field

from shared.access import Access, Whose, caller_of
from shared.api import (
    CORRELATION_HEADER,
    CORRELATION_ID,
    SECURITY_HEADERS,
    UndeclaredAccess,
    api_handler,
    api_resolver,
    contract,
    correlation_id,
)
from shared.audit_trail import require_owner
from shared.bodies import MAX_BODY_BYTES
from shared.errors import Conflict, FieldError
from tests.component.audit_trail import make_audit_trail
from tests.component.rest_events import claims_of, rest_event

PROBLEMS = "https://cartwright.example/problems/"


class Line(BaseModel):
    sku: str
    quantity: Annotated[int, Field(ge=1)]


class Request(BaseModel):
    lines: list[Line]


def _add_guarded_routes(app: APIGatewayRestResolver) -> None:
    @app.post("/stock", **contract(Access.ADMIN, tag="test", whose=Whose.SHOP))
    def receive(request: Request) -> dict[str, Any]:
        return {"lines": len(request.lines)}

    @app.get("/shop", **contract(Access.CUSTOMER, tag="test"))
    def shop() -> dict[str, Any]:
        return {}

    @app.get("/things/<owner>", **contract(Access.OWNER, tag="test"))
    def thing(owner: str) -> dict[str, Any]:
        things = {"u-1": {"owner": "u-1"}}
        return require_owner(app, things.get(owner), lambda thing: thing["owner"])


@pytest.fixture
def call(aws: None, lambda_context: Any) -> Any:
    """A small API; answers (status, headers, parsed body) of a request to it."""
    make_audit_trail()
    app = api_resolver()
    public = contract(Access.ANYONE, tag="test")

    @app.post("/orders", **public)
    def place(request: Request) -> dict[str, Any]:
        skus = [line.sku for line in request.lines]
        return {"lines": len(request.lines), "skus": skus, "correlation_id": correlation_id()}

    @app.get("/crash", **public)
    def crash() -> dict[str, Any]:
        raise RuntimeError("the secret is 42")

    @app.get("/conflict", **public)
    def conflict() -> dict[str, Any]:
        raise Conflict("Shipped already.", [FieldError("/body/status", "is shipped")])

    @app.get("/forbidden", **public)
    def forbidden() -> dict[str, Any]:
        raise ForbiddenError("Not for you.")

    _add_guarded_routes(app)

    @app.get("/me", **contract(Access.SIGNED_IN, tag="test"))
    def me() -> dict[str, Any]:
        caller = caller_of(app)
        return {"user_id": caller.user_id, "groups": sorted(caller.groups)}

    handler = api_handler(app)

    def request(
        method: str,
        path: str,
        body: str | None = None,
        *,
        correlation: str | None = None,
        claims: Any = None,
        headers: dict[str, str] | None = None,
        encoded: bool = False,
    ) -> tuple[int, dict[str, str], Any]:
        sent = {"Origin": "https://shop.example", **(headers or {})}
        event = rest_event(method, path, body=body, headers=sent, claims=claims)
        event["isBase64Encoded"] = encoded
        del event["headers"][CORRELATION_HEADER]
        if correlation is not None:
            event["headers"][CORRELATION_HEADER.lower()] = correlation
        answer = handler(event, lambda_context)
        headers = {name.lower(): values[0] for name, values in answer["multiValueHeaders"].items()}
        return answer["statusCode"], headers, json.loads(answer["body"]) if answer["body"] else None

    return request


CHECKOUT = "checkout-2026-000007"
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
    answered, headers, _ = call(*request_line.split(), body, correlation=CHECKOUT)
    assert answered == status
    assert headers[CORRELATION_HEADER.lower()] == CHECKOUT


@pytest.mark.parametrize(("request_line", "body", "status", "code"), ANSWERS)
def test_browsers_guess_no_type_and_come_by_https_and_caches_store_nothing(
    call: Any, request_line: str, body: str | None, status: int, code: str | None
) -> None:
    _, headers, _ = call(*request_line.split(), body)
    assert headers["cache-control"] == "no-store"
    assert {name: headers[name.lower()] for name in SECURITY_HEADERS} == SECURITY_HEADERS


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
    _, headers, body = call("POST", "/orders", '{"lines": []}', correlation=CHECKOUT)
    assert body["correlation_id"] == headers[CORRELATION_HEADER.lower()] == CHECKOUT


PERSONAL = [
    "ada.lovelace@example.com",
    "ada%40example.com-0001",
    "+491511234567890",
    "491511234567890",
    "0049-151-12345678",
    "4242424242424242",
    "4242-4242-4242-4242",
    "Ada-King_Countess-of-Lovelace",
]
UNUSABLE = [
    None,
    "",
    "x" * 15,
    "x" * 65,
    "a-line\nand-another-line",
    "naïve-naïve-naïve-naïve",
    f"{CHECKOUT}\n",
]


@pytest.mark.parametrize("given", [*UNUSABLE, *PERSONAL])
def test_without_a_usable_correlation_id_each_request_gets_its_own(call: Any, given: str | None) -> None:
    one = call("GET", "/nowhere", correlation=given)[1][CORRELATION_HEADER.lower()]
    other = call("GET", "/nowhere", correlation=given)[1][CORRELATION_HEADER.lower()]
    assert given not in (one, other)
    assert one != other
    assert all(CORRELATION_ID.fullmatch(made) for made in (one, other))


TRACES = [
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "1-5759e988-bd862e3fe1be46a994272793",
    "01JDM4N4V2Q1T9D3RZ8W6K5X7C",
]


@pytest.mark.parametrize("given", [*TRACES, f"00-{TRACES[0]}-00f067aa0ba902b7-01"])
def test_the_usual_ids_of_traces_and_requests_are_taken(call: Any, given: str) -> None:
    assert call("GET", "/nowhere", correlation=given)[1][CORRELATION_HEADER.lower()] == given


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
    status, _, problem = call("GET", "/crash", correlation=CHECKOUT)
    assert status == 500
    text = json.dumps(problem)
    assert CHECKOUT in text
    assert not any(inside in text for inside in ("RuntimeError", "secret", "Traceback", "line "))


def test_an_unexpected_error_is_logged_with_its_stack_and_its_correlation_id(call: Any, logged: Any) -> None:
    call("GET", "/crash", correlation=CHECKOUT)
    (entry,) = logged("request failed unexpectedly")
    assert entry["exception_name"] == "RuntimeError"
    assert entry["correlation_id"] == CHECKOUT


def test_the_caller_is_who_the_token_names(call: Any) -> None:
    claims = claims_of("u-1", "ada@example.com", groups="admins,support")
    assert call("GET", "/me", claims=claims)[2] == {"user_id": "u-1", "groups": ["admins", "support"]}


@pytest.mark.parametrize(
    ("client", "groups"),
    [
        ({"aud": "AdminUserPoolClient"}, ["admin", "customer"]),
        ({"client_id": "AdminUserPoolClient"}, ["customer"]),
        ({"aud": "UserPoolClient"}, ["customer"]),
        ({"aud": ""}, ["customer"]),
        ({}, ["customer"]),
    ],
)
def test_only_a_token_of_the_admins_client_gives_an_admins_rights(
    call: Any, client: dict[str, str], groups: list[str]
) -> None:
    claims = claims_of("u-1", groups="customer,admin")
    del claims["aud"]
    assert call("GET", "/me", claims=claims | client)[2] == {"user_id": "u-1", "groups": groups}


@pytest.mark.parametrize(
    "expiry",
    [{}, {"exp": ""}, {"exp": "later"}, {"exp": "1796086625"}, {"exp": "Fri Mar 05 11:40:16 UTC 2021"}],
)
def test_an_admins_rights_end_with_the_token_even_if_api_gateway_still_takes_it(
    call: Any, expiry: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.access.time.time", lambda: 1796086625.0)
    claims = claims_of("u-1", groups="customer,admin")
    assert call("GET", "/me", claims=claims)[2]["groups"] == ["admin", "customer"]
    del claims["exp"]
    assert call("GET", "/me", claims=claims | expiry)[2]["groups"] == ["customer"]


@pytest.mark.parametrize("client", [{}, {"aud": ""}, {"aud": "AdminUserPoolClient"}])
def test_a_function_that_knows_no_admins_client_has_no_admins(
    call: Any, client: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADMIN_CLIENT_ID", "")
    claims = claims_of("u-1", groups="admin")
    del claims["aud"]
    assert call("GET", "/me", claims=claims | client)[2] == {"user_id": "u-1", "groups": []}


def test_browsers_may_read_error_answers_too(call: Any) -> None:
    _, headers, _ = call("GET", "/crash")
    assert headers["access-control-allow-origin"] == "*"


CUSTOMER = claims_of("u-1")
ADMIN = claims_of("u-2", groups="[admin staff]")
NO_GROUP = claims_of("u-3", groups="")


@pytest.mark.parametrize(
    ("path", "claims", "status"),
    [
        ("/shop", None, 401),
        ("/shop", NO_GROUP, 403),
        ("/shop", ADMIN, 403),
        ("/shop", CUSTOMER, 200),
        ("/me", NO_GROUP, 200),
        ("/things/u-1", CUSTOMER, 200),
        ("/things/u-1", ADMIN, 200),
        ("/things/u-1", NO_GROUP, 404),
        ("/things/nobody", ADMIN, 404),
        ("/things/u-1", None, 401),
    ],
)
def test_a_route_admits_whom_it_declares(call: Any, path: str, claims: Any, status: int) -> None:
    assert call("GET", path, claims=claims)[0] == status


@pytest.mark.parametrize(("claims", "status"), [(None, 401), (CUSTOMER, 403), (ADMIN, 422)])
def test_who_may_not_call_a_route_learns_nothing_about_its_body(call: Any, claims: Any, status: int) -> None:
    assert call("POST", "/stock", '{"lines": 1}', claims=claims)[0] == status


def test_an_api_with_a_route_that_declares_no_access_does_not_start() -> None:
    app = api_resolver()

    @app.get("/undeclared")
    def undeclared() -> dict[str, Any]:
        return {}

    with pytest.raises(UndeclaredAccess, match="GET /undeclared"):
        api_handler(app)


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ('APPLICATION/JSON ;Charset="UTF-8"', 200),
        ("application/json; charset=utf8; version=1", 200),
        ("application/json; charset=iso-8859-1", 415),
        ("application/json; charset=utf-16", 415),
        ("application/json; charset=nonsense", 415),
        ("application/json; charset=utf-8\0", 415),
        ("application/json; charset=utf-16\u00fc", 415),
        ("application/json; charset*=utf-16''utf-8", 415),
        ("application/jsonp", 415),
        ("application", 415),
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
    ],
)
def test_a_body_is_json_by_its_media_type(call: Any, media_type: str, status: int) -> None:
    assert call("POST", "/orders", '{"lines": []}', headers={"Content-Type": media_type})[0] == status


def order_of(sku: str) -> str:
    return json.dumps({"lines": [{"sku": sku, "quantity": 1}]}, ensure_ascii=False)


def test_a_body_in_base64_is_the_same_body(call: Any) -> None:
    body = base64.b64encode(order_of("Tée").encode()).decode()
    assert call("POST", "/orders", body, encoded=True)[2]["skus"] == ["Tée"]


@pytest.mark.parametrize(
    ("body", "encoded"),
    [
        pytest.param(order_of("T\N{REPLACEMENT CHARACTER}e"), False, id="API Gateway replaced a byte"),
        pytest.param(order_of("T\ud800e"), False, id="half a character"),
        pytest.param(base64.b64encode(order_of("Tée").encode("latin-1")).decode(), True, id="in base64"),
        pytest.param(base64.b64encode(order_of("Tée").encode("utf-16")).decode(), True, id="UTF-16"),
    ],
)
def test_a_body_that_is_no_utf_8_is_refused(call: Any, body: str, encoded: bool) -> None:
    status, _, problem = call("POST", "/orders", body, encoded=encoded)
    assert (status, problem["type"]) == (400, PROBLEMS + "malformed-json")
    assert "UTF-8" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("9" * 5000, "A number has too many digits"),
        ("[" * 60_000, "It is nested too deeply"),
        ("\ufeff{}", "A byte-order mark stands before it"),
    ],
    ids=["digits", "nesting", "mark"],
)
def test_a_body_that_python_cannot_read_is_refused_in_words_about_the_body(
    call: Any, body: str, reason: str
) -> None:
    status, _, problem = call("POST", "/orders", body)
    assert (status, problem["errors"][0]["detail"]) == (400, f"Not JSON at character 0: {reason}")


def test_a_client_may_send_the_replacement_character_as_an_escape(call: Any) -> None:
    body = json.dumps({"lines": [{"sku": "\N{REPLACEMENT CHARACTER}", "quantity": 1}]})
    assert call("POST", "/orders", body)[0] == 200


def test_a_body_in_base64_has_the_same_limit(call: Any) -> None:
    padding = " " * (MAX_BODY_BYTES - len('{"lines": []}'))
    for longer, status in (("", 200), (" ", 413)):
        body = base64.b64encode(('{"lines": []}' + padding + longer).encode()).decode()
        assert call("POST", "/orders", body, encoded=True)[0] == status


def test_a_body_has_a_limit(call: Any) -> None:
    padding = " " * (MAX_BODY_BYTES - len('{"lines": []}'))
    assert call("POST", "/orders", '{"lines": []}' + padding)[0] == 200
    assert call("POST", "/orders", '{"lines": []} ' + padding)[0] == 413

"""HEAD answers as GET does, without the body."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response, content_types

from shared.access import Access, Whose
from shared.api import SECURITY_HEADERS, api_handler, api_resolver, contract
from shared.etag import etag_of, require_change
from shared.parameters import IfNoneMatch
from tests.component.rest_events import claims_of, rest_event

Call = Callable[..., dict[str, Any]]


@pytest.fixture
def call(lambda_context: Any) -> Call:
    """A small API."""
    app = api_resolver()

    @app.get("/things", cache_control="public, max-age=30", **contract(Access.ANYONE, tag="test"))
    def things() -> dict[str, str]:
        return {"name": "Tée"}

    @app.get("/mine", **contract(Access.ADMIN, tag="test", whose=Whose.SHOP))
    def mine() -> dict[str, str]:
        return {}

    @app.get("/versions", **contract(Access.ANYONE, tag="test", conditional=True))
    def versions(if_none_match: IfNoneMatch = None) -> Response[dict[str, str]]:
        require_change(if_none_match, 3)
        body = {"version": "3"}
        return Response(HTTPStatus.OK, content_types.APPLICATION_JSON, body, headers={"ETag": etag_of(3)})

    @app.post("/orders", **contract(Access.ANYONE, tag="test"))
    def place() -> dict[str, str]:
        raise AssertionError("HEAD changes nothing")

    handler = api_handler(app)
    return lambda method, path, **request: handler(rest_event(method, path, **request), lambda_context)


@pytest.mark.parametrize("path", ["/things", "/mine", "/versions", "/nowhere"])
@pytest.mark.parametrize("claims", [None, claims_of("u-1"), claims_of("u-2", groups="admin")])
def test_head_has_the_status_and_the_headers_of_get_and_no_body(call: Call, path: str, claims: Any) -> None:
    get, head = (call(method, path, claims=claims) for method in ("GET", "HEAD"))

    assert head["statusCode"] == get["statusCode"]
    assert head["body"] == ""
    length = {"Content-Length": [str(len(get["body"].encode()))]}
    assert head["multiValueHeaders"] == get["multiValueHeaders"] | length


def test_an_answer_that_anybody_may_store_says_so_and_no_other_is_stored(call: Call) -> None:
    admin = claims_of("u-2", groups="admin")
    stored = {
        path: call("GET", path, claims=admin, headers={"If-None-Match": '"3"'})["multiValueHeaders"][
            "Cache-Control"
        ]
        for path in ("/things", "/mine", "/versions")
    }
    assert stored == {"/things": ["public, max-age=30"], "/mine": ["no-store"], "/versions": ["no-store"]}


def test_a_304_has_the_headers_of_security(call: Call) -> None:
    answer = call("GET", "/versions", headers={"If-None-Match": '"3"'})
    assert answer["statusCode"] == 304
    assert (
        answer["multiValueHeaders"].items()
        >= {name: [value] for name, value in SECURITY_HEADERS.items()}.items()
    )


def test_head_of_a_known_version_is_a_304_without_a_length(call: Call) -> None:
    answer = call("HEAD", "/versions", headers={"If-None-Match": '"3"'})

    assert (answer["statusCode"], answer["body"]) == (304, "")
    assert answer["multiValueHeaders"]["ETag"] == ['"3"']
    assert "Content-Length" not in answer["multiValueHeaders"]


def test_head_of_a_resource_without_get_changes_nothing(call: Call) -> None:
    assert call("HEAD", "/orders")["statusCode"] == 404

"""The links that the API writes, and the routes that it finds, on each stage and domain it is served at."""

from typing import Any
from urllib.parse import urljoin

import pytest

from shared.access import Access
from shared.api import api_handler, api_resolver, contract
from shared.links import link_to
from tests.component.rest_events import json_body, rest_event

# (the URL of the request without its path in the API, `path` before that, `requestContext.path` before that), as in the
# events in https://github.com/aws-powertools/powertools-lambda-python/pull/579
SERVED = [
    pytest.param("https://a1.execute-api.eu-central-1.amazonaws.com/dev", "", "/dev", id="a stage"),
    pytest.param("https://api.shop.example", "", "", id="a custom domain"),
    pytest.param("https://shop.example/v1", "/v1", "/v1", id="a base path of a custom domain"),
    pytest.param("https://shop.example/shop/v1", "/shop/v1", "/shop/v1", id="a base path of two segments"),
]
PATHS = [
    pytest.param("/things", "/things", {}, id="without a parameter"),
    pytest.param("/things/{thing_id}/parts", "/things/t-1/parts", {"thing_id": "t-1"}, id="with a parameter"),
    pytest.param("/things", "/things/", {}, id="with a slash at the end"),
]


@pytest.fixture
def handler() -> Any:
    """A small API whose answers link to a thing."""
    app = api_resolver()

    @app.get("/things", **contract(Access.ANYONE, tag="test"))
    def things() -> dict[str, str]:
        return {"href": link_to(app, "/things/t-2")}

    @app.get("/things/<thing_id>/parts", **contract(Access.ANYONE, tag="test"))
    def parts(thing_id: str) -> dict[str, str]:
        assert thing_id == "t-1"
        return {"href": link_to(app, "/things/t-2")}

    return api_handler(app)


def event_of(resource: str, path: str, parameters: dict[str, str], *, context_path: str) -> dict[str, Any]:
    """The event of a GET request."""
    event = rest_event("GET", path) | {"resource": resource, "pathParameters": parameters or None}
    event["requestContext"] |= {"path": context_path, "resourcePath": resource}
    return event


@pytest.mark.parametrize(("base_url", "before_path", "before_context_path"), SERVED)
@pytest.mark.parametrize(("resource", "path", "parameters"), PATHS)
def test_a_link_leads_back_to_the_api_at_the_base_path_that_the_client_used(
    handler: Any,
    lambda_context: Any,
    base_url: str,
    before_path: str,
    before_context_path: str,
    resource: str,
    path: str,
    parameters: dict[str, str],
) -> None:
    event = event_of(resource, before_path + path, parameters, context_path=before_context_path + path)

    answer = handler(event, lambda_context)

    assert answer["statusCode"] == 200
    assert urljoin(base_url + path, json_body(answer)["href"]) == f"{base_url}/things/t-2"


def test_sam_local_names_the_resource_instead_of_the_path_and_has_no_stage(
    handler: Any, lambda_context: Any
) -> None:
    resource = "/things/{thing_id}/parts"
    event = event_of(resource, "/things/t-1/parts", {"thing_id": "t-1"}, context_path=resource)

    assert json_body(handler(event, lambda_context))["href"] == "/things/t-2"


def test_a_parameter_with_slashes_is_no_other_path(handler: Any, lambda_context: Any) -> None:
    odd = "x/things/t-1"
    event = event_of(
        "/things/{thing_id}/parts",
        f"/things/{odd}/parts",
        {"thing_id": odd},
        context_path=f"/dev/things/{odd}/parts",
    )

    assert handler(event, lambda_context)["statusCode"] == 404

"""The routes of the API as a whole: health, the OpenAPI document, the reference in the browser, and every request that
no other service takes. All of them are public."""

import json
from http import HTTPStatus
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import BaseModel, Field

from gateway.adapters import CSS, DOCS_ASSETS, DOCS_PAGE, HTML, JAVASCRIPT, WebFile
from gateway.dependencies import api_document, environment
from gateway.functions.views import answering
from gateway.functions.web_routes import add_web_routes
from shared.access import Access
from shared.api import api_handler, api_resolver, contract
from shared.errors import MethodNotAllowed, NotFound
from shared.links import base_path
from shared.problems import problem_answer

# A deployment may change the document; Swagger UI changes only with the layer.
_BRIEFLY = "public, max-age=60"
_FOR_A_DAY = "public, max-age=86400"

_PAGE_HEADERS = {
    # The page loads its own parts and calls its own API, and nothing else. Swagger UI sets styles inline.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}

_TEXT = {"type": "string"}

app = api_resolver()


class Health(BaseModel):
    """The state and the version of the API."""

    status: Literal["ok"] = Field(description="Always `ok`: the API answered this request", examples=["ok"])
    version: str = Field(description="The version of the running system", examples=["1.4.0"])
    stage: str = Field(description="The environment in which it runs", examples=["prod"])
    revision: str | None = Field(
        default=None,
        description="The deployed commit, or null if the deployment did not name it",
        examples=["9f2c1e7"],
    )


@app.get("/health", **contract(Access.ANYONE, tag="api", answers="The API runs"))
def read_health() -> Health:
    """Returns the version of the running system and its environment."""
    running = environment()
    return Health(
        status="ok", version=running.version, stage=running.stage, revision=running.revision or None
    )


@app.get(
    "/openapi.json",
    cache_control=_BRIEFLY,
    **answering(
        {content_types.APPLICATION_JSON: {"type": "object", "description": "An OpenAPI 3.1 document"}},
        answers="The document",
    ),
)
def read_openapi_document() -> Response[str]:
    """Returns the API's description (OpenAPI 3.1). It names the server that answered the request."""
    return Response(
        status_code=HTTPStatus.OK,
        content_type=content_types.APPLICATION_JSON,
        body=json.dumps(api_document().served_from(_base_url()), separators=(",", ":"), ensure_ascii=False),
    )


@app.get("/docs", cache_control=_BRIEFLY, **answering({HTML: _TEXT}, answers="A page for browsers"))
def read_docs() -> Response[str]:
    """Returns the API's reference as a page (Swagger UI). The reader can try every operation with their own token."""
    return _answered(DOCS_PAGE)


@app.get(
    "/docs/<asset>",
    cache_control=_FOR_A_DAY,
    **answering({JAVASCRIPT: _TEXT, CSS: _TEXT}, answers="A part of the page", raises=(NotFound,)),
)
def read_docs_asset(
    asset: Annotated[str, Path(description="The part's name", examples=["page.js"])],
) -> Response[str]:
    """Returns a script or the style sheet of the page at `/docs`."""
    if asset not in DOCS_ASSETS:
        raise NotFound("There is no such resource.")
    return _answered(DOCS_ASSETS[asset])


add_web_routes(app)


@app.not_found
def no_route(_: Exception) -> Response[str]:
    """Answers a request without a route: 405 if the resource lacks the method, 404 if there is no such resource."""
    event = app.current_event
    methods = api_document().methods_of(event.path)
    # If the document lists the method and the request still ends here, the method is not deployed.
    if not methods or event.http_method in methods:
        return problem_answer(NotFound("There is no such resource."))
    # Every resource also has OPTIONS, for browsers that send a preflight request (CORS), and HEAD if it has GET.
    allowed = ", ".join(sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())))
    answer = problem_answer(MethodNotAllowed(f"This resource allows {allowed}, and not {event.http_method}."))
    answer.headers["Allow"] = allowed
    return answer


def _answered(file: WebFile) -> Response[str]:
    return Response(
        status_code=HTTPStatus.OK,
        content_type=file.content_type,
        body=file.text,
        headers=dict(_PAGE_HEADERS),
    )


def _base_url() -> str | None:
    """The URL of the API, without a slash at its end; None if API Gateway does not pass the domain of the request."""
    event = app.current_event
    domain = event.request_context.domain_name
    if not domain:
        return None
    scheme = event.headers.get("X-Forwarded-Proto", "https")
    return f"{scheme}://{domain}{base_path(event.raw_event)}"


handler = api_handler(app)

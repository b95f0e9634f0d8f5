"""The API as a whole: its health, its OpenAPI document, its reference in the browser, and every request that no service
takes. All of it is public."""

import json
from http import HTTPStatus
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import BaseModel, Field

from gateway.dependencies import environment
from gateway.domain.page import ASSETS, CSS, HTML, JAVASCRIPT, PAGE, SECURITY_HEADERS, Part
from gateway.domain.reference import methods_of, served_from
from shared.access import Access
from shared.api import api_handler, api_resolver, contract
from shared.errors import MethodNotAllowed, NotFound
from shared.problems import problem_answer

# A deployment may change the document; Swagger UI changes with the layer alone.
_BRIEFLY = "public, max-age=60"
_FOR_A_DAY = "public, max-age=86400"

_TEXT = {"type": "string"}

app = api_resolver()


class Health(BaseModel):
    """That the API answers, and which version of it does."""

    status: Literal["ok"] = Field(description="Always `ok`: whoever reads this was answered", examples=["ok"])
    version: str = Field(description="The version of the system that runs", examples=["1.4.0"])
    stage: str = Field(description="The environment that it runs in", examples=["prod"])
    revision: str | None = Field(
        default=None,
        description="The commit that was deployed, where the deployment named it",
        examples=["9f2c1e7"],
    )


def _answering(content: dict[str, dict[str, str]], **options: Any) -> dict[str, Any]:
    """The `contract` of a public route whose success is no JSON model but `content`, a schema by media type."""
    made = contract(Access.ANYONE, tag="api", **options)
    success = made["responses"][int(HTTPStatus.OK)]
    success["content"] = {media_type: {"schema": schema} for media_type, schema in content.items()}
    return made


@app.get("/health", cache_control="no-store", **contract(Access.ANYONE, tag="api", answers="The API runs"))
def read_health() -> Health:
    """Which version of the system answers, and where it runs."""
    running = environment()
    return Health(
        status="ok", version=running.version, stage=running.stage, revision=running.revision or None
    )


@app.get(
    "/openapi.json",
    cache_control=_BRIEFLY,
    **_answering(
        {content_types.APPLICATION_JSON: {"type": "object", "description": "An OpenAPI 3.1 document"}},
        answers="The document",
    ),
)
def read_openapi_document() -> Response[str]:
    """The API's description (OpenAPI 3.1). The server that it names is the one that the request came to."""
    return Response(
        status_code=HTTPStatus.OK,
        content_type=content_types.APPLICATION_JSON,
        body=json.dumps(served_from(_base_url()), separators=(",", ":"), ensure_ascii=False),
    )


@app.get("/docs", cache_control=_BRIEFLY, **_answering({HTML: _TEXT}, answers="A page for browsers"))
def read_docs() -> Response[str]:
    """The API's reference as a page (Swagger UI), on which every operation can be tried with one's own token."""
    return _answered(PAGE)


@app.get(
    "/docs/<asset>",
    cache_control=_FOR_A_DAY,
    **_answering({JAVASCRIPT: _TEXT, CSS: _TEXT}, answers="A part of the page", raises=(NotFound,)),
)
def read_docs_asset(
    asset: Annotated[str, Path(description="The part's name", examples=["page.js"])],
) -> Response[str]:
    """A script or the style sheet of the page at `/docs`."""
    if asset not in ASSETS:
        raise NotFound("There is no such resource.")
    return _answered(ASSETS[asset])


@app.not_found
def no_route(_: Exception) -> Response[str]:
    """Answers what API Gateway has no other route for: a method that the resource lacks (405), or no resource (404)."""
    event = app.current_event
    methods = methods_of(event.path)
    # A method that the document gives the resource and that ends here nonetheless is not deployed.
    if not methods or event.http_method in methods:
        return problem_answer(NotFound("There is no such resource."))
    # Every resource has OPTIONS beside its own methods, for browsers that ask before they call (CORS).
    allowed = ", ".join(sorted(methods | {"OPTIONS"}))
    answer = problem_answer(MethodNotAllowed(f"This resource has {allowed}, and no {event.http_method}."))
    answer.headers["Allow"] = allowed
    return answer


def _answered(part: Part) -> Response[str]:
    return Response(
        status_code=HTTPStatus.OK,
        content_type=part.content_type,
        body=part.text,
        headers=dict(SECURITY_HEADERS),
    )


def _base_url() -> str | None:
    """Where the API that was called begins, without a slash at its end: on API Gateway's own domain that includes the
    stage, on a custom domain it does not. None where API Gateway does not say under which name it was called."""
    event = app.current_event
    domain = event.request_context.domain_name
    if not domain:
        return None
    scheme = event.headers.get("X-Forwarded-Proto", "https")
    return f"{scheme}://{domain}{(event.request_context.path or '').removesuffix(event.resource)}"


handler = api_handler(app)

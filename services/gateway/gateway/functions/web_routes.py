"""The routes of the web app: a page each for customers and operators, and the files that the pages load."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from gateway.adapters import CSS, HTML, JAVASCRIPT, SVG
from gateway.dependencies import page_settings, web_app, web_environment
from gateway.domain.web_page import content_security_policy, filled_page
from gateway.functions.views import answering
from shared.errors import NotFound

_TEXT = {"type": "string"}
# A page names the release whose files it loads. So it must be the latest, and the files never change.
_ASK_EACH_TIME = "no-cache"
_FOR_EVER = "public, max-age=31536000, immutable"


def add_web_routes(app: APIGatewayRestResolver) -> None:
    """Adds the routes to the API of this service."""

    @app.get(
        "/shop",
        cache_control=_ASK_EACH_TIME,
        **answering({HTML: _TEXT}, answers="A page for browsers", raises=(NotFound,)),
    )
    def read_shop() -> Response[str]:
        """Returns the shop as a page. Customers browse, order and follow their orders there.

        A stack whose parameter `WebApp` is off answers 404.
        """
        return _answered_page("shop")

    @app.get(
        "/board",
        cache_control=_ASK_EACH_TIME,
        **answering({HTML: _TEXT}, answers="A page for browsers", raises=(NotFound,)),
    )
    def read_board() -> Response[str]:
        """Returns the operators' board as a page. Admins sign in there, and see orders, stock, jobs and dead letters.

        A stack whose parameter `WebApp` is off answers 404.
        """
        return _answered_page("board")

    @app.get(
        "/web/<release>/<folder>/<name>",
        **answering(
            {JAVASCRIPT: _TEXT, CSS: _TEXT, SVG: _TEXT}, answers="A part of a page", raises=(NotFound,)
        ),
    )
    def read_web_file(
        release: Annotated[str, Path(description="The release of the web app", examples=["current"])],
        folder: Annotated[str, Path(description="The folder of the file", examples=["common"])],
        name: Annotated[str, Path(description="The name of the file", examples=["style.css"])],
    ) -> Response[str]:
        """Returns a script, a style sheet or a drawing of a page. Browsers keep the files of a release for ever."""
        _require_served()
        file = web_app().files.get((folder, name))
        if file is None:
            raise NotFound("There is no such resource.")
        # During a deployment a page of one release may reach a function of another. It gets the file, but not to keep.
        cache_control = _FOR_EVER if release == web_app().release else "no-store"
        return Response(
            status_code=HTTPStatus.OK,
            content_type=file.content_type,
            body=file.text,
            headers={"Cache-Control": cache_control},
        )


def _answered_page(page: str) -> Response[str]:
    _require_served()
    settings, app, environment = page_settings(), web_app(), web_environment()
    return Response(
        status_code=HTTPStatus.OK,
        content_type=f"{HTML}; charset=utf-8",
        body=filled_page(app.page(page), settings=settings, release=app.release, parts=app.parts(page)),
        headers={
            "Content-Security-Policy": content_security_policy(
                settings, [environment.pictures_url, environment.jobs_url]
            ),
            "Referrer-Policy": "no-referrer",
        },
    )


def _require_served() -> None:
    if web_environment().web_app == "off":
        raise NotFound("There is no such resource.")

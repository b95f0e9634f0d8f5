"""Wires the service's function, once per execution environment."""

from functools import cache

from gateway.adapters import WebApp, read_api_document
from gateway.domain.api_document import ApiDocument
from gateway.domain.web_page import PageSettings, live_url
from shared.environment import LambdaEnvironment


class Environment(LambdaEnvironment):
    """The version of the system and its stage; `revision` is empty if the deployment named no commit."""

    stage: str
    version: str
    revision: str = ""


class WebEnvironment(LambdaEnvironment):
    """What the web app needs of the stack; `web_app` is `on` or `off`."""

    stage: str
    web_app: str
    cognito_url: str
    user_pool_client_id: str
    admin_client_id: str
    live_url: str
    pictures_url: str
    jobs_url: str
    served_countries: str
    """Codes, with a comma between two."""
    payment_provider: str
    """`sandbox` or `real`."""


@cache
def environment() -> Environment:
    """The environment, read once."""
    return Environment.load()


@cache
def web_environment() -> WebEnvironment:
    """The web app's part of the environment, read when a request first needs it."""
    return WebEnvironment.load()


@cache
def page_settings() -> PageSettings:
    """The settings that every page shows its reader's browser."""
    found = web_environment()
    return PageSettings(
        stage=found.stage,
        cognito_url=found.cognito_url,
        user_pool_client=found.user_pool_client_id,
        admin_client=found.admin_client_id,
        live_url=live_url(found.live_url),
        countries=found.served_countries.split(","),
        has_test_cards=found.payment_provider == "sandbox",
    )


@cache
def web_app() -> WebApp:
    """The files of the web app."""
    return WebApp()


@cache
def api_document() -> ApiDocument:
    """The OpenAPI document, read and parsed when a request first needs it."""
    return read_api_document()

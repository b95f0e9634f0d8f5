"""The use of the token, at every route that needs one: an identity token opens it, and no other token does."""

from importlib import import_module
from typing import Any

import pytest

from tests.component.conftest import FakeLambdaContext
from tests.component.rest_events import claims_of, json_body, rest_event
from tools.contracts.openapi.document import openapi_document, operations_of, public_apis

GUARDED = [
    pytest.param(service, method.upper(), path, id=f"{method.upper()} {path}")
    for service, app in public_apis().items()
    for method, path, operation in operations_of(openapi_document({service: app}))
    if operation["x-access"] != "anyone"
]
NO_IDENTITY_TOKENS = {"access", "refresh", "", None}


@pytest.mark.parametrize(("service", "method", "path"), GUARDED)
def test_a_token_of_another_use_opens_no_route(service: str, method: str, path: str) -> None:
    handler: Any = import_module(f"{service}.functions.api").handler
    for use in NO_IDENTITY_TOKENS:
        claims: dict[str, Any] = claims_of("u-1", groups="admin,customer") | {"token_use": use}
        claims = {name: said for name, said in claims.items() if said is not None}
        # Moto does not run here: the route would fail at its first call.
        answer = handler(
            rest_event(method, path.replace("{", "").replace("}", ""), claims=claims), FakeLambdaContext()
        )
        assert (answer["statusCode"], json_body(answer)["title"]) == (401, "Unauthorized"), use


def test_the_routes_that_need_a_token_are_more_than_a_few() -> None:
    assert len(GUARDED) > 25

"""A route for any method works: OpenAPI names it `x-amazon-apigateway-any-method`, which MiniStack ignores."""

from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.services import apigateway_v1  # type: ignore[import-not-found]

_NAMED = "x-amazon-apigateway-any-method"


def install() -> None:
    """Imports such a route as the method ANY, which MiniStack serves as AWS does."""
    import_operation = apigateway_v1._import_operation

    def import_any_operation(api: str, resource: str, method: str, *args: Any) -> None:
        import_operation(api, resource, "ANY" if method == _NAMED.upper() else method, *args)

    apigateway_v1._OPENAPI_HTTP_METHODS.add(_NAMED)
    apigateway_v1._import_operation = import_any_operation

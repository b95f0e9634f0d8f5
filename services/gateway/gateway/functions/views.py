"""How a public route says what it answers."""

from http import HTTPStatus
from typing import Any

from shared.access import Access
from shared.api import contract


def answering(content: dict[str, dict[str, str]], **options: Any) -> dict[str, Any]:
    """The `contract` of a public route that answers with `content`, a schema by media type."""
    made = contract(Access.ANYONE, tag="api", **options)
    success = made["responses"][int(HTTPStatus.OK)]
    success["content"] = {media_type: {"schema": schema} for media_type, schema in content.items()}
    return made

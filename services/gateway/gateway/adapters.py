"""Reads the files that the service serves: the OpenAPI document, and the page with Swagger UI.

Powertools ships Swagger UI in the layer, so the page needs no other server.
"""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from gateway.domain.api_document import ApiDocument

HTML = "text/html"
JAVASCRIPT = "text/javascript"
CSS = "text/css"

_PACKAGE = Path(__file__).parent
_SWAGGER_UI = Path(str(files("aws_lambda_powertools.event_handler.openapi.swagger_ui")))


class WebFile(NamedTuple):
    """A file and its media type."""

    file: Path
    media_type: str

    @property
    def content_type(self) -> str:
        """The value of the header `Content-Type`."""
        return f"{self.media_type}; charset=utf-8"

    @property
    def text(self) -> str:
        """The content of the file, which is read once."""
        return _text(self.file)


DOCS_PAGE = WebFile(_PACKAGE / "docs_page" / "page.html", HTML)
DOCS_ASSETS = {
    "page.js": WebFile(_PACKAGE / "docs_page" / "page.js", JAVASCRIPT),
    "swagger-ui.css": WebFile(_SWAGGER_UI / "swagger-ui.min.css", CSS),
    "swagger-ui.js": WebFile(_SWAGGER_UI / "swagger-ui-bundle.min.js", JAVASCRIPT),
}


def read_api_document() -> ApiDocument:
    """The committed OpenAPI document."""
    return ApiDocument(json.loads((_PACKAGE / "openapi.json").read_bytes()))


@cache
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")

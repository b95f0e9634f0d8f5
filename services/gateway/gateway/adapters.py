"""The reference in the browser: a page of our own around Swagger UI, which Powertools ships for its own use. No other
server is asked for anything."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

HTML = "text/html"
JAVASCRIPT = "text/javascript"
CSS = "text/css"

SECURITY_HEADERS = {
    # The page loads nothing from elsewhere and calls only the API that it stands in. Swagger UI sets styles inline.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_HERE = Path(__file__).parent
_SWAGGER_UI = Path(str(files("aws_lambda_powertools.event_handler.openapi.swagger_ui")))


class Part(NamedTuple):
    """A file of the page and its media type."""

    file: Path
    media_type: str

    @property
    def content_type(self) -> str:
        """The value of the header `Content-Type`."""
        return f"{self.media_type}; charset=utf-8"

    @property
    def text(self) -> str:
        """What the file holds; read once."""
        return _text(self.file)


PAGE = Part(_HERE / "page.html", HTML)
ASSETS = {
    "page.js": Part(_HERE / "page.js", JAVASCRIPT),
    "swagger-ui.css": Part(_SWAGGER_UI / "swagger-ui.min.css", CSS),
    "swagger-ui.js": Part(_SWAGGER_UI / "swagger-ui-bundle.min.js", JAVASCRIPT),
}


@cache
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")

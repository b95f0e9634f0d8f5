"""Reads the files that the service serves: the OpenAPI document, the page with Swagger UI, and the web app.

Powertools ships Swagger UI in the layer, so the page needs no other server.
"""

import json
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from gateway.domain.api_document import ApiDocument

HTML = "text/html"
JAVASCRIPT = "text/javascript"
CSS = "text/css"
SVG = "image/svg+xml"

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


_MEDIA_TYPES = {".js": JAVASCRIPT, ".css": CSS, ".svg": SVG}
_SHARED_FOLDERS = ("vendor", "common")


class WebApp:
    """The files of the web app: a folder for each page, and folders that pages share."""

    def __init__(self, folder: Path = _PACKAGE / "web") -> None:
        self._folder = folder

    @cached_property
    def files(self) -> dict[tuple[str, str], WebFile]:
        """The files that a page may load, by their folder and name."""
        return {
            (file.parent.name, file.name): WebFile(file, _MEDIA_TYPES[file.suffix])
            for file in sorted(self._folder.glob("*/*"))
            if file.suffix in _MEDIA_TYPES
        }

    @cached_property
    def release(self) -> str:
        """A name for this content of all files: another content has another name."""
        digest = sha256()
        for (folder, name), file in self.files.items():
            digest.update(f"{folder}/{name}\0{file.text}\0".encode())
        return digest.hexdigest()[:16]

    def page(self, name: str) -> str:
        """The page's HTML, with placeholders for `domain.filled_page`."""
        return _text(self._folder / name / "page.html")

    def parts(self, page: str) -> list[str]:
        """The paths of the scripts and style sheets of a page: shared ones first, the page's own last."""
        return [
            f"{folder}/{name}"
            for part in (*_SHARED_FOLDERS, page)
            for (folder, name), file in self.files.items()
            if folder == part and file.media_type != SVG
        ]


def read_api_document() -> ApiDocument:
    """The committed OpenAPI document."""
    return ApiDocument(json.loads((_PACKAGE / "openapi.json").read_bytes()))


@cache
def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")

"""The web app's pages: the settings in them, and the policy that says what a browser may load."""

import json
from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import urlsplit

from shared.record import Record


class PageSettings(Record):
    """What every reader of a page may know of the stack. `None` and empty texts say that it has no such thing."""

    stage: str
    cognito_url: str
    """Where browsers call Cognito."""
    user_pool_client: str
    admin_client: str
    live_url: str
    """The address of the WebSocket API (`wss:` or `ws:`)."""
    countries: list[str]
    """ISO 3166-1 alpha-2 codes of the countries that parcels are sent to."""
    has_test_cards: bool
    """Whether the sandbox takes the payments, with its test cards."""


def live_url(url: str) -> str:
    """The WebSocket's address for the API at `url` (`https:` or `http:`)."""
    return url.replace("http", "ws", 1)


def content_security_policy(settings: PageSettings, file_origins: Iterable[str]) -> str:
    """The header `Content-Security-Policy` of a page.

    The page loads its own scripts and styles, and nothing inline. It calls its own API, Cognito and the WebSocket.
    It loads pictures from `file_origins`, and may upload some there.
    """
    files = sorted({_origin(url) for url in file_origins})
    called = sorted({_origin(settings.cognito_url), _origin(settings.live_url), *files})
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: blob: {' '.join(files)}",
            f"connect-src 'self' {' '.join(called)}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def filled_page(html: str, *, settings: PageSettings, release: str, parts: Sequence[str]) -> str:
    """The page `html` with its settings, and with links to its scripts and style sheets.

    `parts` are paths below the release, in the order in which style sheets count. Browsers so ask for all of them at
    once, and not for one module after another.
    """
    links = [
        f'<link rel="stylesheet" href="{path}">'
        if path.endswith(".css")
        else f'<link rel="modulepreload" href="{path}">'
        for path in (f"web/{release}/{part}" for part in parts)
    ]
    values = {
        "settings": escape(json.dumps(settings.model_dump(), separators=(",", ":"))),
        "release": release,
        "parts": "\n    ".join(links),
    }
    for name, value in values.items():
        html = html.replace("{{" + name + "}}", value)
    return html


def _origin(url: str) -> str:
    """Scheme, host and port of an absolute URL."""
    parsed = urlsplit(url)
    return f"{parsed.scheme}://{parsed.netloc}"

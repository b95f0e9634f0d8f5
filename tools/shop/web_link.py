"""Links into the web app that sign a made-up person in, for people who look at the embedded cloud."""

import webbrowser

from tools.api import refresh_token
from tools.stack import Stack


def page_url(stack: Stack, page: str) -> str:
    """The address of a page of the web app: `shop`."""
    return f"{stack.api_url}/{page}"


def signed_in_link(stack: Stack, page: str, email: str, password: str, *, client: str) -> str:
    """The same, which also signs in as that account; for the embedded cloud, since a page elsewhere ignores it.

    The link holds a refresh token in the fragment, which browsers send to no server. The page takes it out at once.
    Raises as `refresh_token`.
    """
    return f"{page_url(stack, page)}#session={refresh_token(stack, email, password, client=client)}"


def open_in_browser(url: str) -> bool:
    """Opens `url` in the person's own browser; returns False if there is none."""
    return webbrowser.open(url)

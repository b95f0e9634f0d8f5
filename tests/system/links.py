"""Follows the links of an answer, as a client does: relative to the URL of the answer (RFC 3986, section 5)."""

from urllib.parse import urljoin

import requests


def target(answer: requests.Response, link: str) -> str:
    """The URL that a link in the answer leads to."""
    return urljoin(answer.url, link)


def location(answer: requests.Response) -> str:
    """The URL that the header `Location` of the answer leads to."""
    return target(answer, answer.headers["Location"])

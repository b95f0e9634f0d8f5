"""Wires the service's function, once per execution environment."""

from functools import cache

from gateway.adapters import read_api_document
from gateway.domain.api_document import ApiDocument
from shared.environment import LambdaEnvironment


class Environment(LambdaEnvironment):
    """The version of the system and its stage; `revision` is empty if the deployment named no commit."""

    stage: str
    version: str
    revision: str = ""


@cache
def environment() -> Environment:
    """The environment, read once."""
    return Environment.load()


@cache
def api_document() -> ApiDocument:
    """The OpenAPI document, read and parsed when a request first needs it."""
    return read_api_document()

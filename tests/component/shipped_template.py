"""The template as it is shipped, for tests that make its tables."""

from functools import cache

from tests.faults.template import Template


@cache
def template() -> Template:
    """The template; reading it takes a second, so it is read once."""
    return Template()

"""The Lambda functions, one thin module each, and the parts of the API."""

import shared  # noqa: F401 - before all else: it puts garbage collection off until a function has started

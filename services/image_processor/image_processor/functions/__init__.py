"""The Lambda functions, one thin module each."""

import shared  # noqa: F401 - before all else: it puts garbage collection off until a function has started

"""What Lambda runs: one thin module a function."""

import shared  # noqa: F401 - before all else: it puts garbage collection off until a function has started

"""The tables and the payment provider: the only code that knows a key, or sends a request."""

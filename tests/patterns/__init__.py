"""Patterns taken away: what happens in the running shop without each of them (`make break`)."""

"""Access to the returns table; nothing else names a key or an index of it."""

"""Access to the inventory table; nothing else names a key or an index of it."""

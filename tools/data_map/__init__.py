"""The map of all personal data: which kinds stand where, how long, and what becomes of them with the account."""

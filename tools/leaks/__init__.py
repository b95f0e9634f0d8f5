"""Searches a whole stack for personal data and secrets that are not where the data map allows them."""

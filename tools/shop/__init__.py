"""The shop as its customers use it: demo, seed, live updates, and the audit of its records."""

"""Shows a change while one works on it: `make dev`, `make sync` and `make debug`."""

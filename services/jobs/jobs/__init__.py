"""The jobs service: work that takes longer than a request, its progress and what came of it."""

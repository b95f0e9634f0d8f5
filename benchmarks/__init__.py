"""What is measured, and how: see README.md."""

import tools  # noqa: F401 - makes the services' packages importable

"""What is measured, and how: see README.md."""

import local  # noqa: F401 - makes the services' packages importable

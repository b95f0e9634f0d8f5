"""What is measured, and how: see README.md."""

import tools  # noqa: F401 - makes the packages of the services importable

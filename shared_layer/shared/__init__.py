"""The platform that every service shares; it has no business rule."""

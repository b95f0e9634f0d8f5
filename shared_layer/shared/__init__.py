"""What every service shares: the platform around a service, and no business rule."""

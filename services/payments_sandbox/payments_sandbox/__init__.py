"""The sandbox payment provider: a stack calls it if no real provider is configured. Shaped like Stripe's API."""

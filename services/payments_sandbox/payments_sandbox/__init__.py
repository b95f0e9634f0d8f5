"""The sandbox payment provider: what a stack calls where no real one is configured. Shaped like Stripe's API."""

"""Adapters of the cleanup service to its bucket and to the dead-letter queues."""

"""Publishes the outbox of the jobs table: reads its stream, and sends the domain events to the topic."""

from shared.relay import relay_handler

handler = relay_handler("job")

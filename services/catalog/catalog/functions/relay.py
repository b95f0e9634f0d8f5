"""Publishes the outbox of the catalogue table: reads its stream and publishes the events on the topic."""

from shared.relay import relay_handler

handler = relay_handler("product")

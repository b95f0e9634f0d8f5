"""Publishes the outbox of the catalog table: what its stream says was written, as domain events on the topic."""

from shared.relay import relay_handler

handler = relay_handler()

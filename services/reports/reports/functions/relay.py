"""Publishes the reports' outbox: reads the reports table's stream."""

from shared.relay import relay_handler

handler = relay_handler()

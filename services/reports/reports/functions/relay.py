"""Publishes the events in the reports table's outbox, from the table's stream."""

from shared.relay import relay_handler

handler = relay_handler("report")

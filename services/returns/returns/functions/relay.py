"""Publishes the returns table's outbox to the domain-events topic."""

from shared.relay import relay_handler

handler = relay_handler("return")

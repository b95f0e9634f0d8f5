"""The domain events as contracts: their JSON Schemas, their catalogue, and what a change of one would break.

`python -m tools.contracts.events write` renews events/schemas/ and docs/events.md from the services' payload classes;
tests/unit/test_event_contracts.py fails when these are out of date, or break whoever reads a released version.
"""

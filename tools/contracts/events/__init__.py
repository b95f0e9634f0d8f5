"""The domain events as contracts: their JSON Schemas, their catalogue, and the breaking changes of them.

`make events` renews `events/schemas/` and `docs/events.md` from the services' payload classes.
The test `tests/unit/test_event_contracts.py` fails if they are out of date, or break a consumer of a released version.
"""

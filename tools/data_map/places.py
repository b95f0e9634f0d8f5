"""The places of personal data by the marks in the code: `docs/data-map.md` lists them, and `make leaks` allows them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from shared.record import Personal
from tools.contracts.events.contracts import contracts
from tools.data_map.marks import fields_of
from tools.data_map.stores import OTHERS, PSEUDONYMOUS, TABLES, Store
from tools.services import Stay

# An account without a usable name gets the first part of its mail address as the name.
_VALUES_OF = {Personal.NAME: {Personal.NAME.value, Personal.MAIL_ADDRESS.value}}
_USERS = "users"
_QUEUE = "queue "


@dataclass(frozen=True)
class Place:
    """A place that may hold values of a kind: the attribute `path` of a store."""

    store: str
    path: str
    kind: Personal
    stay: Stay


@cache
def places() -> tuple[Place, ...]:
    """The places in tables and elsewhere; the events in outboxes and queues are apart, in `event_fields`."""
    return tuple(place for store in (*TABLES, *OTHERS) for place in _places_of(store))


@cache
def event_fields() -> dict[tuple[str, str], Personal]:
    """The kind of each personal field of an event, by the event's type and the field's path in it."""
    found = {}
    for contract in contracts():
        event_type = contract.event_type
        # A cause is the id of another event, and an event about a user has their id in its own.
        found[event_type, "causation_id"] = Personal.ACCOUNT_ID
        if contract.service == _USERS:
            found |= {(event_type, path): Personal.ACCOUNT_ID for path in ("aggregate_id", "event_id")}
        marked = [(path, kind) for path, kind in fields_of(contract.payload) if kind]
        found |= {(event_type, f"data.{path}"): kind for path, kind in marked}
    return found


def is_allowed(store: str, path: str, kind: str, *, event_type: str = "", closed: bool = False) -> bool:
    """Whether `store` may hold a value of the kind at `path`, of the event `event_type` if it is within one.

    With `closed`, the value's account is closed, and each service has erased its copies.
    """
    if kind == Personal.ACCOUNT_ID.value and store.split(maxsplit=1)[0] in PSEUDONYMOUS:
        return True
    if event_type:
        found = event_fields().get((event_type, path))
        if found is None:
            return False
        is_kind = kind in _VALUES_OF.get(found, {found.value})
        return is_kind and _carries(store, event_type, found, closed=closed)
    return any(
        (place.store, place.path) == (store, path)
        and kind in _VALUES_OF.get(place.kind, {place.kind.value})
        and (not closed or bool(place.stay.outlives_account))
        for place in places()
    )


def _carries(store: str, event_type: str, kind: Personal, *, closed: bool) -> bool:
    """Whether the store carries events of that type: in an outbox, or as messages, which expire by themselves."""
    if store.startswith(_QUEUE):
        return True
    return any(
        table.name == store
        and table.publishes == _publishers()[event_type]
        and (not closed or _outlives(table, kind))
        for table in TABLES
    )


@cache
def _publishers() -> dict[str, str]:
    return {contract.event_type: contract.service for contract in contracts()}


def _outlives(table: Store, kind: Personal) -> bool:
    return kind in table.stays and bool(table.stays[kind].outlives_account)


def _places_of(store: Store) -> Iterator[Place]:
    found = {path: kind for holds in store.holds for path, kind in fields_of(holds) if kind}
    for path, kind in {**found, **store.also}.items():
        yield Place(store.name, path, kind, store.stays[kind])

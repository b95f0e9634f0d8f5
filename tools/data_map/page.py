"""docs/data-map.md: all places of personal data and secrets, how long they stay there, and what becomes of them."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from shared.record import Personal
from tools.contracts.events.contracts import contracts
from tools.contracts.template import resources, subscriptions, template
from tools.data_map.places import Place, event_fields, places
from tools.data_map.stores import ABSENT, OTHERS, PSEUDONYMOUS, TABLES
from tools.services import Stay
from tools.settings import REPOSITORY

PAGE = REPOSITORY / "docs" / "data-map.md"

_DAY = 86_400
_QUEUE_DAYS, _MOST_QUEUE_DAYS = 4, 14

_HEAD = """\
# Where personal data are

`make data-map` makes this page from the marks in the code: `Personal.NAME` at a field says
that its values are names. A test fails if the page is out of date, or if a field that sounds personal has no mark.
`make leaks` searches the embedded cloud for values outside of these places. So does each run of all system tests.

`DELETE /users/{user_id}` closes an account. On `user.deleted` each service erases its copies. If a consumer fails, a
dead letter stays, and the alarm of dead letters rings. The account's id stays for accounting. It is random, and
without the account it leads to nobody.
"""

_COPIES = """\
## Copies of the tables

| Copy | Kept for |
|---|---|
| a table's stream: each item before and after its change | 24 hours |
| a table's backups (point-in-time recovery) | 35 days; after a restore publish each `user.deleted` again |
| an item that has expired | until DynamoDB deletes it, within days |
"""


def page() -> str:
    """The page's text."""
    sections = (_kinds(), _stores(), _events(), _pseudonymous(), [_COPIES], _absent())
    return "\n".join([_HEAD, *("\n".join(section).strip() + "\n" for section in sections)])


def _kinds() -> Iterator[str]:
    yield "## By kind\n"
    yield "| Kind | Where |"
    yield "|---|---|"
    for kind in Personal:
        stores = dict.fromkeys(place.store for place in places() if place.kind is kind)
        carried = ["events"] if kind in event_fields().values() else []
        yield f"| {kind.value} | {', '.join([*stores, *carried])} |"
    yield ""


def _stores() -> Iterator[str]:
    yield "## Tables and other stores\n"
    yield "| Where | Kind | Attributes | Kept until | After the account is closed |"
    yield "|---|---|---|---|---|"
    for (store, kind, stay), found in groupby(sorted(places(), key=_order), key=_group):
        paths = ", ".join(f"`{place.path}`" for place in found)
        after = f"stays: {stay.outlives_account}" if stay.outlives_account else "is erased"
        yield f"| {store} | {kind.value} | {paths} | {stay.until} | {after} |"
    yield ""
    publishers = ", ".join(store.name for store in TABLES if store.publishes)
    yield "Until its next change, an item also carries the events of its last one, in `outbox`. So the tables of"
    yield f"services that publish hold the personal fields of their events, too: {publishers}."


def _order(place: Place) -> tuple[int, int]:
    names = [store.name for store in (*TABLES, *OTHERS)]
    return names.index(place.store), list(Personal).index(place.kind)


def _group(place: Place) -> tuple[str, Personal, Stay]:
    return place.store, place.kind, place.stay


def _events() -> Iterator[str]:
    yield "## Events\n"
    yield "The topic keeps nothing: it delivers an event to the queue of each reader. The archive stores no event about"
    yield "users. It stores all others without these fields, and without a cause that names a user. Version 1 of"
    yield "`order.placed`, which release 0.5.0 dropped, also has the postal address and the payment token.\n"
    yield "| Event | Fields | Read by |"
    yield "|---|---|---|"
    readers = subscriptions(contract.event_type for contract in contracts())
    for contract in contracts():
        marked = {
            path: kind
            for (event_type, path), kind in event_fields().items()
            if event_type == contract.event_type and path.startswith("data.")
        }
        if marked:
            shown = ", ".join(f"`{path}` ({kind.value})" for path, kind in marked.items())
            read_by = ", ".join(f"`{reader}`" for reader in readers.get(contract.event_type, []))
            yield f"| `{contract.name}` | {shown} | {read_by} |"
    yield ""
    yield f"A message waits {_QUEUE_DAYS} days at most. {_dead_letters()}\n"


def _dead_letters() -> str:
    kept = {
        name: int(resource["Properties"].get("MessageRetentionPeriod", _QUEUE_DAYS * _DAY)) // _DAY
        for name, resource in resources().items()
        if resource["Type"] == "AWS::SQS::Queue"
    }
    wrong = [
        name
        for name, days in kept.items()
        if days != (_MOST_QUEUE_DAYS if name.endswith("DeadLetterQueue") else _QUEUE_DAYS)
    ]
    if wrong:
        raise ValueError(
            f"these queues keep messages for another time than the page says: {', '.join(wrong)}"
        )
    return f"A dead letter waits {_MOST_QUEUE_DAYS} days."


def _pseudonymous() -> Iterator[str]:
    days: Any = template()["Parameters"]["LogRetentionDays"]["Default"]
    yield "## Places that know an account by its id alone\n"
    yield "| Place | Kept for |"
    yield "|---|---|"
    for name, (place, kept) in PSEUDONYMOUS.items():
        yield f"| {place} | {f'{days} days (`LogRetentionDays`)' if name == 'log' else kept} |"
    yield ""


def _absent() -> Iterator[str]:
    yield "## What no place holds\n"
    yield "| Secret | Why |"
    yield "|---|---|"
    for kind, reason in ABSENT.items():
        yield f"| {kind} | {reason} |"

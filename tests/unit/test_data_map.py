"""The map of all personal data: it is current, and no field is left out of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from importlib import import_module
from itertools import groupby
from pkgutil import iter_modules
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter

from shared.record import PERSONAL, Personal, Record
from tools.contracts.template import resources, subscriptions
from tools.data_map.marks import fields_of
from tools.data_map.page import PAGE, page
from tools.data_map.places import event_fields, is_allowed, places
from tools.data_map.stores import TABLES
from tools.services import PersonalData, Stay, camel, services
from tools.settings import REPOSITORY
from tools.shop import canaries

SOUNDS_PERSONAL = re.compile(
    r"(^|_)((customer|user|admin)_id|(requested|recorded)_by|e?mail|phone|name|street|line\d|city|postal_code|birth\w*"
    r"|locale|(payment|card|access|refresh|id)_token|password|ip|source_ip|payment_method)$"
)
# Names of products, pictures and files, not of people.
OTHER_NAMES = {"catalog", "cleanup", "image_processor", "reports"}
NOT_PERSONAL = {("notifications", "greeting_without_name")}


class Reader(BaseModel):
    """A pydantic model with marks."""

    name: Annotated[str, Personal.NAME]
    age: int


class Parcel(Record):
    """A record with marks, and parts that have some of their own."""

    city: Annotated[str | None, Personal.POSTAL_ADDRESS] = None
    readers: list[Reader]
    weights: dict[str, Annotated[int, Personal.DIGEST]]


@dataclass(frozen=True)
class Plain:
    """A plain dataclass with a mark."""

    parcel: Parcel
    owner: Annotated[str, Personal.ACCOUNT_ID]


def domain_classes() -> Iterator[tuple[str, Any]]:
    """Each class with fields in the rules of a service, with the service's name."""
    for folder in sorted(path.name for path in (REPOSITORY / "services").iterdir() if path.is_dir()):
        domain = import_module(f"{folder}.domain")
        inner = [found.name for found in iter_modules(getattr(domain, "__path__", []), f"{folder}.domain.")]
        for module in (domain, *map(import_module, inner)):
            for value in vars(module).values():
                has_fields = isinstance(value, type) and (is_dataclass(value) or issubclass(value, BaseModel))
                if has_fields and value.__module__ == module.__name__:
                    yield folder, value


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "`make data-map` renews docs/data-map.md"


def test_every_field_that_sounds_personal_has_a_mark() -> None:
    found = list(domain_classes())
    unmarked = {
        (service, f"{kind.__name__}.{path}")
        for service, kind in found
        for path, mark in fields_of(kind)
        if mark is None and sounds_personal(service, path.rpartition(".")[2])
    }
    assert len(found) > 100
    assert unmarked == set(), "mark each with the kind of its value: Annotated[str, Personal.NAME]"


def sounds_personal(service: str, name: str) -> bool:
    is_other = service in OTHER_NAMES and name == "name"
    return bool(SOUNDS_PERSONAL.search(name)) and not is_other and (service, name) not in NOT_PERSONAL


def test_the_walk_finds_marks_in_records_models_and_dataclasses_at_any_depth() -> None:
    assert dict(fields_of(Plain)) == {
        "parcel.city": Personal.POSTAL_ADDRESS,
        "parcel.readers.[].name": Personal.NAME,
        "parcel.readers.[].age": None,
        "parcel.weights.*": Personal.DIGEST,
        "owner": Personal.ACCOUNT_ID,
    }


def test_schemas_show_the_mark() -> None:
    shown = TypeAdapter(Parcel).json_schema()
    assert shown["properties"]["city"].items() >= PERSONAL.items()
    assert shown["$defs"]["Reader"]["properties"]["name"].items() >= PERSONAL.items()
    assert not shown["$defs"]["Reader"]["properties"]["age"].items() & PERSONAL.items()


def test_each_table_of_the_map_exists_and_says_how_long_each_of_its_kinds_stays() -> None:
    names = {name for name, found in resources().items() if found["Type"] == "AWS::DynamoDB::Table"}
    assert {table.name for table in TABLES} <= names
    for table in TABLES:
        assert {place.kind for place in places() if place.store == table.name} == set(table.stays), table.name


def test_a_canary_is_of_a_kind_that_the_map_knows() -> None:
    kinds = {canaries.NAME, canaries.MAIL_ADDRESS, canaries.POSTAL_ADDRESS, canaries.PASSWORD}
    assert kinds <= {kind.value for kind in Personal}


def test_a_place_allows_its_own_kind_alone() -> None:
    assert is_allowed("UsersTable", "name", "name")
    assert not is_allowed("UsersTable", "email", "name")
    # The name may be the first part of the address.
    assert is_allowed("UsersTable", "name", "mail address")
    assert not is_allowed("PaymentsTable", "name", "name")


def test_what_is_erased_with_the_account_is_allowed_no_more_once_it_is_closed() -> None:
    assert not is_allowed("OrdersTable", "shipping_address.city", "postal address", closed=True)
    assert is_allowed("OrdersTable", "customer_id", "account id", closed=True)


def test_an_event_is_allowed_in_its_publishers_outbox_and_in_queues_and_not_in_the_archive() -> None:
    def carries(store: str, *, closed: bool = False) -> bool:
        event = {"path": "data.email", "kind": "mail address", "event_type": "user.changed"}
        return is_allowed(store, **event, closed=closed)

    assert event_fields()["user.changed", "data.email"] is Personal.MAIL_ADDRESS
    assert carries("UsersTable")
    assert not carries("UsersTable", closed=True)
    assert carries("queue NotificationsRecordAddressesQueue", closed=True)
    assert not carries("ArchiveTable")
    assert not carries("OrdersTable")
    assert not is_allowed("UsersTable", "data.email", "mail address", event_type="user.deleted")


def test_logs_executions_and_queues_know_an_account_by_its_id_alone() -> None:
    assert is_allowed("log OrdersLogGroup", "customer_id", "account id")
    assert is_allowed("executions of OrderCancellation", "input.order.customer_id", "account id")
    assert not is_allowed("metrics", "Dimensions.customer", "account id")
    assert not is_allowed("log UsersLogGroup", "email", "mail address")


def test_a_service_that_stores_marked_values_declares_them() -> None:
    tables = {name for name, found in resources().items() if found["Type"] == "AWS::DynamoDB::Table"}
    silent = {
        service: sorted({path for _, kind in found for path, mark in fields_of(kind) if mark})
        for service, found in groupby(stored_classes(), key=lambda entry: entry[0])
        if any(table.startswith(camel(service)) for table in tables) and not services()[service].personal_data
    }
    wrong = {service: paths for service, paths in silent.items() if paths}
    assert wrong == {}, (
        "these fields are marked as personal. Write `[personal_data.<Table>]` into services/<name>/service.toml, as "
        "services/shipping has it; then run `make data-map`"
    )


def stored_classes() -> Iterator[tuple[str, Any]]:
    """The classes of each service's rules, without its events, which the map lists by themselves."""
    return (entry for entry in domain_classes() if not entry[1].__module__.endswith(".events"))


def test_a_service_that_keeps_personal_data_obeys_user_deleted() -> None:
    obeying = {reader.partition(".")[0] for reader in subscriptions([]).get("user.deleted", [])}
    assert (
        disobedient({service: manifest.personal_data for service, manifest in services().items()}, obeying)
        == []
    )


def disobedient(kept: Mapping[str, Mapping[str, PersonalData]], obeying: set[str]) -> list[str]:
    """What each service has to change that keeps values for no longer than an account, and reads no `user.deleted`."""
    return [
        f"{service} keeps {kind.value} of {table} until {stay.until!r}, and no consumer of it reads `user.deleted`. "
        f"Run `make new-consumer SERVICE={service} NAME=erase EVENTS=user.deleted`, and erase it there. Or write "
        f"`outlives_account` with the reason into services/{service}/service.toml."
        for service, tables in kept.items()
        for table, data in tables.items()
        for kind, stay in data.stays.items()
        if service not in obeying and not stay.outlives_account
    ]


def test_a_service_that_does_not_obey_is_told_what_to_do() -> None:
    returns = {"ReturnsTable": PersonalData(stays={Personal.NAME: Stay(until="the account is closed")})}
    [advice] = disobedient({"returns": returns}, {"orders"})
    assert "make new-consumer SERVICE=returns NAME=erase EVENTS=user.deleted" in advice
    assert disobedient({"returns": returns}, {"orders", "returns"}) == []
    stays = {Personal.ACCOUNT_ID: Stay(until="permanently", outlives_account="Accounting keeps it.")}
    assert disobedient({"returns": {"ReturnsTable": PersonalData(stays=stays)}}, set()) == []

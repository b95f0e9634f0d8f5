"""The search for leaks finds each kind of value in each kind of place, and never shows it."""

import gzip
import io
import json
import zipfile
from typing import Any
from uuid import uuid4

import pytest

from tools.data_map.places import is_allowed
from tools.leaks.search import Finding, findings, misdirected, overdue, unsearchable
from tools.leaks.sources import Piece, contents, metrics_in
from tools.shop.canaries import (
    MAIL_ADDRESS,
    NAME,
    PASSWORD,
    POSTAL_ADDRESS,
    canary,
    has_canary,
    kind_of,
    made,
)
from tools.shop.client import Customer, Session, address, made_up_address, made_up_name

ACCOUNT = str(uuid4())
ACCOUNTS = frozenset({ACCOUNT})


def piece(store: str, value: Any) -> Piece:
    text = value if isinstance(value, str) else json.dumps(value)
    return Piece(store, text, lambda: value)


def found(store: str, value: Any, *, closed: bool = False) -> list[tuple[str, str]]:
    """The kind and the path of each finding."""
    return [
        (finding.kind, finding.path)
        for finding in sorted(findings([piece(store, value)], ACCOUNTS, closed=closed))
    ]


def event(event_type: str, **data: Any) -> str:
    aggregate_id = ACCOUNT if event_type.startswith("user.") else "ord_1"
    return json.dumps({"event_type": event_type, "aggregate_id": aggregate_id, "data": data})


def shown(given: Any) -> str:
    """A parameter in the name of a test, which is the same in each process."""
    return given if isinstance(given, str) and not has_canary(given) else "value"


TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"
LINK = "https://bucket.s3.amazonaws.com/a.csv?X-Amz-Expires=900&X-Amz-Signature=0f1e2d3c4b5a"


@pytest.mark.parametrize(
    ("store", "value", "kind", "path"),
    [
        ("log UsersLogGroup", {"message": f"hello {made_up_name('Ada')}"}, NAME, "message"),
        (
            "log OrdersLogGroup",
            json.dumps({"order": {"city": address()["city"]}}),
            POSTAL_ADDRESS,
            "order.city",
        ),
        ("log OrdersLogGroup", f"START {address()['postal_code']}", POSTAL_ADDRESS, ""),
        (
            "log ApiAccessLogs",
            {"path": f"/users?email={canary(MAIL_ADDRESS)}%40example.com"},
            MAIL_ADDRESS,
            "path",
        ),
        ("log UsersLogGroup", {"body": f"Aa1-{canary(PASSWORD)}"}, PASSWORD, "body"),
        ("AuditTrailTable", {"customer_id": "jane@example.com"}, MAIL_ADDRESS, "customer_id"),
        ("log ApiAccessLogs", {"path": "/users?email=jane%40example.com"}, MAIL_ADDRESS, "path"),
        ("log LiveLogGroup", {"protocols": ["live", TOKEN]}, "signed token", "protocols.[]"),
        ("log JobsLogGroup", {"link": LINK}, "signed link", "link"),
        (
            "executions of OrderSaga",
            {"input": '{"payment_token": "pm_card_visa"}'},
            "payment token",
            "input.payment_token",
        ),
        (
            "executions of Cleanup",
            [{"taskFailedEventDetails": {"cause": canary(NAME)}}],
            NAME,
            "[].taskFailedEventDetails.cause",
        ),
        ("metrics", {"Dimensions": {"customer": ACCOUNT}}, "account id", "Dimensions.customer"),
        ("metrics", {"Dimensions": {canary(NAME): "1"}}, NAME, "Dimensions (a name)"),
        (
            "ArchiveTable",
            {"event_type": "order.placed", "data": {"customer_id": ACCOUNT}},
            "account id",
            "order.placed data.customer_id",
        ),
        (
            "queue OrdersEraseQueue",
            {"Body": event("user.deleted", name=canary(NAME))},
            NAME,
            "user.deleted data.name",
        ),
        (
            "OrdersTable",
            {"outbox": [event("order.placed", city=canary(POSTAL_ADDRESS))]},
            POSTAL_ADDRESS,
            "order.placed data.city",
        ),
        ("bucket ReportsBucket", {"key": f"reports/{canary(NAME)}.html"}, NAME, "key"),
        ("mails", {"Subject": canary(NAME)}, NAME, "Subject"),
        ("secrets", canary(PASSWORD), PASSWORD, ""),
        ("PaymentsTable", {"token": "pm_sandbox_flaky"}, "payment token", "token"),
    ],
    ids=shown,
)
def test_a_value_out_of_place_is_found(store: str, value: Any, kind: str, path: str) -> None:
    assert found(store, value) == [(kind, path)]


@pytest.mark.parametrize(
    ("store", "value"),
    [
        (
            "OrdersTable",
            {"shipping_address": address(), "customer_id": ACCOUNT, "payment_token": "pm_card_visa"},
        ),
        ("UsersTable", {"outbox": [event("user.changed", email=canary(MAIL_ADDRESS), name=canary(NAME))]}),
        ("queue NotificationsRecordAddressesQueue", {"Body": event("user.changed", name=canary(NAME))}),
        ("Cognito", {"email": canary(MAIL_ADDRESS), "name": canary(NAME), "sub": ACCOUNT}),
        ("log OrdersLogGroup", {"customer_id": ACCOUNT}),
        ("log OrdersLogGroup", {"request_id": str(uuid4()), "message": "an order was placed"}),
    ],
    ids=shown,
)
def test_a_value_in_its_place_is_no_finding(store: str, value: Any) -> None:
    assert found(store, value) == []


def test_what_is_left_of_a_closed_account_is_found() -> None:
    order = {"shipping_address": {"name": canary(NAME)}, "customer_id": ACCOUNT}
    assert found("OrdersTable", order) == []
    assert found("OrdersTable", order, closed=True) == [(NAME, "shipping_address.name")]
    outbox = {"outbox": [event("user.changed", name=canary(NAME))]}
    assert found("UsersTable", outbox, closed=True) == [
        (NAME, "user.changed data.name"),
    ]


def test_an_address_that_no_test_made_up_may_stay_where_the_map_has_it_since_its_account_may_be_open() -> (
    None
):
    assert found("UsersTable", {"email": "jane@example.com"}, closed=True) == []
    assert found("OrdersTable", {"note": "jane@example.com"}, closed=True) == [(MAIL_ADDRESS, "note")]


def test_a_finding_names_the_test_and_never_the_value() -> None:
    word = canary(NAME)
    [finding] = findings([piece("log UsersLogGroup", word)], ACCOUNTS, origins=made())
    assert word not in str(finding)
    assert finding.origin.endswith("test_a_finding_names_the_test_and_never_the_value")
    assert finding.origin in str(finding)


def test_a_mail_with_the_name_of_another_is_found() -> None:
    ada, grace = ({"name": canary(NAME), "email": canary(MAIL_ADDRESS)} for _ in range(2))
    known = [piece("UsersTable", ada), piece("NotificationsTable", grace)]

    def mail(name: str) -> Piece:
        body = {"BodyText": f"Hello {name},", "BodyHtml": ""}
        return piece("mails", {"To": [ada["email"]], "Subject": "Your order", **body})

    assert misdirected([*known, mail(ada["name"])]) == set()
    assert [finding.kind for finding in misdirected([*known, mail(grace["name"])])] == ["name of another"]
    # Of an address that is erased nobody knows whose it was.
    assert misdirected([known[1], mail(grace["name"])]) == set()


def test_a_made_up_person_without_a_canary_cannot_be_searched_for() -> None:
    email = made_up_address("system-test", "Ada")
    item = {"pk": ACCOUNT, "name": "Ada King", "email": email}
    assert unsearchable([piece("UsersTable", item)], "system-test.") == {"UsersTable: name"}
    assert unsearchable([piece("UsersTable", item | {"name": made_up_name("Ada")})], "system-test.") == set()
    assert unsearchable([piece("UsersTable", item | {"email": "ada@example.com"})], "system-test.") == set()


def test_a_made_up_address_without_a_canary_cannot_be_searched_for() -> None:
    person = {"pk": ACCOUNT, "name": made_up_name("Ada"), "email": made_up_address("system-test", "Ada")}
    order = {
        "pk": "ord_1",
        "customer_id": ACCOUNT,
        "shipping_address": address() | {"city": "Berlin", "line2": None},
    }
    known = piece("UsersTable", person)
    assert unsearchable([known, piece("OrdersTable", order)], "system-test.") == {
        "OrdersTable: shipping_address.city"
    }
    assert (
        unsearchable([known, piece("OrdersTable", order | {"customer_id": "other"})], "system-test.") == set()
    )


def test_a_decided_order_with_its_payment_token_is_found() -> None:
    order = {"pk": "ord_1", "status": "placed", "payment_token": "pm_card_visa"}
    assert overdue([piece("OrdersTable", order)]) == set()
    assert len(overdue([piece("OrdersTable", order | {"status": "confirmed"})])) == 1


def test_a_value_that_no_part_shows_is_found_as_well() -> None:
    hidden = Piece("OrdersTable", f'{{"city": "{canary(POSTAL_ADDRESS)}"}}', dict)
    assert [finding.path for finding in findings([hidden], ACCOUNTS)] == ["an unknown place"]


def test_packed_content_is_searched() -> None:
    word, packed = canary(NAME), io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("orders.csv", gzip.compress(f"name\n{word}".encode()))
    assert word.encode() not in packed.getvalue()
    assert any(word in text for text in contents(packed.getvalue()))


def test_a_dimension_of_a_logged_metric_is_searched() -> None:
    line = {
        "_aws": {"CloudWatchMetrics": [{"Metrics": [{"Name": "Orders"}], "Dimensions": [["customer"]]}]},
        "customer": ACCOUNT,
        "order": "1",
    }
    [metric] = metrics_in(json.dumps(line))
    assert found(metric.store, metric.parsed()) == [("account id", "Dimensions.customer")]
    assert list(metrics_in("START RequestId")) == []


def test_each_made_up_person_has_values_of_their_own_that_the_search_finds() -> None:
    one, other = address(customer_id=str(uuid4())), address(customer_id=str(uuid4()))
    assert {name for name in one if one[name] == other[name]} == {"country"}
    assert all(has_canary(value) for name, value in one.items() if name != "country")
    assert kind_of(one["city"]) == POSTAL_ADDRESS
    assert made_up_name("Ada") != made_up_name("Ada")


def test_an_address_stays_the_same_for_a_customer_so_that_an_order_can_be_repeated() -> None:
    ada = Customer(str(uuid4()), "", "", Session())
    assert address("DE", ada.user_id) == address("DE", ada.user_id)


def test_no_place_allows_what_no_place_holds() -> None:
    for kind in (PASSWORD, "signed token", "signed link"):
        assert not is_allowed("UsersTable", "email", kind)
    assert str(Finding("UsersTable", "", PASSWORD, "0f", "")) == "password in UsersTable, at the top (0f)"


@pytest.mark.parametrize(
    ("store", "value"),
    [
        ("log NotificationsLogGroup", {"message_id": "0102018f-1@email.amazonses.com"}),
        ("mails", {"Source": "orders@shop.example"}),
        ("log OrdersLogGroup", {"message": "2 @ 7.90 EUR, a@b"}),
    ],
)
def test_what_only_looks_like_a_persons_address_is_none(store: str, value: dict[str, str]) -> None:
    assert found(store, value) == []

"""An admin's access to a person's data leaves a line, and nothing happens without it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayRestResolver

from shared.access import Access, Whose
from shared.api import UndeclaredAccess, api_handler, api_resolver, contract
from shared.audit_trail import record_access, require_owner
from tests.component.audit_trail import lines, make_audit_trail
from tests.component.rest_events import CORRELATION_ID, claims_of, json_body, rest_event

ADA, OLGA = claims_of("ada"), claims_of("olga", "olga@example.com", groups="admin")
NOTES = {"note-1": {"owner": "ada", "text": "Buy tea"}}

type Call = Callable[..., dict[str, Any]]


def _app() -> APIGatewayRestResolver:
    app = api_resolver()

    @app.get("/notes/<note_id>", **contract(Access.OWNER, tag="test"))
    def read_note(note_id: str) -> dict[str, Any]:
        return require_owner(app, NOTES.get(note_id), lambda note: note["owner"])

    @app.get("/people", **contract(Access.ADMIN, tag="test", whose=Whose.LISTED))
    def list_people(number: int) -> dict[str, Any]:
        record_access(app, {f"person-{each}": [f"note-{each}"] for each in range(number)})
        return {"people": number}

    return app


@pytest.fixture
def call(aws: None, lambda_context: Any) -> Call:
    """A small API of notes. The account has no audit trail yet."""
    handler = api_handler(_app())

    def request(path: str, claims: dict[str, str], **more: Any) -> dict[str, Any]:
        return handler(rest_event("GET", path, claims=claims, **more), lambda_context)

    return request


def test_an_admins_access_leaves_a_line_with_who_whose_what_when_and_from_where(call: Call) -> None:
    make_audit_trail()
    before = datetime.now(UTC)
    assert json_body(call("/notes/note-1", OLGA))["text"] == "Buy tea"

    [line] = lines()
    at = datetime.fromisoformat(line.pop("sk").partition("#")[0])
    assert before - timedelta(milliseconds=1) <= at <= datetime.now(UTC)
    assert (
        timedelta(days=364) < datetime.fromtimestamp(line.pop("expires_at"), UTC) - at <= timedelta(days=365)
    )
    assert line == {
        "pk": "ada",
        "things": ["note-1"],
        "admin_id": "olga",
        "client_id": "AdminUserPoolClient",
        "operation": "read_note",
        "source_ip": "203.0.113.7",
        "correlation_id": CORRELATION_ID,
        "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    }


def test_each_access_leaves_a_line_of_its_own(call: Call) -> None:
    make_audit_trail()
    for _ in range(3):
        call("/notes/note-1", OLGA)
    assert [line["pk"] for line in lines()] == ["ada"] * 3


def test_an_owner_is_answered_without_the_audit_trail(call: Call) -> None:
    assert json_body(call("/notes/note-1", ADA))["text"] == "Buy tea"


def test_an_admins_own_data_need_no_line(call: Call) -> None:
    assert call("/notes/note-1", claims_of("ada", groups="admin"))["statusCode"] == 200


def test_nothing_is_shown_to_an_admin_without_the_line(
    call: Call, logged: Callable[[str], list[dict[str, Any]]]
) -> None:
    answer = call("/notes/note-1", OLGA)

    assert answer["statusCode"] == 503
    assert json_body(answer)["type"].endswith("/temporarily-unavailable")
    assert "tea" not in answer["body"]
    [line] = logged("request failed for now")
    assert line["error"] == "AccessNotRecorded"
    assert "ResourceNotFoundException" in line["reason"]


@pytest.mark.parametrize(
    ("path", "claims"), [("/notes/note-2", OLGA), ("/notes/note-1", claims_of("mallory"))]
)
def test_a_refused_access_leaves_no_line(call: Call, path: str, claims: dict[str, str]) -> None:
    make_audit_trail()
    assert call(path, claims)["statusCode"] == 404
    assert lines() == []


@pytest.mark.parametrize("number", [0, 1, 100, 101, 400])
def test_a_list_leaves_a_line_for_each_person_in_it(call: Call, number: int) -> None:
    make_audit_trail()
    assert json_body(call("/people", OLGA, query={"number": str(number)})) == {"people": number}
    assert {(line["pk"], *line["things"]) for line in lines()} == {
        (f"person-{each}", f"note-{each}") for each in range(number)
    }


def test_a_route_for_admins_that_does_not_say_whose_data_it_reaches_cannot_be_declared() -> None:
    with pytest.raises(UndeclaredAccess, match="whose"):
        contract(Access.ADMIN, tag="test")


@pytest.mark.parametrize(
    ("options", "audited"),
    [
        ({"access": Access.OWNER}, "owner"),
        ({"access": Access.ADMIN, "whose": Whose.EVERYBODY}, "everybody"),
        ({"access": Access.SIGNED_IN, "whose": Whose.OWNER}, "owner"),
        ({"access": Access.ADMIN, "whose": Whose.SHOP}, None),
        ({"access": Access.SIGNED_IN}, None),
    ],
)
def test_the_document_says_whose_data_an_admin_reaches(options: dict[str, Any], audited: str | None) -> None:
    assert contract(**options, tag="test")["openapi_extensions"].get("x-audited") == audited

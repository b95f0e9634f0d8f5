"""The users API: sign-up, and reading, changing, exporting and closing profiles.

`me` stands for the caller's own id.
"""

from http import HTTPStatus
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import ValidationError

from shared.access import Access, Whose, caller_of
from shared.api import api_handler, api_resolver, contract
from shared.audit_trail import record_access, require_owner
from shared.clock import timestamp, utc_now
from shared.cursor import InvalidCursor, decode_cursor, encode_cursor
from shared.errors import NotFound, PreconditionFailed, Problem
from shared.etag import etag_of, expected_version_if_any, require_change
from shared.links import link_to
from shared.parameters import IfMatch, IfNoneMatch, PageCursor, PageLimit
from users.adapters.accounts import AccountRefused, CodeNotSent, EmailTaken, TooManySignUps, WeakPassword
from users.dependencies import accounts, export_settings, profile_store, sign_ups
from users.domain.profile import EmailAddress, Profile, ProfileChange, ProfilePosition, SignUp, UserId
from users.domain.sign_up_limits import TooManySignUpsFromHere
from users.functions.profile_requests import (
    ConfirmationNotSent,
    change_profile,
    close_profile,
    ensure_own_profile,
    free_abandoned_address,
    register_profile,
    require_few_sign_ups,
    undo_sign_up,
)
from users.functions.views import ExportView, ProfilePage, ProfileView, RecordsLink, SignInView

app = api_resolver()

PathUserId = Annotated[
    UserId, Path(description="A user's id", examples=["0b6d1f3a-52c1-4f0e-8a8e-5f6f3a1c9d27"])
]

_ETAG = {"ETag": "The profile's version, for `If-Match` and `If-None-Match`"}
_ATTACHMENT = {"Content-Disposition": "`attachment`, with a file name"}
_READ: dict[str, Any] = {
    "tag": "users",
    "answers": "The profile",
    "headers": _ETAG,
    "raises": (NotFound,),
    "conditional": True,
}
_CHANGE: dict[str, Any] = {
    "tag": "users",
    "answers": "The changed profile",
    "headers": _ETAG,
    "raises": (NotFound, PreconditionFailed),
}
_EXPORT: dict[str, Any] = {
    "tag": "users",
    "answers": "The user's data, as a file",
    "headers": _ATTACHMENT,
    "raises": (NotFound,),
}


def _closing(access: Access, *raises: type[Problem]) -> dict[str, Any]:
    """The contract of a route that closes an account."""
    return contract(
        access, tag="users", status=HTTPStatus.NO_CONTENT, answers="The account is closed", raises=raises
    )


@app.post(
    "/users",
    **contract(
        Access.ANYONE,
        tag="users",
        status=HTTPStatus.CREATED,
        answers="The new profile",
        headers={"Location": "The link to the profile", **_ETAG},
        raises=(
            EmailTaken,
            WeakPassword,
            AccountRefused,
            TooManySignUpsFromHere,
            TooManySignUps,
            ConfirmationNotSent,
        ),
    ),
)
def sign_up(request: SignUp) -> Response[ProfileView]:
    """Makes an account and its profile. Amazon Cognito mails a confirmation code to the address.

    The shop's welcome follows when the user first reads the profile with a token of the confirmed account.
    """
    require_few_sign_ups(app.current_event.request_context.identity.source_ip or "")
    try:
        user_id = sign_ups().create(request)
    except EmailTaken:
        free_abandoned_address(request.email)
        raise
    except CodeNotSent as failure:
        raise undo_sign_up(request.email, failure) from failure
    profile = register_profile(user_id, email=request.email, name=request.name, locale=request.locale)
    return _answer(profile, HTTPStatus.CREATED, {"Location": link_to(app, "/users/me")})


@app.get("/users", **contract(Access.ADMIN, tag="users", whose=Whose.LISTED, raises=(InvalidCursor,)))
def list_users(
    email: Annotated[
        EmailAddress | None, Query(description="Lists only the user with this address, if there is one")
    ] = None,
    limit: PageLimit = 20,
    cursor: PageCursor = None,
) -> ProfilePage:
    """Lists the users in pages, newest first, or finds the user with an address."""
    if email is not None:
        found = profile_store().of_email(email)
        return _page([found] if found else [], None)
    after = _position_of(cursor) if cursor is not None else None
    profiles, position = profile_store().newest(limit, after)
    return _page(profiles, position)


@app.get("/users/me", **contract(Access.SIGNED_IN, **_READ))
def read_own_profile(if_none_match: IfNoneMatch = None) -> Response[ProfileView]:
    """Reads the caller's profile. If the account has no profile yet, the request makes it."""
    return _read(ensure_own_profile(caller_of(app)), if_none_match)


@app.put("/users/me", **contract(Access.SIGNED_IN, **_CHANGE))
def change_own_profile(change: ProfileChange, if_match: IfMatch = None) -> Response[ProfileView]:
    """Sets the caller's name and language. The caller changes the address in Amazon Cognito, where they sign in."""
    return _change(caller_of(app).user_id, change, if_match)


@app.delete("/users/me", **_closing(Access.SIGNED_IN, PreconditionFailed))
def delete_own_profile(if_match: IfMatch = None) -> Response[str]:
    """Erases the caller permanently: profile, account and every copy. Orders stay, without name and address.

    An order whose parcel has not left is cancelled, and its money goes back.
    """
    return _delete(caller_of(app).user_id, if_match)


@app.get("/users/me/export", **contract(Access.SIGNED_IN, **_EXPORT))
def export_own_data() -> Response[ExportView]:
    """Exports all data about the caller, as a file."""
    return _export(ensure_own_profile(caller_of(app)))


@app.get("/users/<user_id>", **contract(Access.OWNER, **_READ))
def read_profile(user_id: PathUserId, if_none_match: IfNoneMatch = None) -> Response[ProfileView]:
    """Reads a user's profile."""
    return _read(_profile_of(user_id), if_none_match)


@app.put("/users/<user_id>", **contract(Access.OWNER, **_CHANGE))
def change_user(
    user_id: PathUserId, change: ProfileChange, if_match: IfMatch = None
) -> Response[ProfileView]:
    """Sets a user's name and language. The user changes the address in Amazon Cognito, where they sign in."""
    return _change(user_id, change, if_match)


@app.delete("/users/<user_id>", **_closing(Access.OWNER, NotFound, PreconditionFailed))
def delete_user(user_id: PathUserId, if_match: IfMatch = None) -> Response[str]:
    """Erases a user permanently: profile, account and every copy. Orders stay, without name and address.

    An order whose parcel has not left is cancelled, and its money goes back.
    """
    if user_id != caller_of(app).user_id:
        stored = profile_store().find(user_id)
        require_owner(app, stored.user_id if stored else None, lambda owner: owner)
    return _delete(user_id, if_match)


@app.get("/users/<user_id>/export", **contract(Access.OWNER, **_EXPORT))
def export_data(user_id: PathUserId) -> Response[ExportView]:
    """Exports all data about a user, as a file."""
    return _export(_profile_of(user_id))


def _page(profiles: list[Profile], position: ProfilePosition | None) -> ProfilePage:
    record_access(app, {profile.user_id: () for profile in profiles})
    return ProfilePage(
        users=[ProfileView.of(profile) for profile in profiles],
        next=encode_cursor(position.model_dump()) if position else None,
    )


def _read(profile: Profile, if_none_match: str | None) -> Response[ProfileView]:
    require_change(if_none_match, profile.version)
    return _answer(profile)


def _profile_of(user_id: str) -> Profile:
    caller = caller_of(app)
    if user_id == caller.user_id:
        return ensure_own_profile(caller)
    stored = profile_store().find(user_id)
    profile = stored if isinstance(stored, Profile) else None
    return require_owner(app, profile, lambda found: found.user_id)


def _change(user_id: str, change: ProfileChange, if_match: str | None) -> Response[ProfileView]:
    expected = expected_version_if_any(if_match)
    _profile_of(user_id)
    return _answer(change_profile(user_id, change, expected))


def _delete(user_id: str, if_match: str | None) -> Response[str]:
    close_profile(user_id, expected_version_if_any(if_match))
    return Response(status_code=HTTPStatus.NO_CONTENT, body="")


def _export(profile: Profile) -> Response[ExportView]:
    account = accounts().find(profile.user_id)
    exported = ExportView(
        exported_at=timestamp(utc_now()),
        profile=ProfileView.of(profile),
        sign_in=SignInView.of(account, accounts().groups_of(profile.user_id)) if account else None,
        elsewhere=[
            RecordsLink(what=what, href=link_to(app, path)) for path, what in export_settings().lists.items()
        ],
    )
    file_name = f'attachment; filename="cartwright-{profile.user_id}.json"'
    return Response(
        status_code=HTTPStatus.OK,
        content_type=content_types.APPLICATION_JSON,
        body=exported,
        headers={"Content-Disposition": file_name},
    )


def _answer(
    profile: Profile, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response[ProfileView]:
    return Response(
        status_code=status,
        content_type=content_types.APPLICATION_JSON,
        body=ProfileView.of(profile),
        headers={"ETag": etag_of(profile.version), **(headers or {})},
    )


def _position_of(cursor: str) -> ProfilePosition:
    try:
        return ProfilePosition.model_validate(decode_cursor(cursor, fields={"user_id", "registered_at"}))
    except ValidationError as error:
        raise InvalidCursor from error


handler = api_handler(app, calls=["dynamodb"])

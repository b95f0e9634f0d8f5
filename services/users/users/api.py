"""The users API: signing up, and one's own profile."""

from http import HTTPStatus
from typing import Self

from aws_lambda_powertools.event_handler import Response, content_types
from pydantic import BaseModel

from shared.access import Access, Caller, caller_of
from shared.api import api_handler, api_resolver, contract, correlation_id
from shared.clock import utc_now
from shared.errors import Unauthorized
from shared.observability import count, logger
from users.accounts import AccountRefused, EmailTaken, TooManySignUps, WeakPassword
from users.domain import Profile, SignUp
from users.resources import accounts, profile_store

app = api_resolver()


class ProfileView(BaseModel):
    """A profile as its owner sees it; `registered_at` is RFC 3339 in UTC."""

    user_id: str
    email: str
    name: str
    locale: str
    registered_at: str

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """The owner's view of `profile`."""
        return cls.model_validate(profile.model_dump(exclude={"version"}))


@app.post(
    "/users",
    **contract(
        Access.ANYONE,
        tag="users",
        status=HTTPStatus.CREATED,
        answers="The new profile",
        headers={"Location": "Where the profile is"},
        raises=(EmailTaken, WeakPassword, AccountRefused, TooManySignUps),
    ),
)
def sign_up(request: SignUp) -> Response[ProfileView]:
    """Makes an account, to whose address a confirmation code is mailed, and its profile."""
    user_id = accounts().create(request)
    profile = _register(user_id, email=request.email, name=request.name, locale=request.locale)
    return Response(
        status_code=HTTPStatus.CREATED,
        content_type=content_types.APPLICATION_JSON,
        body=ProfileView.of(profile),
        headers={"Location": "/users/me"},
    )


@app.get("/users/me", **contract(Access.SIGNED_IN, tag="users"))
def read_own_profile() -> ProfileView:
    """The caller's profile. One that is missing, since its write was lost or the sign-up was elsewhere, is made now."""
    caller = caller_of(app)
    return ProfileView.of(profile_store().find(caller.user_id) or _late_profile(caller))


def _late_profile(caller: Caller) -> Profile:
    if not caller.email:
        # Only an identity token carries the address; an access token cannot make a profile.
        raise Unauthorized("Your profile is not made yet; ask once with the identity token.")
    return _register(caller.user_id, email=caller.email, name=caller.name, locale=caller.locale)


def _register(user_id: str, *, email: str, name: str, locale: str) -> Profile:
    profile, events = Profile.register(
        user_id, email=email, name=name, locale=locale, correlation_id=correlation_id(), now=utc_now()
    )
    stored = profile_store().add(profile, events)
    if stored is profile:
        count("UsersRegistered")
        logger.info("user registered", user_id=user_id)
    return stored


handler = api_handler(app)

"""What the routes have in common: how a profile comes about, follows its account, changes and ends."""

from shared.access import Caller
from shared.api import correlation_id
from shared.clock import utc_now
from shared.errors import NotFound, PreconditionFailed, Unauthorized
from shared.events import Event
from shared.observability import count, logger
from users.adapters.profile_store import StoredProfile
from users.dependencies import accounts, profile_store
from users.domain.profile import Profile, ProfileChange, close, is_abandoned


def register(user_id: str, *, email: str, name: str, locale: str, email_as_of: int | None = None) -> Profile:
    """The account's profile, made unless there is one. The account is a customer's before it has a profile.

    Raises NotFound when the profile was closed.
    """
    accounts().make_customer(user_id)
    profile, events = Profile.register(
        user_id,
        email=email,
        name=name,
        locale=locale,
        correlation_id=correlation_id(),
        now=utc_now(),
        email_as_of=email_as_of,
    )
    stored = profile_store().add(profile, events)
    if stored is profile:
        count("UsersRegistered")
        logger.info("user registered", user_id=user_id)
    return _open(stored)


def own_profile(caller: Caller) -> Profile:
    """The caller's profile, made if there is none yet, with the address that a newer token of theirs tells.

    Raises NotFound when it was closed, Unauthorized when it must be made and the token does not carry the address.
    """
    stored = profile_store().find(caller.user_id)
    profile = _late_profile(caller) if stored is None else _open(stored)
    if not caller.email_verified:
        return profile

    def follow(existing: StoredProfile | None) -> tuple[Profile, list[Event]]:
        return _open(existing).follow_account(
            caller.email, issued_at=caller.issued_at, correlation_id=correlation_id(), now=utc_now()
        )

    followed, events = follow(profile)
    return profile_store().change(caller.user_id, follow) if events else followed


def change_profile(user_id: str, change: ProfileChange, expected: int | None) -> Profile:
    """The user's profile after `change`.

    Raises NotFound when there is none, PreconditionFailed when its version is not the one `expected`,
    ProfileContended when others kept changing it.
    """

    def apply(existing: StoredProfile | None) -> tuple[Profile, list[Event]]:
        profile = _open(existing)
        if expected is not None and profile.version != expected:
            raise PreconditionFailed("The profile has changed since; read it again.")
        return profile.change(change, correlation_id=correlation_id(), now=utc_now())

    return profile_store().change(user_id, apply)


def close_profile(user_id: str) -> None:
    """Erases the user, once; a repeat changes nothing. Raises ProfileContended."""
    closing = correlation_id()
    profile_store().change(
        user_id, lambda existing: close(user_id, existing, correlation_id=closing, now=utc_now())
    )
    count("UsersClosed")
    logger.info("user closed", user_id=user_id)


def free_abandoned(email: str) -> None:
    """Closes the account that has the address if nobody ever confirmed it, so that its real owner gets the address."""
    account = accounts().find(email)
    if account and is_abandoned(confirmed=account.confirmed, signed_up_at=account.created_at, now=utc_now()):
        close_profile(account.user_id)


def _open(stored: StoredProfile | None) -> Profile:
    if not isinstance(stored, Profile):
        raise NotFound("There is no such resource, or it is not yours.")
    return stored


def _late_profile(caller: Caller) -> Profile:
    if not caller.email:
        # Only an identity token carries the address; an access token cannot make a profile.
        raise Unauthorized("Your profile is not made yet; ask once with the identity token.")
    return register(
        caller.user_id,
        email=caller.email,
        name=caller.name,
        locale=caller.locale,
        email_as_of=caller.issued_at,
    )

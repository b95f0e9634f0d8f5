"""The profile of an API request: making it, following its account, changing and closing it."""

from math import ceil

from shared.access import Caller
from shared.api import correlation_id
from shared.clock import timestamp, utc_now
from shared.errors import NotFound, PreconditionFailed, TemporarilyUnavailable, Unauthorized
from shared.events import Event
from shared.observability import count, logger
from users.adapters.accounts import CodeNotSent
from users.adapters.profile_store import StoredProfile
from users.dependencies import accounts, profile_store, sign_up_counters, sign_up_settings
from users.domain.profile import ClosedProfile, Profile, ProfileChange, close, codes_come_again, is_abandoned
from users.domain.sign_up_limits import SourceHour, TooManySignUpsFromHere

_SOON_SECONDS = 60


class ConfirmationNotSent(TemporarilyUnavailable):
    """The shop cannot mail a confirmation code now, so it made no account; `Retry-After` says when to sign up again."""

    code = "confirmation-not-sent"


def require_few_sign_ups(source_address: str) -> None:
    """Counts a sign-up from the client's IP address; raises TooManySignUpsFromHere beyond the limit."""
    now = utc_now()
    hour = SourceHour.of(source_address, now)
    if not sign_up_counters().count(hour, at_most=sign_up_settings().max_sign_ups_per_source):
        count("SignUpsRefused")
        raise TooManySignUpsFromHere(
            "Too many sign-ups came from your network within an hour; try again later.",
            retry_after=ceil((hour.ends_at - now).total_seconds()),
        )


def register_profile(
    user_id: str,
    *,
    email: str,
    name: str,
    locale: str,
    email_as_of: int | None = None,
    is_verified: bool = False,
) -> Profile:
    """The account's profile, made if there is none. The account joins the customers before it has a profile.

    Raises NotFound if the profile was closed, and AddressRefused.
    """
    profile, events = Profile.register(
        user_id,
        email=email,
        name=name,
        locale=locale,
        correlation_id=correlation_id(),
        now=utc_now(),
        email_as_of=email_as_of,
        is_verified=is_verified,
    )
    accounts().make_customer(user_id)
    stored = profile_store().add(profile, events)
    if stored is profile:
        count("UsersRegistered")
        logger.info("user registered", user_id=user_id)
    return _require_open(stored)


def ensure_own_profile(caller: Caller) -> Profile:
    """The caller's profile, made if there is none yet, with the address of the caller's newest token.

    The first verified token of the profile's address is the user's first sign-in, as far as the shop sees it.
    Raises NotFound if the profile was closed. If there is none yet, it raises AddressRefused, or Unauthorized for a
    token without an address.
    """
    stored = profile_store().find(caller.user_id)
    profile = _register_late(caller) if stored is None else _require_open(stored)
    if not caller.email_verified:
        return profile

    def follow(existing: StoredProfile | None) -> tuple[Profile, list[Event]]:
        return _require_open(existing).follow_account(
            caller.email, issued_at=caller.issued_at, correlation_id=correlation_id(), now=utc_now()
        )

    followed, events = follow(profile)
    return profile_store().change(caller.user_id, follow) if events else followed


def change_profile(user_id: str, change: ProfileChange, expected: int | None) -> Profile:
    """The user's profile after `change`.

    Raises NotFound if there is none, PreconditionFailed if its version is not `expected`, and WriteConflict if other
    writers keep changing it.
    """

    def apply(existing: StoredProfile | None) -> tuple[Profile, list[Event]]:
        profile = _require_open(existing)
        _require_version(profile, expected)
        return profile.change(change, correlation_id=correlation_id(), now=utc_now())

    return profile_store().change(user_id, apply)


def close_profile(user_id: str, expected: int | None = None) -> None:
    """Erases the user; a repeat changes nothing.

    Raises PreconditionFailed if the open profile's version is not `expected`, and WriteConflict if other writers keep
    changing it.
    """
    closing = correlation_id()

    def erase(existing: StoredProfile | None) -> tuple[ClosedProfile, list[Event]]:
        if isinstance(existing, Profile):
            _require_version(existing, expected)
        return close(user_id, existing, correlation_id=closing, now=utc_now())

    profile_store().change(user_id, erase)
    count("UsersClosed")
    logger.info("user closed", user_id=user_id)


def undo_sign_up(email: str, failure: CodeNotSent) -> ConfirmationNotSent:
    """Removes the address's account, whose code was not mailed; returns the answer to the sign-up.

    An account with a profile comes from another sign-up, so it stays. Raises AccountsBusy.
    """
    count("ConfirmationsNotSent")
    logger.warning("confirmation code not sent", reason=str(failure))
    account = accounts().find(email)
    if account and not account.confirmed and profile_store().find(account.user_id) is None:
        accounts().close(account.user_id)
    now = utc_now()
    if not failure.is_quota_used_up:
        return ConfirmationNotSent(
            "The shop cannot mail confirmation codes now. You have no account yet; sign up again in a minute.",
            retry_after=_SOON_SECONDS,
        )
    again = codes_come_again(now)
    return ConfirmationNotSent(
        "The shop can mail no more confirmation codes today. You have no account yet; sign up again after "
        f"{timestamp(again)}.",
        retry_after=ceil((again - now).total_seconds()),
    )


def free_abandoned_address(email: str) -> None:
    """Closes the address's account if it was never confirmed, so that the address's owner can sign up."""
    account = accounts().find(email)
    if account and is_abandoned(confirmed=account.confirmed, signed_up_at=account.created_at, now=utc_now()):
        close_profile(account.user_id)


def _require_version(profile: Profile, expected: int | None) -> None:
    if expected is not None and profile.version != expected:
        raise PreconditionFailed("The profile has changed since; read it again.")


def _require_open(stored: StoredProfile | None) -> Profile:
    if not isinstance(stored, Profile):
        raise NotFound("There is no such resource, or it is not yours.")
    return stored


def _register_late(caller: Caller) -> Profile:
    if not caller.email:
        # The pool may hide the address from an app client.
        raise Unauthorized(
            "You have no profile yet; send the request once with a token that has your address."
        )
    return register_profile(
        caller.user_id,
        email=caller.email,
        name=caller.name,
        locale=caller.locale,
        email_as_of=caller.issued_at,
        is_verified=caller.email_verified,
    )

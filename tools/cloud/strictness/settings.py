"""The named settings: what each means, and its value in the running server."""

from collections.abc import Mapping

PATH = "/_cartwright/strictness"
"""Where the server shows its settings (GET) and takes other values (PUT)."""

DESCRIPTIONS: dict[str, str] = {
    "mail_sandbox": "SES refuses mail from or to an address that is not verified, as in a new account.",
    "codes_used_up": "Cognito has sent its mails of the day: a sign-up makes the account, and fails without a code.",
    "lambda_concurrency": "So many invocations run at a time, and Lambda refuses others; a new account has 10.",
    "filter_delay_seconds": "A changed filter of a subscription takes effect so much later; on AWS up to 900.",
    "plain_http": "Requests count as ones over plain HTTP, which some policies refuse; else as ones over TLS.",
    "transaction_conflicts": "The next write to an item of a transaction meets that transaction and is refused, once.",
}
"""What each setting makes the embedded cloud do; 0 switches it off."""

_AS_ON_AWS = {"lambda_concurrency": 10, "filter_delay_seconds": 900}

_values: dict[str, float] = {}


def value(name: str) -> float:
    """The present value of a setting, 0 while it is off; raises KeyError if there is none of that name."""
    return _values.get(name, 0) if name in DESCRIPTIONS else _values[name]


def is_on(name: str) -> bool:
    """Whether a setting is on; raises KeyError if there is none of that name."""
    return value(name) != 0


def current() -> dict[str, float]:
    """All settings with their values."""
    return {name: value(name) for name in DESCRIPTIONS}


def change(wanted: Mapping[str, object]) -> None:
    """Sets the named settings, all or none; raises ValueError for an unknown name or a value below 0."""
    _values.update({name: _checked(name, number) for name, number in wanted.items()})


def parsed(text: str) -> dict[str, float]:
    """The settings in `STRICT`: names with spaces between, each with `=<number>` or as on AWS; raises ValueError."""
    entries = (entry.partition("=") for entry in text.replace(",", " ").split())
    return {name: _checked(name, number or _AS_ON_AWS.get(name, 1)) for name, _, number in entries}


def _checked(name: str, number: object) -> float:
    if name not in DESCRIPTIONS:
        raise ValueError(f"There is no setting {name}; there is {', '.join(DESCRIPTIONS) or 'none'}.")
    try:
        checked = float(str(number))
    except ValueError:
        raise ValueError(f"{name}={number} is not a number.") from None
    if not 0 <= checked < float("inf"):
        raise ValueError(f"{name}={number} is below 0 or without end.")
    return checked

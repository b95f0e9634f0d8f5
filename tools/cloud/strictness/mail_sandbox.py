"""SES's sandbox: it takes mail to verified addresses only, and to those of its mailbox simulator.

An account starts outside of the sandbox in MiniStack, and inside on AWS. MiniStack always refuses an unverified
sender, as AWS does. Both answer `MessageRejected` (400) with the addresses that are not verified.
"""

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.services import ses  # type: ignore[import-not-found]

from . import settings


def install() -> None:
    """Puts the account into the sandbox while the setting `mail_sandbox` is on."""
    has_production_access = ses._production_access_enabled

    def production_access_enabled() -> bool:
        return not settings.is_on("mail_sandbox") and bool(has_production_access())

    ses._production_access_enabled = production_access_enabled

"""`make rotate SECRET=payment-webhook`: replaces a secret while requests go on, in two steps.

The first step stores the new value, and `STEP=finish` drops the old one. No request fails meanwhile: a function that
is refused with a secret reads it again, and a webhook may have the signature of either value. In an emergency
`STEP=revoke` does both at once. The command prints nothing of a value.
"""

import argparse
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.command_line import Subcommands, add_command, add_stack_option
from tools.console import StepError
from tools.stack import Stack

START, FINISH, REVOKE = "start", "finish", "revoke"
# The label of Secrets Manager for the version before the current one.
_BEFORE = "AWSPREVIOUS"


@dataclass(frozen=True)
class Secret:
    """A secret of the stack: its purpose, its id, and the work between the two steps."""

    purpose: str
    id_in: Callable[[Stack], str]
    holds_both: bool
    """Whether its text is JSON that holds both values during a rotation."""
    meanwhile: str


def _provider_key(stack: Stack) -> str:
    if stack.parameters.get("PaymentProviderUrl"):
        return stack.parameters["PaymentProviderSecretArn"]
    return stack.resource("PaymentProviderSecret")


SECRETS = {
    "payment-provider": Secret(
        "the API key with which payments call the provider",
        _provider_key,
        holds_both=False,
        meanwhile="Each function takes the new key within five minutes, or as soon as the provider refuses the old "
        "one. Let the old key expire at the provider",
    ),
    "payment-webhook": Secret(
        "the secret of the signatures on the provider's webhooks",
        lambda stack: stack.resource("PaymentWebhookSecret"),
        holds_both=True,
        meanwhile="Signatures with either count. Wait until the provider signs with the new one alone",
    ),
}


def register(subcommands: Subcommands) -> None:
    """Registers `rotate`."""
    parser = add_command(
        subcommands, "rotate", _rotate, description="replace a secret while requests go on; list the secrets"
    )
    parser.add_argument(
        "secret",
        metavar="SECRET",
        nargs="?",
        default="",
        help=f"{', '.join(SECRETS)}; without one, they are listed",
    )
    parser.add_argument(
        "--step",
        default=START,
        choices=(START, FINISH, REVOKE),
        help="start: store the new value, which $NEW has (of a sandbox provider, one is made up); finish: drop the old "
        "value; revoke: both at once, though requests may fail (default: start)",
    )
    add_stack_option(parser)


def _rotate(arguments: argparse.Namespace) -> None:
    stack = Stack.named(arguments.stack, arguments.region)
    if arguments.secret:
        print(rotate(stack, arguments.secret, arguments.step, new=os.environ.get("NEW", "")))
        return
    for name, secret in SECRETS.items():
        print(f"SECRET={name:<18} {secret.purpose}\n{'':<26}{Rotation(stack, name).state()}")


def rotate(stack: Stack, name: str, step: str = START, *, new: str = "") -> str:
    """Does one step of the rotation, and returns what to do next.

    The first step again with the same value changes nothing, nor does the last one again.

    Raises StepError if there is no such secret, the new value is missing, or another rotation is under way.
    """
    rotation = Rotation(stack, name)
    match step:
        case "start":
            return rotation.start(new)
        case "finish":
            return rotation.finish()
        case _:
            return rotation.revoke(new)


class Rotation:
    """The rotation of one secret of the stack; raises StepError if there is none of that name."""

    def __init__(self, stack: Stack, name: str) -> None:
        if name not in SECRETS:
            raise StepError(f"There is no secret {name}.", f"Name one of these: {', '.join(SECRETS)}.")
        self._name = name
        self._secret = SECRETS[name]
        self._id = self._secret.id_in(stack)
        self._manager: Any = stack.client("secretsmanager")
        self._provider = stack.parameters.get("PaymentProviderUrl", "")

    def state(self) -> str:
        """Whether a rotation is under way, and when the secret last changed."""
        changed = self._manager.describe_secret(SecretId=self._id).get("LastChangedDate")
        since = f"changed {changed:%Y-%m-%d %H:%M}" if changed else "never changed"
        return f"{since}; {'the value before it is there, too' if self._is_under_way() else 'one value'}"

    def start(self, new: str) -> str:
        """Stores the new value; raises StepError if a rotation to another value is under way."""
        if new and new == self._current():
            return f"{self._name} has this value already. {self._next()}"
        if self._is_under_way():
            raise StepError(
                f"A rotation of {self._name} is under way.",
                f"End it first: `make rotate SECRET={self._name} STEP={FINISH}`.",
            )
        both = {"current": new or self._made_up(), "previous": self._current()}
        self._put(json.dumps(both) if self._secret.holds_both else both["current"])
        return f"{self._name} has its new value. {self._next()}"

    def finish(self) -> str:
        """Drops the old value, if there is one."""
        if not self._is_under_way():
            return f"No rotation of {self._name} is under way; nothing has changed."
        if self._secret.holds_both:
            self._put(json.dumps({"current": self._current()}))
        self._drop_version_before()
        return f"{self._name} has its new value alone. In five minutes at the latest no function takes the old one."

    def revoke(self, new: str) -> str:
        """Stores the new value alone."""
        value = new or self._made_up()
        self._put(json.dumps({"current": value}) if self._secret.holds_both else value)
        self._drop_version_before()
        return (
            f"{self._name} has a new value alone. End the old one at the provider now. "
            "In five minutes at the latest no function takes it."
        )

    def _next(self) -> str:
        if not self._is_under_way():
            return "No rotation is under way."
        return f"{self._secret.meanwhile}, and run `make rotate SECRET={self._name} STEP={FINISH}`."

    def _made_up(self) -> str:
        if self._provider:
            raise StepError(
                f"The new value of {self._name} comes from {self._provider}.",
                "Make it there. Then `read -rs NEW; export NEW`, and run this again in the same shell.",
            )
        return secrets.token_urlsafe(30)

    def _is_under_way(self) -> bool:
        if self._secret.holds_both:
            return bool(self._stored().get("previous"))
        return self._version_before() is not None

    def _current(self) -> str:
        return self._stored()["current"]

    def _stored(self) -> dict[str, str]:
        text = str(self._manager.get_secret_value(SecretId=self._id)["SecretString"])
        stored: dict[str, str] = json.loads(text) if self._secret.holds_both else {"current": text}
        return stored

    def _put(self, text: str) -> None:
        self._manager.put_secret_value(SecretId=self._id, SecretString=text)

    def _version_before(self) -> str | None:
        versions = self._manager.describe_secret(SecretId=self._id)["VersionIdsToStages"]
        return next((version for version, labels in versions.items() if _BEFORE in labels), None)

    def _drop_version_before(self) -> None:
        """Takes the label from the version before, so that Secrets Manager may delete it."""
        if version := self._version_before():
            self._manager.update_secret_version_stage(
                SecretId=self._id, VersionStage=_BEFORE, RemoveFromVersionId=version
            )

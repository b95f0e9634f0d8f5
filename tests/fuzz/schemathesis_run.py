"""Runs Schemathesis on the deployed API: requests made from its OpenAPI document, valid and invalid, in sequences."""

import json
import subprocess
from pathlib import Path

from tools.settings import REPOSITORY, STATE, tool_environment
from tools.shop.client import Customer
from tools.stack import Stack

_DOCUMENT = REPOSITORY / "services" / "gateway" / "gateway" / "openapi.json"
_CONFIGURATION = REPOSITORY / "tests" / "fuzz" / "schemathesis.toml"
_SCHEMATHESIS = REPOSITORY / ".venv" / "bin" / "schemathesis"
_USERS = STATE / "fuzz-users.json"

# Erases the account that the run is signed in with, after which it could test nothing else.
_LAST_OPERATIONS = ("DELETE /users/me", "DELETE /users/{user_id}")


def failures(stack: Stack, people: dict[str, Customer], *, examples: int, seed: int) -> int:
    """Schemathesis' exit code, 0 when all its checks hold, with at most `examples` per operation and phase.

    The first of `people`, by a name for each, makes the requests; they must not see each other's things.
    """
    command: list[str | Path] = [
        _SCHEMATHESIS,
        *("--config-file", _configuration(people)),
        "run",
        _DOCUMENT,
        *("--url", stack.api_url),
        *("--max-examples", str(examples)),
        *("--seed", str(seed)),
        *[argument for name in _LAST_OPERATIONS for argument in ("--exclude-name", name)],
    ]
    environment = tool_environment(stack.endpoint)
    return subprocess.run(command, cwd=STATE, env=environment, check=False).returncode  # noqa: S603 - ours


def _configuration(people: dict[str, Customer]) -> Path:
    """The configuration with the people's tokens."""
    _USERS.write_text(
        json.dumps(
            {
                "auth": [
                    {
                        "name": name,
                        "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {person.token}"}],
                    }
                    for name, person in people.items()
                ]
            }
        )
    )
    _USERS.chmod(0o600)
    peers = f"peers = {json.dumps(list(people))}\n" if len(people) > 1 else ""
    configuration = STATE / "schemathesis.toml"
    configuration.write_text(
        _CONFIGURATION.read_text()
        + f"\n[auth.wfc]\npath = {json.dumps(str(_USERS))}\nuser = {json.dumps(next(iter(people)))}\n{peers}"
    )
    return configuration

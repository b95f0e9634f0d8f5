"""Tests the deployed API with Schemathesis: requests made from its OpenAPI document, valid and invalid, in sequences.

Each role has a run of its own. A run holds that nothing answers 5xx, that every answer is documented and fits its
schema, that invalid input is refused and valid input is not, that no route can be used without its token, and that no
customer sees what is another's. tests/fuzz/schemathesis.toml configures it; the checks:
https://schemathesis.readthedocs.io/en/stable/reference/checks/
"""

import json
import subprocess
from pathlib import Path

from local.settings import REPOSITORY, STATE, tool_environment
from local.shop import Customer, Shop
from local.stack import Stack
from local.steps import StepError

_DOCUMENT = REPOSITORY / "services" / "gateway" / "gateway" / "openapi.json"
_CONFIGURATION = REPOSITORY / "tests" / "fuzz" / "schemathesis.toml"
_SCHEMATHESIS = REPOSITORY / ".venv" / "bin" / "schemathesis"
_USERS = STATE / "fuzz-users.json"

# Erases the account that the run is signed in with, after which it could test nothing else.
_LAST_OPERATIONS = ("DELETE /users/me", "DELETE /users/{user_id}")


def run(stack: Stack, *, examples: int, seed: int) -> None:
    """Runs every role's tests with at most `examples` per operation and phase; raises StepError if one fails."""
    shop = Shop(stack)
    customers = {"customer": shop.sign_up("Fuzz Example"), "other customer": shop.sign_up("Other Example")}
    admins = {"admin": shop.admin()}
    failed = [
        role
        for role, people in (("customer", customers), ("admin", admins))
        if not _run_as(role, people, stack, examples=examples, seed=seed)
    ]
    if failed:
        raise StepError(
            f"The API does not keep to its document with the token of: {', '.join(failed)}.",
            f"The failures stand above, with the requests that reproduce them; seed {seed}.",
        )


def _run_as(role: str, people: dict[str, Customer], stack: Stack, *, examples: int, seed: int) -> bool:
    print(f"\nAs {role}, at most {examples} examples per operation and phase, seed {seed}", flush=True)
    command: list[str | Path] = [
        _SCHEMATHESIS,
        *("--config-file", _configuration(role, people)),
        "run",
        _DOCUMENT,
        *("--url", stack.api_url),
        *("--max-examples", str(examples)),
        *("--seed", str(seed)),
        *[argument for name in _LAST_OPERATIONS for argument in ("--exclude-name", name)],
    ]
    finished = subprocess.run(command, cwd=STATE, env=tool_environment(stack.endpoint), check=False)
    return finished.returncode == 0


def _configuration(role: str, people: dict[str, Customer]) -> Path:
    """The configuration with the role's tokens: its people must not see each other's things."""
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
        + f"\n[auth.wfc]\npath = {json.dumps(str(_USERS))}\nuser = {json.dumps(role)}\n{peers}"
    )
    return configuration

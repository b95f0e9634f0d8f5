"""The deployed API keeps to its OpenAPI document for any request.

Each role has a run of its own. No request answers 5xx, and every answer is documented and fits its schema. The API
refuses invalid input and accepts valid input. No route can be used without its token, and no customer sees another's
data. `schemathesis.toml` configures the checks:
https://schemathesis.readthedocs.io/en/stable/reference/checks/
"""

import pytest

from tests.fuzz.schemathesis_run import failures
from tools.shop.client import Shop
from tools.stack import Stack


@pytest.fixture(scope="module")
def stack() -> Stack:
    """The running stack."""
    return Stack.current()


@pytest.mark.parametrize("role", ["customer", "admin"])
def test_the_api_keeps_to_its_document_with_the_token_of(
    role: str, stack: Stack, pytestconfig: pytest.Config
):
    shop = Shop(stack)
    people = (
        {"admin": shop.admin()}
        if role == "admin"
        else {"customer": shop.sign_up("Fuzz Example"), "other customer": shop.sign_up("Other Example")}
    )
    examples, seed = pytestconfig.getoption("--examples", 2), pytestconfig.getoption("--fuzz-seed", 1)

    assert failures(stack, people, examples=examples, seed=seed) == 0, (
        f"the failures stand above, with the requests that reproduce them; seed {seed}"
    )

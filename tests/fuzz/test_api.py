"""The deployed API keeps to its OpenAPI document, whatever is asked of it.

Each role has a run of its own. A run holds that nothing answers 5xx, that every answer is documented and fits its
schema, that invalid input is refused and valid input is not, that no route can be used without its token, and that no
customer sees what is another's. `schemathesis.toml` configures it; the checks:
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

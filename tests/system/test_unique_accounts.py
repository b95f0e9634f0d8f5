"""The embedded cloud's user pool holds each address once, as Cognito's does, though sign-ups come at once."""

import json
import subprocess

import pytest

from tools.settings import CLOUD_PYTHON, REPOSITORY, server_environment

pytestmark = pytest.mark.embedded_only("runs the embedded cloud's own code")

# It runs under the embedded cloud's Python: whoever makes an account waits a moment for another who does, between the
# look for an account of the address and the account's making.
MAKE_TWO_AT_ONCE = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError
from ministack.services import cognito
from strictness import unique_accounts

make, arguments = sys.argv[1], json.loads(sys.argv[2])
meeting, validate = Barrier(2), cognito._validate_password

def meet(*given):
    try:
        meeting.wait(timeout=1)
    except BrokenBarrierError:
        pass
    return validate(*given)

def body(answer):
    return json.loads(answer[2])

cognito._validate_password = meet
unique_accounts.install()
pool = body(cognito._create_user_pool({"PoolName": "pool", "UsernameAttributes": ["email"]}))["UserPool"]["Id"]
client = body(cognito._create_user_pool_client({"UserPoolId": pool, "ClientName": "client"}))["UserPoolClient"]
asked = {"UserPoolId": pool, "ClientId": client["ClientId"], **arguments}
with ThreadPoolExecutor(2) as threads:
    answers = list(threads.map(getattr(cognito, make), [asked, asked]))
print(json.dumps(sorted(answer[0] for answer in answers)))
"""


@pytest.mark.parametrize(
    ("make", "password"), [("_sign_up", "Password"), ("_admin_create_user", "TemporaryPassword")]
)
def test_of_two_who_make_an_account_with_one_address_at_once_one_does(make: str, password: str) -> None:
    arguments = {"Username": "ada@example.com", password: "Correct-horse-7"}
    finished = subprocess.run(  # noqa: S603 - the code above
        [str(CLOUD_PYTHON), "-c", MAKE_TWO_AT_ONCE, make, json.dumps(arguments)],
        env=server_environment(4566) | {"PYTHONPATH": str(REPOSITORY / "tools" / "cloud")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout.splitlines()[-1]) == [200, 400]

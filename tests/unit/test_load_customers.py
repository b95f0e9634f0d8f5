"""The load's customers, as Locust runs them against a shop that is busy: they wait, and repeat an order with its key.

They are skipped if `.venv-load` does not exist; `make load` makes it.
"""

import json
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmarks.load.plan import PLAN, RESULT, Happened
from tests.unit.test_load import PLAN as SOME_PLAN
from tools.settings import REPOSITORY

LOCUST = REPOSITORY / ".venv-load" / "bin" / "locust"
CUSTOMERS = 3

pytestmark = pytest.mark.skipif(
    not LOCUST.exists(), reason="Locust is not installed: `make load` installs it"
)


class BusyShop(ThreadingHTTPServer):
    """Answers as the shop does, and refuses each order once."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.keys: Counter[str] = Counter()
        self.skus: Counter[str] = Counter()
        self.tokens: set[str] = set()
        self.signed_in: list[str] = []


class Answers(BaseHTTPRequestHandler):
    server: BusyShop
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.tokens.add(self.headers["Authorization"])
        mine = self.headers["Authorization"].removeprefix("Bearer ")
        bodies = {"/api/users/me": {"user_id": mine}, "/api/orders/": {"status": "confirmed"}}
        [body] = [body for path, body in bodies.items() if self.path.startswith(path)] or [{}]
        self.answer(200, body)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/":
            account = body["AuthParameters"]["USERNAME"]
            self.server.signed_in.append(account)
            self.answer(200, {"AuthenticationResult": {"IdToken": f"token-of-{account}"}})
        elif self.path == "/api/orders":
            key = self.headers["Idempotency-Key"]
            self.server.keys[key] += 1
            if self.server.keys[key] == 1:
                self.answer(429, {}, {"Retry-After": "0.2"})
            else:
                self.server.skus[body["lines"][0]["sku"]] += 1
                self.answer(201, {"order_id": f"ord_{key}"})
        else:
            self.answer(500 if "movements" in self.path else 202, {})

    def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: Any) -> None:
        """The test's output stays short."""


@pytest.fixture
def shop() -> Iterator[BusyShop]:
    with BusyShop() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_customers_wait_for_a_busy_shop_and_repeat_each_order_with_its_key(
    shop: BusyShop, tmp_path: Path
) -> None:
    here = f"http://127.0.0.1:{shop.server_port}"
    plan = replace(
        SOME_PLAN,
        api_url=f"{here}/api",
        sign_in_url=f"{here}/",
        customers=[f"customer-{number}" for number in range(CUSTOMERS)],
        sale_after=1.0,
    )
    result = tmp_path / "happened.json"
    command: list[str | Path] = [LOCUST, "--locustfile", "benchmarks/load/locustfile.py"]
    command += ["--headless", "--users", str(CUSTOMERS + 1), "--spawn-rate", "10", "--run-time", "4s"]
    command += ["--stop-timeout", "10", "--exit-code-on-error", "0", "--skip-log-setup"]
    environment = os.environ | {PLAN: plan.to_json(), RESULT: str(result), "PYTHONPATH": str(REPOSITORY)}

    ended = subprocess.run(  # noqa: S603
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=60
    )

    assert ended.returncode == 0, ended.stderr
    seen = Happened.from_json(result.read_text())
    assert sorted(shop.signed_in) == sorted([*plan.customers, plan.admin])
    assert sorted(seen.customers) == [f"token-of-{account}" for account in sorted(plan.customers)]
    assert set(shop.keys.values()) == {2}, "each order was sent again, once, with its key"
    assert sorted(seen.accepted) == sorted(f"ord_{key}" for key in shop.keys)
    assert seen.uncertain == 0
    assert len(seen.of_the_sale) == shop.skus[plan.sale_sku] == CUSTOMERS
    statuses = Counter((route, status) for route, status, _ in seen.samples)
    assert statuses["POST /orders", 429] == statuses["POST /orders", 201] == len(shop.keys)
    assert seen.seconds > plan.sale_after

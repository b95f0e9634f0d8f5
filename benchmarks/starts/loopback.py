"""DynamoDB on a loopback port, for functions in processes of their own: moto, with the template's tables.

It takes its own process's time, so a function's time is that of its own work.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

from orders.adapters.price_store import PriceStore
from orders.domain.pricing import Price
from shared.money import Money
from tests.faults.tables import REGION, ask, moto_tables
from tests.faults.template import Template

# When it came, the operation and its arguments.
Call = tuple[float, str, dict[str, Any]]


class DynamoDb:
    """The server: its address, and the calls that it got."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.endpoint = f"http://127.0.0.1:{server.server_port}"
        self.calls: list[Call] = []

    def empty(self, sold: dict[str, int]) -> None:
        """Empties the tables but for the prices of what is `sold`, and forgets the calls."""
        for table in moto_tables().values():
            table.items.clear()
        prices = PriceStore(boto3.client("dynamodb", region_name=REGION), "OrdersPricesTable")
        for sku, amount in sold.items():
            prices.record(Price(sku=sku, price=Money(amount=amount, currency="EUR"), active=True, version=1))
        self.calls.clear()


@contextmanager
def dynamodb() -> Iterator[DynamoDb]:
    """The server, while the body runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Answers a request as DynamoDB does."""
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            arguments = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            running.calls.append((time.monotonic(), operation, arguments))
            try:
                status, answer = 200, ask(operation, arguments)
            except ClientError as error:
                said = error.response["Error"]
                status = 400
                answer = {
                    "__type": f"com.amazonaws.dynamodb.v20120810#{said['Code']}",
                    "message": said["Message"],
                }
            body = json.dumps(answer).encode()
            head = f"HTTP/1.1 {status} -\r\nContent-Type: application/x-amz-json-1.0\r\n"
            # In one packet, so that no acknowledgement is waited for.
            self.wfile.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """Says nothing."""

    with mock_aws(), ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = DynamoDb(server)
        for table in Template().tables.values():
            ask("CreateTable", table)
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield running
        finally:
            server.shutdown()

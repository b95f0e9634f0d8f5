"""Jobs in a pretended account: tables, bucket and state machines as the template has them, functions as they ship."""

import copy
import importlib
import io
import json
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from moto.dynamodb.models.table import Table

from shared.dynamo import from_item
from tests.component.conftest import FakeLambdaContext
from tests.component.machine_interpreter import interpreting
from tests.component.rest_events import claims_of, json_body, rest_event
from tests.faults.template import ROOT, Template
from tools.contracts.template import resources

BUCKET = "JobsBucket"
ADMIN = claims_of("u-admin", groups="admin")
HEADER = "sku,name,description,category,price_amount,price_currency,active"

_CACHES = {
    "jobs.dependencies": ("job_store", "job_links"),
    "jobs.adapters.links": ("_s3",),
    "catalog.dependencies": ("product_store", "import_store", "job_files"),
    "orders.dependencies": ("order_store", "placement_index", "export_files"),
    "reports.dependencies": ("sales_store", "report_store", "reports_bucket"),
}


_TABLES = (
    "JobsTable",
    "CatalogTable",
    "CatalogImportsTable",
    "OrdersTable",
    "ReportsSalesTable",
    "ReportsTable",
)


class Killed(BaseException):
    """The function's process ended in the middle; nothing in it can catch that."""


class JobsWorld:
    """The API as admins call it, the machines it sets off, and what is stored in the end."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._one_at_a_time = threading.RLock()
        self._before: dict[str, list[Callable[[], object]]] = {}
        self.invocations: Counter[str] = Counter()
        self.largest_state = 0

    def before(self, function: str, *what: Callable[[], object]) -> None:
        """Does something, each once, before the next runs of a function."""
        self._before.setdefault(function, []).extend(what)

    def api(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The answer to a request, by default an admin's."""
        event = rest_event(method, path, **{"claims": ADMIN, **request})
        answer: dict[str, Any] = self.invoke("JobsApiFunction", event)
        return answer

    def request(self, body: dict[str, Any], key: str = "k-1") -> dict[str, Any]:
        """Asks for a job."""
        return self.api("POST", "/jobs", body=body, headers={"Idempotency-Key": key})

    def upload(self, data: bytes) -> str:
        """Uploads a file as by a form; its id."""
        upload: str = json_body(self.api("POST", "/jobs/uploads"))["upload"]
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"uploads/{upload}", Body=data)
        return upload

    def job(self, job_id: str) -> dict[str, Any]:
        """The job as the API tells it."""
        told: dict[str, Any] = json_body(self.api("GET", f"/jobs/{job_id}"))
        return told

    def run(self, answer: dict[str, Any], ends_as: str = "SUCCEEDED") -> dict[str, Any]:
        """Runs the job that was asked for until its execution ends so; the job as the API then tells it."""
        assert answer["statusCode"] == 202, answer
        job_id = json_body(answer)["job_id"]
        told = json.loads(self.items("JobsTable")[job_id]["outbox"][0])
        record = {"messageId": "m-1", "receiptHandle": "r", "body": json.dumps(told), "attributes": {}}
        start = {"Records": [record | {"messageAttributes": {}, "eventSource": "aws:sqs"}]}
        assert self.invoke("JobsStartFunction", start) == {"batchItemFailures": []}
        described = ended(execution_of(told["data"]["kind"], job_id))
        assert described["status"] == ends_as, (described, self.invocations)
        return self.job(job_id)

    def file(self, job: dict[str, Any]) -> bytes:
        """The job's file, by the link's key."""
        key = re.search(r"results/job_[0-9a-f]+\.[a-z]+", job["result"]["url"])
        assert key
        data: bytes = boto3.client("s3").get_object(Bucket=BUCKET, Key=key[0])["Body"].read()
        return data

    def items(self, table: str) -> dict[str, dict[str, Any]]:
        """The items of a table with one key, by that."""
        pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table)
        items = [from_item(item) for page in pages for item in page["Items"]]
        return {item["pk"]: item for item in items}

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """What a function answers; raises what it raises. One runs at a time: each has the process to itself."""
        declared = self._template.functions[function]
        with self._one_at_a_time, patch.dict("os.environ", declared.environment):
            self.invocations[function] += 1
            if waiting := self._before.get(function):
                waiting.pop(0)()
            return importlib.import_module(declared.module).handler(event, FakeLambdaContext())

    def answer(self, function: str, payload: str) -> dict[str, Any]:
        """Lambda's answer to a state machine."""
        self.largest_state = max(self.largest_state, len(payload))
        try:
            result = self.invoke(function, json.loads(payload))
        except Killed:
            return _failed("Runtime.ExitError", "signal: killed")
        except Exception as error:  # noqa: BLE001 - as Lambda does: whatever it is, its class is the error's name
            return _failed(type(error).__name__, str(error))
        body = json.dumps(result).encode()
        self.largest_state = max(self.largest_state, len(body))
        return {"StatusCode": 200, "Payload": io.BytesIO(body)}


def execution_of(kind: str, job_id: str) -> str:
    """The pretended ARN of a job's execution."""
    machine = "".join(word.title() for word in kind.split("_"))
    return f"{arn_of(machine).replace(':stateMachine:', ':execution:')}:{job_id}"


def arn_of(machine: str) -> str:
    """The pretended ARN of a state machine, by its logical id."""
    return f"arn:aws:states:eu-central-1:123456789012:stateMachine:{machine}"


def ended(execution: str) -> dict[str, Any]:
    """The execution, by its ARN, once it has ended."""
    sfn = boto3.client("stepfunctions")
    deadline, pause = time.monotonic() + 60, threading.Event()
    while (described := sfn.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline, "still running"
        pause.wait(0.02)
    return dict(described)


def products_csv(*lines: str, header: str = HEADER) -> bytes:
    """A CSV file of these lines, with CRLF."""
    return "".join(f"{line}\r\n" for line in (header, *lines)).encode()


def _failed(name: str, message: str) -> dict[str, Any]:
    failure = json.dumps({"errorType": name, "errorMessage": message}).encode()
    return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": io.BytesIO(failure)}


@contextmanager
def jobs_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[JobsWorld]:
    """A pretended account in which jobs run."""
    template = Template()
    world = JobsWorld(template)
    monkeypatch.setattr(Table, "__deepcopy__", _copy_of_table, raising=False)
    _point_functions_at_machines(template)
    with interpreting(monkeypatch, world.answer):
        _forget()
        for name in _TABLES:
            boto3.client("dynamodb").create_table(**template.tables[name])
        for bucket in (BUCKET, "ReportsBucket"):
            boto3.client("s3").create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
        for machine in ("ProductImport", "OrderExport", "WeeklyReport"):
            boto3.client("stepfunctions").create_state_machine(
                name=machine,
                definition=_definition(machine),
                roleArn="arn:aws:iam::123456789012:role/machine",
            )
        yield world
    _forget()


def _definition(machine: str) -> str:
    """The state machine as the template has it, its tasks pointed at functions by their logical ids."""
    properties = resources()[machine]["Properties"]
    functions = {
        name: value["Fn::GetAtt"][0] for name, value in properties["DefinitionSubstitutions"].items()
    }
    written = (ROOT / properties["DefinitionUri"]).read_text()
    return re.sub(r"\$\{(\w+)\}", lambda name: str(functions[name[1]]), written)


def _point_functions_at_machines(template: Template) -> None:
    for function in ("JobsStartFunction", "JobsReconcileFunction"):
        environment = template.functions[function].environment
        for name, value in environment.items():
            if name.endswith("_ARN"):
                environment[name] = arn_of(value)


def _copy_of_table(table: Any, _memo: Any) -> Any:
    """What moto puts back when a transaction fails, without copying each item of the table at each transaction: a put
    replaces an item and changes none."""
    twin = copy.copy(table)
    twin.items = defaultdict(dict)
    twin.items.update(
        {key: dict(held) if isinstance(held, dict) else held for key, held in table.items.items()}
    )
    return twin


def _forget() -> None:
    for module, names in _CACHES.items():
        for name in names:
            getattr(importlib.import_module(module), name).cache_clear()

"""Jobs in a simulated account: the template's tables, bucket and state machines, and the functions as they ship."""

import importlib
import io
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import boto3
import pytest

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
    "shared.aws": ("client",),
    "jobs.dependencies": ("job_store", "job_executions", "presigned_urls"),
    "catalog.dependencies": ("product_store", "import_store", "job_files"),
    "orders.dependencies": ("order_store", "placement_index", "export_files"),
    "reports.dependencies": ("sales_projection", "report_versions", "published_files"),
}


_TABLES = (
    "AuditTrailTable",
    "JobsTable",
    "CatalogTable",
    "CatalogImportsTable",
    "OrdersTable",
    "ReportsSalesTable",
    "ReportsTable",
)


class Killed(BaseException):
    """The function's process dies in the middle; its code cannot catch that."""


class JobsWorld:
    """The API as admins call it, the state machines that it starts, and the stored items."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._one_at_a_time = threading.RLock()
        self._before: dict[str, list[Callable[[], object]]] = {}
        self.invocations: Counter[str] = Counter()
        self.largest_state = 0

    def before(self, work: str, *actions: Callable[[], object]) -> None:
        """Takes each action once, before the next runs of a function or of one step ("JobsStepsFunction.finish")."""
        self._before.setdefault(work, []).extend(actions)

    def api(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The answer to a request, by default an admin's."""
        event = rest_event(method, path, **{"claims": ADMIN, **request})
        answer: dict[str, Any] = self.invoke("JobsApiFunction", event)
        return answer

    def request(self, body: dict[str, Any], key: str = "k-1") -> dict[str, Any]:
        """Requests a job."""
        return self.api("POST", "/jobs", body=body, headers={"Idempotency-Key": key})

    def upload(self, data: bytes) -> str:
        """Uploads a file as a form does; its id."""
        upload: str = json_body(self.api("POST", "/jobs/uploads"))["upload"]
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"uploads/{upload}", Body=data)
        return upload

    def job(self, job_id: str) -> dict[str, Any]:
        """The job as the API shows it."""
        shown: dict[str, Any] = json_body(self.api("GET", f"/jobs/{job_id}"))
        return shown

    def run(self, answer: dict[str, Any], ends_as: str = "SUCCEEDED") -> dict[str, Any]:
        """Runs the requested job until its execution has ended as `ends_as`; the job as the API then shows it."""
        assert answer["statusCode"] == 202, answer
        job_id = json_body(answer)["job_id"]
        requested = json.loads(self.items("JobsTable")[job_id]["outbox"][0])
        record = {"messageId": "m-1", "receiptHandle": "r", "body": json.dumps(requested), "attributes": {}}
        start = {"Records": [record | {"messageAttributes": {}, "eventSource": "aws:sqs"}]}
        assert self.invoke("JobsStartFunction", start) == {"batchItemFailures": []}
        described = ended(execution_of(requested["data"]["kind"], job_id))
        assert described["status"] == ends_as, (described, self.invocations)
        return self.job(job_id)

    def file(self, job: dict[str, Any]) -> bytes:
        """The job's file, by the link's key."""
        key = re.search(r"results/job_[0-9a-f]+\.[a-z]+", job["result"]["url"])
        assert key
        data: bytes = boto3.client("s3").get_object(Bucket=BUCKET, Key=key[0])["Body"].read()
        return data

    def files(self) -> list[str]:
        """The keys of the files in the bucket of jobs."""
        answer = boto3.client("s3").list_objects_v2(Bucket=BUCKET)
        return [stored["Key"] for stored in answer.get("Contents", [])]

    def items(self, table: str) -> dict[str, dict[str, Any]]:
        """The items of a table by their partition key."""
        pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table)
        items = [from_item(item) for page in pages for item in page["Items"]]
        return {item["pk"]: item for item in items}

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """A function's answer; raises its exception. Functions run one at a time: each has the process to itself."""
        declared = self._template.functions[function]
        with self._one_at_a_time, patch.dict("os.environ", declared.environment):
            work = f"{function}.{event['step']}" if "step" in event else function
            self.invocations[work] += 1
            if actions := self._before.get(work):
                actions.pop(0)()
            return importlib.import_module(declared.module).handler(event, FakeLambdaContext())

    def answer(self, function: str, payload: str) -> dict[str, Any]:
        """Lambda's answer to a state machine."""
        self.largest_state = max(self.largest_state, len(payload))
        try:
            result = self.invoke(function, json.loads(payload))
        except Killed:
            return _failed("Runtime.ExitError", "signal: killed")
        except Exception as error:  # noqa: BLE001 - as Lambda does: the class of any exception is the error's name
            return _failed(type(error).__name__, str(error))
        body = json.dumps(result).encode()
        self.largest_state = max(self.largest_state, len(body))
        return {"StatusCode": 200, "Payload": io.BytesIO(body)}


def execution_of(kind: str, job_id: str) -> str:
    """The simulated ARN of a job's execution."""
    machine = "".join(word.title() for word in kind.split("_"))
    return f"{arn_of(machine).replace(':stateMachine:', ':execution:')}:{job_id}"


def arn_of(machine: str) -> str:
    """The simulated ARN of a state machine, by its logical id."""
    return f"arn:aws:states:eu-central-1:123456789012:stateMachine:{machine}"


def ended(execution: str) -> dict[str, Any]:
    """The execution, by its ARN, once it has ended."""
    sfn = boto3.client("stepfunctions")
    deadline, pause = time.monotonic() + 120, threading.Event()
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
    """A simulated account in which jobs run."""
    template = Template()
    world = JobsWorld(template)
    _point_functions_at_machines(template)
    with interpreting(monkeypatch, world.answer):
        _clear_caches()
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
    _clear_caches()


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


def _clear_caches() -> None:
    for module, names in _CACHES.items():
        for name in names:
            getattr(importlib.import_module(module), name).cache_clear()

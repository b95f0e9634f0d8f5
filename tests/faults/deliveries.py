"""How each piece of pending work is done: requests, streams, messages and tasks, as AWS delivers and repeats them."""

import json
from typing import Any

from tests.component.rest_events import rest_event
from tests.faults import faults
from tests.faults.faults import Call, Ended
from tests.faults.functions import Functions
from tests.faults.machine import Execution, part_of
from tests.faults.requests import failed_refund
from tests.faults.tables import REGION
from tests.faults.world import Work

# How often a client repeats a request that got no answer, or "try again".
CLIENT_TRIES = 6
# The batch sizes here: large enough for every order of a scenario.
_BATCH = 10
_CAUSE = "as the schedule has it"
# The event of a schedule.
SCHEDULED = {"source": "aws.events", "detail-type": "Scheduled Event"}
# How Lambda refuses to run a function.
_REFUSED = {"unsent": "Lambda.ServiceException", "throttled": "Lambda.TooManyRequestsException"}


class Deliveries(Functions):
    """Does the pending work, piece by piece."""

    def _do(self, work: Work, fault: str | None) -> None:
        self._depth += 1
        self._kind, before = work.kind, self._kind
        try:
            match work.kind:
                case "request":
                    self._request(work, fault)
                case "stream":
                    self._stream(work, fault)
                case "message":
                    self._messages(work, fault)
                case "task":
                    self._task(work, fault)
                    self._let_arrive()
                case "schedule":
                    self._scheduled(work, fault)
                case "bounce":
                    refund, intent = self._bounced[0]
                    now = int(self.clock.now().timestamp())
                    self._request(failed_refund(refund, intent, now), fault)
                case "arrival":
                    self._arrival(work)
        finally:
            self._kind = before
            self._depth -= 1
        self._collect_streams()

    @property
    def _bounced(self) -> list[tuple[dict[str, Any], str]]:
        """Each refund that the provider accepted and that failed after all, with its intent."""
        return [
            (refund, intent["id"])
            for intent in (item.plain for item in self.tables.items("PaymentsSandboxTable"))
            for refund in intent.get("refunds", [])
            if refund["status"] == "failed"
        ]

    def _request(self, work: Work, fault: str | None) -> None:
        about = work.about
        if fault in ("dup", "dup-late"):
            again = Work(work.kind, about, again=True)
            (self.world.latest if fault == "dup-late" else self.world.pending).append(again)
        path = about["path"]
        event = rest_event(
            about["method"], path, body=about["body"], headers=about["headers"], claims=about["claims"]
        )
        try:
            answer = self._invoke(about["function"], event)
        except Ended as ended:
            self._say(f"    {ended.error}")
            answer = {"statusCode": 502, "body": "{}"}
        if fault == "unheard":
            answer = {"statusCode": 504, "body": "{}"}
        if answer["statusCode"] >= 500 or answer["statusCode"] == 429:
            if work.receives + 1 < CLIENT_TRIES:
                self.world.pending.append(Work(work.kind, about, work.receives + 1, work.again))
            return
        body = json.loads(answer["body"])
        made = body.get("return_id") or body.get("order_id", "")
        self._say(f"    {answer['statusCode']} {made}")
        self.world.answered.append((about["name"], answer["statusCode"], made))

    def _stream(self, work: Work, fault: str | None) -> None:
        table = work.about["table"]
        records = self.world.streams[table][:_BATCH]
        for _ in range(2 if fault == "dup" else 1):
            left = self._relay(table, records)
            if left:
                break
        kept = left + self.world.streams[table][len(records) :]
        self.world.streams[table] = kept
        if kept:
            self.world.pending.append(Work("stream", work.about))

    def _relay(self, table: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Hands a batch to the table's relay; returns what the stream has to deliver again."""
        try:
            answer = self._invoke(self.template.relays[table], {"Records": records})
        except Ended:
            return records
        except Exception as error:  # noqa: BLE001 - as Lambda does: the batch failed, whatever it was
            self._say(f"    {type(error).__name__}")
            return records
        failed = {entry["itemIdentifier"] for entry in answer["batchItemFailures"]}
        for position, record in enumerate(records):
            if record["dynamodb"]["SequenceNumber"] in failed:
                return records[position:]
        return []

    def _messages(self, work: Work, fault: str | None) -> None:
        """Delivers the message, with all others that wait for the same function, unless they may still cross."""
        function = work.about["function"]
        if not work.receives:
            self.world.clock += work.about.get("delay", 0)
        if fault in ("broken", "deaf"):
            self._break(function, fault)
        batch: list[Work] = [work]
        others: list[Work] = []
        most = 1 if fault or self.world.crossings else _BATCH
        for other in self.world.pending:
            same = other.kind == "message" and other.about["function"] == function
            (batch if same and len(batch) < most else others).append(other)
        self.world.pending = others
        if fault in ("dup", "dup-late"):
            again = Work("message", work.about, again=True)
            if fault == "dup":
                self.world.pending.insert(0, again)
            else:
                self.world.latest.append(again)
        event = {"Records": [sqs_record(position, message) for position, message in enumerate(batch)]}
        failed = self._consumed(function, event)
        if failed and self._depth == 1:
            # The visibility timeout has passed by then. Between two calls of another function no time passes.
            self.world.clock += 60
        for record, message in zip(event["Records"], batch, strict=True):
            if record["messageId"] not in failed:
                continue
            if message.receives + 1 < self.template.receives[function]:
                self.world.pending.append(Work("message", message.about, message.receives + 1, message.again))
            else:
                self._say(f"    dead letter: {message}")
                self.world.dead_letters.append(Work("message", message.about, again=message.again))

    def _consumed(self, function: str, event: dict[str, Any]) -> set[str]:
        """Hands a batch to a consumer; returns which messages it did not do."""
        everything = {record["messageId"] for record in event["Records"]}
        broken = self.world.broken.get(function)
        try:
            if broken == "broken":
                raise Ended(faults.KILLED)
            answer = self._invoke(function, event)
            if broken == "deaf":
                raise Ended(faults.OUT_OF_TIME)
        except Ended as ended:
            self._say(f"    {ended.error}")
            return everything
        except Exception as error:  # noqa: BLE001 - as Lambda does: the batch failed, whatever it was
            self._say(f"    {type(error).__name__}")
            return everything
        return {entry["itemIdentifier"] for entry in answer["batchItemFailures"]}

    def _task(self, work: Work, fault: str | None) -> None:
        execution_id = work.about["execution"]
        execution = self.world.executions.get(execution_id)
        if execution is None or execution.status != "RUNNING":
            return
        machines = self.template.machines
        function, payload = machines.task(execution)
        self._say(f"    {execution.state} -> {function}")
        if fault in ("broken", "deaf"):
            self._break(part_of(function, payload), fault)
        if fault == "cut":
            self._cut(execution)
            return
        answer, error = self._performed(function, json.loads(json.dumps(payload)), fault)
        if fault == "cut-after":
            self._cut(execution)
            return
        if error:
            self._say(f"    {error[0]}: {error[1][:100]}")
            waiting = machines.fail(self.world.executions, execution_id, *error)
        else:
            waiting = machines.succeed(self.world.executions, execution_id, answer)
        self._enqueue(waiting)
        if execution.machine in self.template.express and execution.status != "RUNNING":
            # Nobody can ask for it any more.
            del self.world.executions[execution_id]

    def _cut(self, execution: Execution) -> None:
        """The execution is no more, and nobody is told."""
        del self.world.executions[execution.execution_id]
        self.world.ever_broken |= {execution.machine}

    def _performed(
        self, function: str, payload: Any, fault: str | None
    ) -> tuple[Any, tuple[str, str] | None]:
        """What a task's function answered, and the error's name and cause where the state machine sees one."""
        broken = self.world.broken.get(part_of(function, payload))
        if fault in _REFUSED:
            return None, (_REFUSED[fault], _CAUSE)
        if broken == "broken":
            return None, (faults.KILLED, _CAUSE)
        answer = None
        try:
            for _ in range(2 if fault == "dup" else 1):
                answer = self._invoke(function, payload)
        except Ended as ended:
            return None, (ended.error, _CAUSE)
        except Exception as raised:  # noqa: BLE001 - as Lambda does: its class is the error's name
            caused = {"errorType": type(raised).__name__, "errorMessage": str(raised)}
            return None, (type(raised).__name__, json.dumps(caused))
        if fault == "unheard" or broken == "deaf":
            return None, ("States.Timeout", _CAUSE)
        return answer, None

    def _scheduled(self, work: Work, fault: str | None) -> None:
        """Runs a scheduled function; one that fails comes again with the next round."""
        if fault == "unsent":
            return
        for _ in range(2 if fault == "dup" else 1):
            try:
                self._invoke(work.about["function"], SCHEDULED)
            except Ended as ended:
                self._say(f"    {ended.error}")
            except Exception as error:  # noqa: BLE001 - as Lambda does: the run failed, whatever it was
                self._say(f"    {type(error).__name__}: {error}")

    def _let_arrive(self) -> None:
        """A task has ended: what was to come so much later comes next."""
        waiting = [(tasks - 1, arrival) for tasks, arrival in self.world.soon]
        self.world.soon = [entry for entry in waiting if entry[0]]
        self.world.pending[:0] = [arrival for tasks, arrival in waiting if not tasks]

    def _break(self, part: str, how: str) -> None:
        self.world.broken[part] = how
        self.world.ever_broken |= {part}

    def _arrival(self, work: Work) -> None:
        about = work.about
        answer = self._effect(Call("", about["service"], about["operation"], about["arguments"]))
        if answer.error:
            self._say(f"    {answer.error}")

    def _collect_streams(self) -> None:
        """Moves what the tables' streams have for the relays to where it waits for them."""
        written, self.tables.written = self.tables.written, []
        for table, record in written:
            if not self.template.reaches_its_relay(table, record):
                continue
            self.world.streams[table] = [*self.world.streams.get(table, []), record]
            if not any(work.kind == "stream" and work.about["table"] == table for work in self.world.pending):
                self.world.pending.append(Work("stream", {"table": table}))


def sqs_record(position: int, work: Work) -> dict[str, Any]:
    """The record of a message, as a consumer's batch has it."""
    return {
        "messageId": f"{work.about['message_id']}/{position}",
        "receiptHandle": "r",
        "body": work.about["body"],
        "attributes": {"ApproximateReceiveCount": str(work.receives + 1)},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:queue",
        "awsRegion": REGION,
    }

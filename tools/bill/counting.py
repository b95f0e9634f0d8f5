"""Counts what AWS bills of recorded facts; each rule has the AWS page that it comes from.

- A message or request of up to 64 KB is one, a larger one counts once for each 64 KB begun. That is so for SNS
  (https://aws.amazon.com/sns/pricing/) and for SQS (https://aws.amazon.com/sqs/pricing/).
- Each entry of a batch to SNS counts. SNS delivers to queues at no charge.
- Lambda's pollers receive a batch by one request and delete it by another; both count
  (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html).
- A request receives ten messages at most, so a larger batch takes several
  (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html).
- Reading a table's stream for Lambda is free (https://aws.amazon.com/dynamodb/pricing/on-demand/).
- A STANDARD execution counts its transitions; an EXPRESS one its request, and its time in whole 100 ms by memory in
  64 MB chunks (https://aws.amazon.com/step-functions/pricing/).
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import Any

from tools.bill import log_lines
from tools.bill.capacity import Consistency, get_units, item_size, query_units
from tools.bill.declared import Declared, is_true, target
from tools.bill.durations import AS_MEASURED, Model
from tools.bill.recording import Fact
from tools.bill.usage import Usage

_CHUNK_BYTES = 64 * 1024
_PUSH_BYTES = 32 * 1024
_MESSAGES_AT_ONCE = 10
_GB = 1024**3
_EXPRESS_GB = 64 / 1024
_EXPRESS_STEP_SECONDS = 0.1
# DynamoDB adds these to each stored item and to each entry of an index:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
_STORED_ITEM_BYTES = 100
# S3 deletes at no charge.
_FREE_S3 = "DELETE"


@dataclass(frozen=True)
class Traffic:
    """How many orders the facts are of, and how many a second the shop is meant to get."""

    orders: int
    per_second: float


@dataclass(frozen=True)
class Count:
    """Counts facts of the stack that `declared` describes."""

    declared: Declared
    traffic: Traffic
    model: Model = AS_MEASURED

    def of(self, facts: Sequence[Fact]) -> list[Usage]:
        """What AWS bills by use. The costs of a month without use are not in it."""
        by_kind: dict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            by_kind[fact["kind"]].append(fact)
        return [
            *self._requests(by_kind["request"]),
            *(Usage("API", "pushes", "api.messages", _chunks(fact, _PUSH_BYTES)) for fact in by_kind["push"]),
            *self._functions(by_kind["invocation"], by_kind["call"]),
            *self._writes(by_kind["write"]),
            *self._reads(by_kind["read"]),
            *(Usage("SNS", fact["topic"], "sns.publishes", _chunks(fact)) for fact in by_kind["publish"]),
            *self._queues([*by_kind["receive"], *by_kind["delete"]]),
            *self._executions(by_kind["execution"]),
            *_calls(by_kind["call"]),
            *self._traces(by_kind["request"], by_kind["invocation"]),
        ]

    def unpriced(self, facts: Iterable[Fact]) -> list[str]:
        """The calls of AWS that no rule here knows: the bill may lack their price."""
        known = {"dynamodb", "sns", "sqs", "states", "s3", "ses", "kms", "secretsmanager", "events", "sts"}
        free = {"cognito-idp", "lambda"}
        return sorted(
            {
                f"{fact['service']} {fact['action']}"
                for fact in facts
                if fact["kind"] == "call" and fact["service"] not in known | free
            }
        )

    def _requests(self, requests: list[Fact]) -> Iterator[Usage]:
        for fact in requests:
            cause = f"{fact['method']} requests"
            yield Usage("API", cause, "api.requests", 1)
            yield Usage("Data transfer", "answers", "transfer.gb", fact["bytes"] / _GB)
            format_ = self.declared.stages[fact["api"]].get("AccessLogSetting", {}).get("Format", "")
            if format_:
                size = log_lines.access_bytes(format_, fact["path"])
                yield self._logged("API access lines", size, "")

    def _functions(self, invoked: list[Fact], calls: list[Fact]) -> Iterator[Usage]:
        called: dict[str, Counter[str]] = defaultdict(Counter)
        for fact in calls:
            called[fact["caller"]][fact["service"]] += 1
        by_function: dict[str, list[Fact]] = defaultdict(list)
        for fact in invoked:
            by_function[fact["function"]].append(fact)
        for name, facts in by_function.items():
            properties = self.declared.functions[name]
            share = self._share_of_batches(facts)
            waits = {service: number / len(facts) for service, number in called[name].items()}
            memory = int(properties.get("MemorySize", 128))
            seconds = self.model.billed_seconds(_cpu_seconds(facts), memory, waits)
            architecture = properties.get("Architectures", ["x86_64"])[0]
            yield Usage("Lambda", name, "lambda.requests", len(facts) * share)
            yield Usage(
                "Lambda",
                name,
                f"lambda.gb_seconds.{architecture}",
                len(facts) * seconds * memory / 1024,
            )
            yield from self._function_logs(name, facts, share)

    def _function_logs(self, name: str, facts: list[Fact], share: float) -> Iterator[Usage]:
        properties = self.declared.functions[name]
        logging = properties.get("LoggingConfig", {})
        group = target(logging.get("LogGroup"))
        for fact in facts:
            for kind, size in log_lines.own_lines(fact["log"], logging):
                yield self._logged(kind, size, group)
        traced = properties.get("TracingConfig", {}).get("Mode") == "Active"
        of_one = log_lines.platform_bytes(logging, is_traced=traced)
        yield self._logged("Lambda's START, END and REPORT", of_one * len(facts) * share, group)

    def _share_of_batches(self, facts: list[Fact]) -> float:
        """How many invocations there are on AWS for each one here."""
        origin = facts[0]["source"]
        messages: int = sum(fact["records"] for fact in facts)
        if batch := self._gathered(messages, origin, facts[0]["function"]):
            return min(1.0, messages / batch / len(facts))
        alone = self.model.each_message_alone and origin in self.declared.queues_read
        return messages / len(facts) if alone else 1.0

    def _gathered(self, messages: int, origin: str, function: str = "") -> float:
        """How many messages a batch window gathers, which the embedded cloud does not do; 0 without a window."""
        source = self.declared.event_sources.get((origin, function)) or self.declared.queues_read.get(
            origin, {}
        )
        arriving = float(source.get("MaximumBatchingWindowInSeconds", 0)) * self.traffic.per_second
        arriving *= messages / self.traffic.orders
        return min(float(source.get("BatchSize", 10)), max(1.0, arriving)) if arriving else 0.0

    def _writes(self, writes: list[Fact]) -> Iterator[Usage]:
        for fact in writes:
            table = self.declared.tables[fact["table"]]
            units = table.write_units(fact["before"], fact["after"], in_transaction=fact["in_transaction"])
            for place, number in units.items():
                cause = table.name if place == table.name else f"{table.name}/{place}"
                yield Usage("DynamoDB writes", cause, "dynamodb.writes", number)

    def _reads(self, reads: list[Fact]) -> Iterator[Usage]:
        for fact in reads:
            cause = "/".join(filter(None, (fact["table"], fact["index"])))
            consistency = Consistency[fact["consistency"]]
            if fact["operation"] == "get":
                units = get_units(fact["items"][0], consistency)
            else:
                units = query_units(fact["items"], consistency)
            yield Usage("DynamoDB reads", cause, "dynamodb.reads", units)

    def stored_bytes(self, facts: Iterable[Fact]) -> tuple[int, int]:
        """The bytes that the writes added to tables and to their indexes; the first figure is without the indexes."""
        tables = indexes = 0
        for fact in facts:
            if fact["kind"] != "write":
                continue
            before, after = fact["before"], fact["after"]
            tables += _stored(after) - _stored(before)
            for index in self.declared.tables[fact["table"]].indexes:
                indexes += _stored(index.entry(after)) - _stored(index.entry(before))
        return tables, tables + indexes

    def _queues(self, polls: list[Fact]) -> Iterator[Usage]:
        by_queue: dict[str, list[Fact]] = defaultdict(list)
        for fact in polls:
            by_queue[fact["queue"]].append(fact)
        for queue, facts in by_queue.items():
            received = [fact for fact in facts if fact["kind"] == "receive"]
            deleted = [fact["messages"] for fact in facts if fact["kind"] == "delete"]
            messages: int = sum(fact["messages"] for fact in received)
            receives: float = sum(_chunks(fact) for fact in received)
            deletes: float = sum(ceil(number / _MESSAGES_AT_ONCE) for number in deleted)
            if batch := self._gathered(messages, queue):
                at_once = min(batch, _MESSAGES_AT_ONCE)
                size = at_once * sum(fact["bytes"] for fact in received) / messages
                deletes = messages / at_once
                receives = deletes * _chunks({"bytes": size})
            if self.model.each_message_alone:
                receives = messages
                deletes = deletes if batch else messages
            yield Usage("SQS", queue, "sqs.requests", receives + deletes)

    def _executions(self, executions: list[Fact]) -> Iterator[Usage]:
        for fact in executions:
            name = fact["machine"]
            properties = self.declared.machines[name]
            if properties.get("StateMachineType") == "EXPRESS":
                seconds = self.model.executions * fact["seconds"]
                seconds = ceil(seconds / _EXPRESS_STEP_SECONDS) * _EXPRESS_STEP_SECONDS
                yield Usage("Step Functions", name, "states.express_requests", 1)
                yield Usage("Step Functions", name, "states.express_gb_seconds", seconds * _EXPRESS_GB)
            else:
                yield Usage("Step Functions", name, "states.transitions", fact["transitions"])
            logging = properties.get("LoggingConfiguration", {})
            size = log_lines.machine_bytes(
                name, fact["execution"], fact["events"], logging, fact["input_bytes"]
            )
            yield self._logged("state machines' history", size, _machine_group(logging))

    def _logged(self, kind: str, size: float, group: str) -> Usage:
        declared = self.declared.resources.get(group, {}).get("Properties", {})
        is_infrequent = declared.get("LogGroupClass") == "INFREQUENT_ACCESS"
        return Usage("Logs", kind, "logs.infrequent_gb" if is_infrequent else "logs.gb", size / _GB)

    def _traces(self, requests: list[Fact], invoked: list[Fact]) -> Iterator[Usage]:
        """X-Ray's default rule records the first trace of each second and 5 % of the others.

        https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html. A trace begins with a request, and
        with a stream's batch; queues and state machines go on with the trace of their sender.
        """
        begun = sum(is_true(self.declared.stages[fact["api"]].get("TracingEnabled")) for fact in requests)
        begun += sum(
            self.declared.functions[fact["function"]].get("TracingConfig", {}).get("Mode") == "Active"
            for fact in invoked
            if fact["trigger"] in {"stream", "schedule"}
        )
        if begun:
            a_second = begun / self.traffic.orders * self.traffic.per_second
            sampled = sampled_share(a_second)
            yield Usage("X-Ray", "traces", "xray.traces", begun * sampled)


def sampled_share(a_second: float) -> float:
    """The share of traces that X-Ray's default rule records, of so many that begin a second."""
    return 1.0 if a_second <= 1 else (1 + 0.05 * (a_second - 1)) / a_second


def metrics(facts: Iterable[Fact]) -> set[tuple[str, str, str]]:
    """The custom metrics that functions write in their logs: namespace, dimensions with their values, and name."""
    found = set()
    for fact in facts:
        for line in fact.get("log", "").splitlines():
            if '"_aws"' not in line:
                continue
            written = json.loads(line)
            for directive in written["_aws"]["CloudWatchMetrics"]:
                for names in directive["Dimensions"]:
                    values = ",".join(f"{name}={written[name]}" for name in sorted(names))
                    found |= {
                        (directive["Namespace"], values, metric["Name"]) for metric in directive["Metrics"]
                    }
    return found


def _calls(calls: list[Fact]) -> Iterator[Usage]:
    for fact in calls:
        match fact["service"]:
            case "sqs":
                yield Usage("SQS", f"{fact['caller']} {fact['action']}", "sqs.requests", _chunks(fact))
            case "s3" if not fact["action"].startswith(_FREE_S3):
                reads = fact["action"].startswith(("GET", "HEAD")) and "?list-type" not in fact["action"]
                yield Usage("S3", fact["caller"], "s3.reads" if reads else "s3.writes", 1)
            case "kms":
                yield Usage("KMS", fact["caller"], "kms.requests", 1)
            case "secretsmanager":
                yield Usage("Secrets Manager", fact["caller"], "secrets.requests", 1)
            case "events":
                yield Usage("EventBridge", fact["caller"], "events.events", 1)
            case "ses" if "outbound-emails" in fact["action"] or "Send" in fact["action"]:
                yield Usage("Mail", fact["caller"], "ses.mails", 1)


def _cpu_seconds(facts: list[Fact]) -> float:
    """The CPU time of a warm invocation; of all, if none was warm; the time on the clock, if there is no CPU time."""
    chosen = [fact for fact in facts if not fact["cold"]] or facts
    taken: list[float] = [
        fact["wall_seconds"] if fact["cpu_seconds"] is None else fact["cpu_seconds"] for fact in chosen
    ]
    return median(taken)


def _chunks(fact: Fact, size: int = _CHUNK_BYTES) -> int:
    return max(1, ceil(int(fact["bytes"]) / size))


def _stored(item: Any) -> int:
    return item_size(item) + _STORED_ITEM_BYTES if item else 0


def _machine_group(logging: dict[str, Any]) -> str:
    for destination in logging.get("Destinations", []):
        return target(destination["CloudWatchLogsLogGroup"]["LogGroupArn"])
    return ""

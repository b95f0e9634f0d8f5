"""One run: the journeys of each kind of order, and the schedules by themselves, recorded on the embedded stack."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.bill import idle
from tools.bill.counting import Count, Traffic, metrics
from tools.bill.declared import Declared
from tools.bill.durations import AS_MEASURED, PROVIDER_WAIT, Model
from tools.bill.journeys import Journeys
from tools.bill.recording import Fact, Recording, named, of_functions, of_orders, recording
from tools.bill.usage import Usage, added
from tools.console import Progress
from tools.shop import seed
from tools.stack import Stack
from tools.waiting import wait_for

MILLION = 1_000_000
_WARM_UP = 3
_LONGEST_SECONDS = 90
_SCHEDULED_EVENT = {"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}


@dataclass
class Measured:
    """What a run recorded: the facts of each kind of order, and those of one run of each schedule."""

    declared: Declared
    orders: dict[str, int]
    per_second: float
    facts: dict[str, list[Fact]] = field(default_factory=dict)
    provider_requests: dict[str, int] = field(default_factory=dict)
    schedules: dict[str, list[Fact]] = field(default_factory=dict)

    def per_million(self, kind: str, model: Model = AS_MEASURED) -> list[Usage]:
        """The usages of a million orders of a kind."""
        orders = self.orders[kind]
        counted = Count(self.declared, Traffic(orders, self.per_second), model).of(self.facts[kind])
        counted += self._waiting_for_provider(kind, model)
        return [usage.times(MILLION / orders) for usage in added(counted)]

    def unpriced(self) -> list[str]:
        """The calls of AWS that the bill knows no price for."""
        count = Count(self.declared, Traffic(1, self.per_second))
        return sorted({call for facts in self.facts.values() for call in count.unpriced(facts)})

    def stored_gb(self, kind: str) -> tuple[float, float]:
        """The GB that a million orders of a kind leave in tables: without their indexes, and with them."""
        count = Count(self.declared, Traffic(self.orders[kind], self.per_second))
        factor = MILLION / self.orders[kind] / 1024**3
        without, with_indexes = count.stored_bytes(self.facts[kind])
        return without * factor, with_indexes * factor

    def idle_month(self, pollers: int = idle.LEAST_POLLERS) -> list[Usage]:
        """The usages of a month without orders; see `idle.standing`."""
        usages = idle.standing(self.declared, pollers)
        for name, (expression, target) in self.declared.schedules.items():
            facts, runs = self.schedules.get(target, []), idle.runs_a_month(expression)
            count = Count(self.declared, Traffic(1, runs / idle.MONTH_SECONDS))
            usages += [usage.times(runs) for usage in count.of(facts)]
            usages.append(idle.scheduled_metrics(len(metrics(facts)), runs))
            if self.declared.resources[name]["Type"] == "AWS::Scheduler::Schedule":
                usages.append(Usage("EventBridge", name, "scheduler.invocations", runs))
        return added(usages)

    def busy_month(self) -> list[Usage]:
        """What a month with orders costs for metrics and for keys of topics, however many orders there are."""
        facts = [fact for several in self.facts.values() for fact in several]
        idle_metrics = {metric for several in self.schedules.values() for metric in metrics(several)}
        written = metrics(facts) - idle_metrics
        methods: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for fact in facts:
            if fact["kind"] == "request":
                methods[fact["api"]].add((fact["method"], self._route(fact["path"])))
        usages = idle.metrics_of_methods(self.declared, methods) + idle.keys_of_topics(self.declared)
        by_namespace = Counter(dimensions for _, dimensions, _ in written)
        usages += [
            Usage("Metrics", f"custom, {dimensions}", "cloudwatch.metrics", number)
            for dimensions, number in by_namespace.items()
        ]
        return added(usages)

    @staticmethod
    def _route(path: str) -> str:
        """A path without its ids: their parts have digits."""
        return "/".join("{}" if any(c.isdigit() for c in part) else part for part in path.split("/"))

    def _waiting_for_provider(self, kind: str, model: Model) -> list[Usage]:
        callers = self.declared.provider_callers
        if not callers:
            return []
        properties = max(
            (self.declared.functions[name] for name in callers),
            key=lambda found: found.get("MemorySize", 128),
        )
        seconds = self.provider_requests[kind] * PROVIDER_WAIT * model.waits
        architecture = properties.get("Architectures", ["x86_64"])[0]
        gb_seconds = seconds * int(properties.get("MemorySize", 128)) / 1024
        return [
            Usage(
                "Lambda", "waiting for the payment provider", f"lambda.gb_seconds.{architecture}", gb_seconds
            )
        ]


def measure(stack: Stack, *, orders: int, per_second: float, say: Callable[[str], None]) -> Measured:
    """Places the orders and records what they and the schedules cause; `say` shows the progress."""
    declared = Declared.for_production()
    some = max(1, orders // 2)
    measured = Measured(declared, {"fulfilled": orders, "rejected": some, "cancelled": some}, per_second)
    seed.load(stack)
    with recording(stack) as running:
        journeys = Journeys(stack, declared, running, Progress(say))
        journeys.stock_up(sum(measured.orders.values()) + _WARM_UP * len(measured.orders))
        say("warming up")
        for kind in measured.orders:
            getattr(journeys, kind)(_WARM_UP)
        for target in {target for _, target in declared.schedules.values()}:
            say(f"running {target} once")
            measured.schedules[target] = _one_run(stack, declared, running, target, journeys)
        for kind, number in measured.orders.items():
            say(f"placing {number} orders that will be {kind}")
            running.restart()
            getattr(journeys, kind)(number)
            facts = named(running.facts(), stack, declared)
            measured.facts[kind] = of_orders(facts, declared)
            measured.provider_requests[kind] = sum(
                fact["kind"] == "request" and fact["api"] not in declared.stages for fact in facts
            )
    return measured


def _one_run(
    stack: Stack, declared: Declared, running: Recording, target: str, journeys: Journeys
) -> list[Fact]:
    """The facts of one run, after another one that started its execution environment."""
    names = {target}
    if target in declared.functions:
        function, event = stack.resource(target), json.dumps(_SCHEDULED_EVENT)
        stack.client("lambda").invoke(FunctionName=function, Payload=event)
        journeys.settle()
        running.restart()
        stack.client("lambda").invoke(FunctionName=function, Payload=event)
    else:
        running.restart()
        machines = stack.client("stepfunctions")
        started = machines.start_execution(stateMachineArn=stack.resource(target), input="{}")["executionArn"]
        wait_for(
            lambda: machines.describe_execution(executionArn=started)["status"] != "RUNNING",
            f"the end of {target}",
            seconds=_LONGEST_SECONDS,
        )
        journeys.settle()
        names = set(declared.functions) | {target}
    facts = named(running.facts(), stack, declared)
    journeys.settle()
    return [fact for fact in of_functions(facts, names) if fact.get("trigger") != "queue"]

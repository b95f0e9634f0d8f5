"""`make new-service`, `new-route`, `new-event` and `new-consumer`: they write it all, or change nothing."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.contracts.deployed import BUDGET, LIMIT, deployed
from tools.new.changes import Changes
from tools.new.example_events import require_known
from tools.new.parts import Consumer, NewEvent, Route
from tools.new.plan import Plan
from tools.new.service import changes_for


def register(subcommands: Subcommands) -> None:
    """Registers `new-service`, `new-route`, `new-event` and `new-consumer`."""
    service = add_command(subcommands, "new-service", _service, description="make a service")
    service.add_argument("name", help="in the plural: returns, gift-cards")
    service.add_argument("--thing", default="", help="one of its things (default: the name in the singular)")
    service.add_argument(
        "--routes", action="store_true", help="routes by which customers open, list, read and close"
    )
    service.add_argument("--table", action="store_true", help="a table with an outbox, and its relay")
    service.add_argument(
        "--consumes", type=_types, default=(), metavar="TYPES", help="follow these types of events"
    )
    service.add_argument(
        "--projects",
        type=_types,
        default=(),
        metavar="TYPES",
        help="keep a projection of these types of events",
    )
    service.add_argument(
        "--schedule", default="", metavar="EXPRESSION", help='run by the clock: "rate(1 hour)"'
    )
    service.add_argument(
        "--steps", action="store_true", help="a step of the order saga, and its compensation"
    )
    service.add_argument(
        "--beyond-budget", action="store_true", help=f"go beyond {BUDGET} resources, up to {LIMIT}"
    )

    route = add_command(subcommands, "new-route", _route, description="make a route of a service")
    route.add_argument("service")
    route.add_argument("path", help="/gift-cards/{gift_card_id}/history")
    route.add_argument("--operation", required=True, help="the name of its function: read_history")
    route.add_argument("--access", default="customer", choices=("anyone", "signed-in", "customer"))

    event = add_command(
        subcommands, "new-event", _event, description="make a type of event that a service publishes"
    )
    event.add_argument("service")
    event.add_argument("type", help="gift_card.spent")
    event.add_argument("--meaning", required=True, help='a sentence: "The card has no money left."')

    consumer = add_command(
        subcommands, "new-consumer", _consumer, description="make a consumer with a queue of its own"
    )
    consumer.add_argument("service")
    consumer.add_argument("name", help="the name of its module, a verb: erase")
    consumer.add_argument(
        "--events", type=_types, required=True, metavar="TYPES", help="order.fulfilled,order.cancelled"
    )
    consumer.add_argument(
        "--beyond-budget", action="store_true", help=f"go beyond {BUDGET} resources, up to {LIMIT}"
    )


def _service(arguments: argparse.Namespace) -> None:
    plan = Plan(
        name=arguments.name,
        thing=arguments.thing,
        routes=arguments.routes,
        table=arguments.table,
        consumes=arguments.consumes,
        projects=arguments.projects,
        schedule=arguments.schedule,
        steps=arguments.steps,
    )
    if not plan.has_table and not plan.follows and sys.stdin.isatty():
        plan = _asked(plan)
    _make(changes_for(plan), beyond_budget=arguments.beyond_budget)
    print(f"services/{plan.package}/README.md says what it has. docs/new-service.md says what to do next.")
    if plan.steps:
        print(
            "Each order takes its step now: docs/new-service.md#a-step-of-the-saga says where, and what it costs."
        )


def _route(arguments: argparse.Namespace) -> None:
    route = Route(
        arguments.service, arguments.path, arguments.operation, arguments.access.replace("-", "_").upper()
    )
    _make(route.changes())


def _event(arguments: argparse.Namespace) -> None:
    _make(NewEvent(arguments.service, arguments.type, arguments.meaning).changes())


def _consumer(arguments: argparse.Namespace) -> None:
    consumer = Consumer(arguments.service, arguments.name, arguments.events)
    _make(consumer.changes(), beyond_budget=arguments.beyond_budget)


def _make(changes: Changes, *, beyond_budget: bool = False) -> None:
    """Makes the changes; says how many resources they take, and raises StepError beyond the budget."""
    before = len(deployed()["Resources"])
    # What takes no resource is welcome in a stack that is beyond the budget already.
    allowed = LIMIT if beyond_budget else max(BUDGET, before)
    after = int(changes.make("tools.new.renew", str(before), str(allowed)).split()[-1])
    for name in changes.files:
        print(f"  {name}")
    print(f"{after - before} more resources: {after} of {BUDGET}, so {max(BUDGET - after, 0)} are left.")
    if after > BUDGET:
        print(f"CloudFormation takes {LIMIT}. `make template` says which service takes how many.")


def _asked(plan: Plan) -> Plan:
    """The plan with the answers of the person at the terminal. An answer that is not valid is asked for again.

    Raises StepError for a name that no service can have, before it asks, and if the person ends the questions.
    """
    plan.check_name()
    for option, read, question in _QUESTIONS:
        if not getattr(plan, option):
            plan = _answered(plan, option, read, question)
    return plan


def _answered(plan: Plan, option: str, read: Callable[[str], Any], question: str) -> Plan:
    while True:
        try:
            answered = replace(plan, **{option: read(input(f"{question} ").strip())})
            answered.check_options()
            require_known((*answered.consumes, *answered.projects))
        except StepError as error:
            print(error.explain())
        except EOFError:
            print()
            raise StepError("Not all questions were answered.", "Nothing was changed.") from None
        else:
            return answered


def _is_yes(answer: str) -> bool:
    if answer.lower() not in {"y", "yes", "n", "no", ""}:
        raise StepError(f"{answer!r} is neither yes nor no.", "Answer y or n.")
    return answer.lower() in {"y", "yes"}


def _types(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.replace(",", " ").split() if part)


_QUESTIONS: tuple[tuple[str, Callable[[str], Any], str], ...] = (
    ("thing", str, "One of them is called (empty: the name in the singular)?"),
    ("routes", _is_yes, "Routes by which customers open, list, read and close them (y/n)?"),
    ("table", _is_yes, "A table with an outbox (y/n; routes, schedule and steps bring it)?"),
    ("consumes", _types, "Types of events to follow, with commas (empty: none)?"),
    ("projects", _types, "Types of events to keep a projection of (empty: none)?"),
    ("schedule", str, "A schedule, as rate(1 hour) (empty: none)?"),
    ("steps", _is_yes, "A step of the order saga, with its compensation (y/n)?"),
)
"""Each option of a plan, how to read an answer, and the question."""

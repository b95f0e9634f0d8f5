"""`python -m tools <command>`: starts, fills, inspects and stops the embedded cloud."""

import argparse
import json
import sys

from tools.cloud import deployment, server
from tools.console import StepError, fail, step
from tools.ops import attention as operators
from tools.ops import dead_letters, logs, rebuild, trace
from tools.ops import report as reports
from tools.shop.client import Shop
from tools.stack import Stack
from tools.waiting import NotInTime


def up(_: argparse.Namespace) -> None:
    """Starts the embedded cloud if need be, and brings it to the state of the working tree."""
    with server.exclusively():
        with step("Starting the embedded cloud") as starting:
            started, remark = server.ensure_started()
            left = Stack(started.endpoint)
            if left.status() != "NONE" and not left.is_complete():
                remark = f"started afresh: an earlier deployment ended as {left.status()}"
                started = server.restart(started)
            starting.note(remark)
        deployment.build(started)
        deployment.deploy(started)
    stack = Stack.current()
    print(
        f"\nThe API answers at {stack.api_url}\nAWS APIs answer at {stack.endpoint}; `make logs` shows what happens."
    )


def down(_: argparse.Namespace) -> None:
    """Stops the embedded cloud and forgets what was in it."""
    with server.exclusively(), step("Stopping the embedded cloud") as stopping:
        stopped = server.stop()
        stopping.note(f"process {stopped.pid}" if stopped else "it was not running")


def seed(_: argparse.Namespace) -> None:
    """Fills the catalogue and the stock (again is harmless)."""
    _seed(Stack.current())


def demo(_: argparse.Namespace) -> None:
    """Fills the shop and plays the demo on it."""
    # Imported here, so that a service that does not import keeps nobody from stopping the cloud.
    from tools.shop.demo import Demo, DemoFailed  # noqa: PLC0415 - see above

    stack = Stack.current()
    _seed(stack)
    try:
        Demo(stack).run()
    except DemoFailed as error:
        raise StepError(
            f"The demo went wrong: {error}.", "`make logs` shows what the functions did."
        ) from error


def _seed(stack: Stack) -> None:
    from tools.shop.seed import load  # noqa: PLC0415 - as in `demo`

    with step("Filling the catalogue and the stock") as filling:
        filling.note(f"{load(stack)} products")


def outputs(arguments: argparse.Namespace) -> None:
    """Prints the stack's outputs and its API's address here."""
    stack = Stack.current()
    values = stack.outputs | {"LocalApiUrl": stack.api_url, "LocalEndpoint": stack.endpoint}
    if arguments.json:
        print(json.dumps(values, indent=2))
        return
    width = max(map(len, values))
    for name, value in values.items():
        print(f"{name:<{width}}  {value}")


def show_logs(arguments: argparse.Namespace) -> None:
    """Prints what the functions logged."""
    logs.show(Stack.current(), minutes=arguments.minutes, containing=arguments.grep, follow=arguments.follow)


def token(arguments: argparse.Namespace) -> None:
    """Prints the identity token of somebody new, which is good for an hour."""
    shop = Shop(Stack.current())
    print((shop.admin() if arguments.admin else shop.sign_up("Guest Example")).token)


def watch(arguments: argparse.Namespace) -> None:
    """Prints what becomes of a customer's orders as it happens; without a token, of somebody new."""
    from tools.shop import watch  # noqa: PLC0415 - as in `demo`

    stack = Stack.current()
    if not arguments.token:
        arguments.token = Shop(stack).sign_up("Guest Example").token
        print(f"Order as this customer:\n\n  export API={stack.api_url}\n  export TOKEN={arguments.token}\n")
    watch.watch(stack, arguments.token)


def show_attention(_: argparse.Namespace) -> None:
    """Prints the orders that are parked, and those that are under way for too long."""
    operators.show_attention(Stack.current())


def resume(arguments: argparse.Namespace) -> None:
    """Resumes a parked order and says how that ended."""
    operators.resume(Stack.current(), arguments.order)


def report(arguments: argparse.Namespace) -> None:
    """Has a week's report made by a job, and saves its page."""
    reports.report(Stack.current(), arguments.week)


def show_dead_letters(_: argparse.Namespace) -> None:
    """Prints what lies in each dead-letter queue, and why."""
    dead_letters.show(Stack.operated())


def redrive(arguments: argparse.Namespace) -> None:
    """Gives the messages of a dead-letter queue back to where they came from."""
    dead_letters.redrive(Stack.operated(), arguments.queue, most=arguments.most)


def show_trace(arguments: argparse.Namespace) -> None:
    """Prints the path of one order."""
    trace.show(Stack.operated(), arguments.order, as_json=arguments.json)


def rebuild_projection(arguments: argparse.Namespace) -> None:
    """Makes a projection again from its source."""
    projection = rebuild.projection_of(arguments.projection)
    told = rebuild.rebuild(Stack.operated(), arguments.projection, say=_say_at_once)
    what = "events" if projection.is_made_of_events else "items"
    print(f"{told:,} {what} told to {arguments.projection}.")


def _say_at_once(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    """Runs the command that the arguments name; the exit code to end with."""
    parser = argparse.ArgumentParser(prog="python -m tools", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    commands.add_parser("up", help="start, build and deploy (PORT=... chooses the port)").set_defaults(run=up)
    commands.add_parser("down", help="stop it and forget its data").set_defaults(run=down)
    commands.add_parser("seed", help="fill the catalogue and the stock").set_defaults(run=seed)
    commands.add_parser("demo", help="place real orders and follow them to the mail").set_defaults(run=demo)
    shown = commands.add_parser("outputs", help="show addresses and names of what is deployed")
    shown.add_argument("--json", action="store_true", help="as a JSON object")
    shown.set_defaults(run=outputs)
    logged = commands.add_parser("logs", help="show what the functions logged")
    logged.add_argument("--minutes", type=int, default=15, help="how far to look back (default: 15)")
    logged.add_argument(
        "--grep", default="", metavar="TEXT", help="only lines with this text, e.g. an order id"
    )
    logged.add_argument("--follow", action="store_true", help="go on until interrupted")
    logged.set_defaults(run=show_logs)
    signed_in = commands.add_parser("token", help="sign up somebody new and print their token")
    signed_in.add_argument("--admin", action="store_true", help="somebody who runs the shop")
    signed_in.set_defaults(run=token)
    watched = commands.add_parser("watch", help="show what becomes of a customer's orders as it happens")
    watched.add_argument("--token", default="", help="the customer's identity token (default: somebody new)")
    watched.set_defaults(run=watch)
    commands.add_parser("attention", help="list the orders that are parked, stuck or late").set_defaults(
        run=show_attention
    )
    resumed = commands.add_parser("resume", help="undo what is left of a parked order, and end it")
    resumed.add_argument("order", metavar="ORDER", help="the order's id, ord_...")
    resumed.set_defaults(run=resume)
    traced = commands.add_parser("trace", help="draw the path of one order (STACK=... for a stack on AWS)")
    traced.add_argument("order", metavar="ORDER", help="the order's id, ord_...")
    traced.add_argument("--json", action="store_true", help="as a JSON object")
    traced.set_defaults(run=show_trace)
    rebuilt = commands.add_parser(
        "rebuild", help="make a projection again from its source (STACK=... for a stack on AWS)"
    )
    rebuilt.add_argument(
        "projection",
        metavar="PROJECTION",
        nargs="?",
        default="",
        help=f"{', '.join(rebuild.PROJECTIONS)}; without one they are listed",
    )
    rebuilt.set_defaults(run=rebuild_projection)
    reported = commands.add_parser("report", help="have a week's report made by a job, and save its page")
    reported.add_argument(
        "week",
        nargs="?",
        metavar="WEEK",
        help="an ISO week, e.g. 2026-W10 (default: the last one that is over)",
    )
    reported.set_defaults(run=report)
    commands.add_parser(
        "dlq", help="show what lies in each dead-letter queue (STACK=... for a stack on AWS)"
    ).set_defaults(run=show_dead_letters)
    redriven = commands.add_parser(
        "redrive", help="give dead letters back to where they came from (STACK=... for a stack on AWS)"
    )
    redriven.add_argument(
        "queue", metavar="QUEUE", help="whose, as `dlq` names it, e.g. OrdersStartExecutions or Relay"
    )
    redriven.add_argument(
        "--most",
        type=int,
        default=dead_letters.MOST_AT_ONCE,
        help=f"how many at most (default: {dead_letters.MOST_AT_ONCE})",
    )
    redriven.set_defaults(run=redrive)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except StepError as error:
        return fail(error)
    except NotInTime as error:
        return fail(
            StepError(
                f"The system did not do it in time: {error}.", "`make logs` shows what the functions did."
            )
        )
    except KeyboardInterrupt:
        print("\nInterrupted. `make up` goes on from here; `make down` stops everything.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

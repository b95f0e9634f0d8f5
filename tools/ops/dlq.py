"""`make dlq` and `make redrive QUEUE=...`: shows the dead letters, and sends them to their source again."""

import argparse
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tools.command_line import Subcommands, add_command, add_stack_option
from tools.console import StepError
from tools.ops.dead_letters import MOST_AT_ONCE, SUFFIX, DeadLetter, DeadLetters
from tools.stack import Stack


def register(subcommands: Subcommands) -> None:
    """Registers `dlq` and `redrive`."""
    shown = add_command(
        subcommands,
        "dlq",
        _dlq,
        description="show the messages in each dead-letter queue, and why each is there",
    )
    add_stack_option(shown)
    redriven = add_command(
        subcommands,
        "redrive",
        _redrive,
        description="send the messages of a dead-letter queue to their source again",
    )
    redriven.add_argument(
        "queue", metavar="QUEUE", help="its owner, as `dlq` names it, e.g. OrdersStartExecutions or Relay"
    )
    redriven.add_argument(
        "--most", type=int, default=MOST_AT_ONCE, help=f"how many at most (default: {MOST_AT_ONCE})"
    )
    add_stack_option(redriven)


def _dlq(arguments: argparse.Namespace) -> None:
    show(Stack.named(arguments.stack, arguments.region))


def _redrive(arguments: argparse.Namespace) -> None:
    redrive(Stack.named(arguments.stack, arguments.region), arguments.queue, most=arguments.most)


def show(stack: Stack) -> None:
    """Prints each dead-letter queue with its messages: the event of each, since when it waits, and why."""
    dead_letters = DeadLetters(stack)
    queues = dead_letters.queues()
    with ExitStack() as block:
        # An empty queue takes a second to answer, so all are asked at once.
        with ThreadPoolExecutor(len(queues)) as pool:
            found = list(pool.map(lambda queue: block.enter_context(dead_letters.inspected(queue)), queues))
        for queue, letters in zip(queues, found, strict=True):
            rest = max(dead_letters.count(queue) - len(letters), 0)
            print(f"{queue.owner}: {len(letters)}{f' and {rest} more' if rest else ''}")
            for letter in letters:
                print(f"{_described(letter)}\n      {dead_letters.reason(queue, letter)}")
    print("\nOnce the cause is repaired, `make redrive QUEUE=<one of these names>` sends its messages again.")


def redrive(stack: Stack, name: str, *, most: int = MOST_AT_ONCE) -> None:
    """Sends a queue's messages to their source again; raises StepError if some stay."""
    dead_letters = DeadLetters(stack)
    queue = dead_letters.queue(name)
    source = f"{queue.owner}Queue" if queue.source else "the relays, which publish them"
    sent, stay = dead_letters.redrive_all(queue, most)
    rest = max(dead_letters.count(queue) - len(stay), 0)
    print(f"{sent} of {sent + len(stay)} messages sent to {source}{f'; {rest} more wait' if rest else ''}.")
    if stay:
        listed = [f"{_described(letter)}\n      {error}" for letter, error in stay]
        raise StepError(
            "\n".join([f"{len(stay)} stay in {queue.owner}{SUFFIX}:", *listed]),
            "Repair the cause, and run it again.",
        )
    if sent:
        print("A message that fails again comes back here: `make dlq` shows it.")


def _described(letter: DeadLetter) -> str:
    event = letter.value("event_id") or "(no event)"
    kind = letter.value("event_type") or "(no type)"
    return (
        f"  {letter.since:%Y-%m-%d %H:%M:%S}Z  {kind}  {event}\n"
        f"      aggregate {letter.value('aggregate_id') or '-'}, "
        f"correlation {letter.value('correlation_id') or '-'}, received {letter.receives} times"
    )

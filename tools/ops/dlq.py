"""`make dlq` and `make redrive QUEUE=...`: shows the dead letters, and sends them to their source again."""

import argparse
import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tools.command_line import Subcommands, add_command, add_stack_option
from tools.console import StepError
from tools.ops.dead_letters import MOST_AT_ONCE, SUFFIX, DeadLetter, DeadLetters
from tools.stack import Stack

_EXAMPLES = 3
_LONGEST_BODY = 300
# Messages that failed alike have reasons that differ in ids alone.
_ID = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]+_[0-9a-f]{32})\b")


def register(subcommands: Subcommands) -> None:
    """Registers `dlq` and `redrive`."""
    shown = add_command(
        subcommands,
        "dlq",
        _dlq,
        description="show what waits in the dead-letter queues, by reason",
    )
    shown.add_argument(
        "queue", nargs="?", metavar="QUEUE", help="show each message of this one, e.g. OrdersStartExecutions"
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
    stack = Stack.named(arguments.stack, arguments.region)
    if arguments.queue:
        show_queue(stack, arguments.queue)
    else:
        show(stack)


def _redrive(arguments: argparse.Namespace) -> None:
    redrive(Stack.named(arguments.stack, arguments.region), arguments.queue, most=arguments.most)


def show(stack: Stack) -> None:
    """Prints each dead-letter queue that is not empty, with its messages grouped by event and reason."""
    dead_letters = DeadLetters(stack)
    queues = dead_letters.queues()
    with ExitStack() as block:
        # An empty queue takes a second to answer, so all are asked at once.
        with ThreadPoolExecutor(len(queues)) as pool:
            found = list(pool.map(lambda queue: block.enter_context(dead_letters.inspected(queue)), queues))
        filled = [(queue, letters) for queue, letters in zip(queues, found, strict=True) if letters]
        for queue, letters in filled:
            rest = max(dead_letters.count(queue) - len(letters), 0)
            print(f"{queue.owner}: {len(letters)}{f' and {rest} more' if rest else ''}")
            print("\n".join(_grouped(letters, dead_letters.reasons(queue, letters))))
    print(f"{len(queues) - len(filled)} of {len(queues)} dead-letter queues are empty.")
    if filled:
        print("\n`make dlq QUEUE=<one of these names>` shows each message with its ids.")
        print(
            "Once the cause is repaired, `make redrive QUEUE=<one of these names>` sends its messages again."
        )


def show_queue(stack: Stack, name: str) -> None:
    """Prints each message of one dead-letter queue: its ids, since when it waits, why, and a body without an event."""
    dead_letters = DeadLetters(stack)
    queue = dead_letters.queue(name)
    with dead_letters.inspected(queue) as letters:
        rest = max(dead_letters.count(queue) - len(letters), 0)
        print(f"{queue.owner}: {len(letters)}{f' and {rest} more' if rest else ''}")
        for letter, reason in zip(letters, dead_letters.reasons(queue, letters), strict=True):
            print(f"{_described(letter)}\n      {reason}")
            if not letter.is_event:
                print(f"      {letter.body}")


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


def _grouped(letters: list[DeadLetter], reasons: list[str]) -> list[str]:
    """Lines about messages with one type of event and one reason, the oldest first, and some of them as examples."""
    groups: dict[tuple[str, str], list[DeadLetter]] = defaultdict(list)
    for letter, reason in sorted(zip(letters, reasons, strict=True), key=lambda pair: pair[0].since):
        groups[letter.value("event_type") or "unreadable", _ID.sub("…", reason)].append(letter)
    lines = []
    for (kind, reason), alike in groups.items():
        lines.append(f"  {len(alike)} {kind}, since {alike[0].since:%Y-%m-%d %H:%M:%S}Z: {reason}")
        lines += [f"      {letter.value('event_id') or _body(letter)}" for letter in alike[:_EXAMPLES]]
        if len(alike) > _EXAMPLES:
            lines.append(f"      and {len(alike) - _EXAMPLES} more")
    return lines


def _described(letter: DeadLetter) -> str:
    event = letter.value("event_id") or "(no event)"
    kind = letter.value("event_type") or "(no type)"
    return (
        f"  {letter.since:%Y-%m-%d %H:%M:%S}Z  {kind}  {event}\n"
        f"      aggregate {letter.value('aggregate_id') or '-'}, correlation {letter.value('correlation_id') or '-'}"
    )


def _body(letter: DeadLetter) -> str:
    """The start of a body that holds no event, on one line."""
    text = " ".join(letter.body.split())
    return text if len(text) <= _LONGEST_BODY else f"{text[:_LONGEST_BODY]}…"

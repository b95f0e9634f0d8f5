"""Invocations that were gone through before are not run again.

A function that remembers nothing beyond its invocation does what its event, the time and the answers to its calls make
it do. So what it did is kept as a tree: after these answers it makes this call, or ends like this. An invocation is
taken along the tree, and each of its calls is really made, since what a call comes to depends on everything else. Only
where the tree ends the function runs, and gets again, up to there, the answers that it got before; a function that then
calls anybody else than it did is no such function, and is refused (`NotRepeatable`).
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from tests.faults.answers import Answer
from tests.faults.faults import Call


class NotRepeatable(BaseException):
    """A function did otherwise than before with the same answers. No handler may take this for its own error."""


@dataclass(eq=False)
class _Turn:
    """What comes next in an invocation: a call and, by its answer, what follows; or the end; or not known yet."""

    call: Call | None = None
    end: Answer | None = None
    after: dict[Hashable, "_Turn"] = field(default_factory=dict)


class Memory:
    """What functions did. `now` is the time as they see it."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._turns: dict[Hashable, _Turn] = {}
        # Without it every invocation runs, which takes several times as long and comes to the same.
        self.used = True
        self.runs = 0

    def invoked(
        self,
        invocation: Hashable,
        perform: Callable[[Call], Answer],
        run: Callable[[Callable[[Call], Answer]], Answer],
    ) -> Answer:
        """What the invocation comes to. `perform` makes a call; `run` runs the function, whose calls it hands on."""
        if not self.used:
            return run(perform)
        turn = self._turns.setdefault((invocation, self._now()), _Turn())
        answered: list[tuple[Call, Answer]] = []
        while turn.call is not None:
            answer = perform(turn.call)
            answered.append((turn.call, answer))
            turn = turn.after.setdefault((answer.text, self._now()), _Turn())
        if turn.end is not None:
            return turn.end
        self.runs += 1
        before = iter(answered)

        def ask(call: Call) -> Answer:
            nonlocal turn
            known = next(before, None)
            if known is not None:
                _must_be(call, known[0])
                return known[1]
            # Something that came in between may have learnt the same meanwhile.
            turn.call = turn.call or call
            _must_be(call, turn.call)
            answer = perform(call)
            turn = turn.after.setdefault((answer.text, self._now()), _Turn())
            return answer

        turn.end = run(ask)
        return turn.end


def _must_be(call: Call, known: Call) -> None:
    if call.text != known.text:
        raise NotRepeatable(f"{call.text} instead of {known.text}")

"""Which test runs next without which permissions, so that few seconds show that all of them are needed.

Permissions of several parts of the system are taken away at once, one from each part. IAM's record names part, action
and resource, so each denial is of one of them. The record of the undisturbed run says that the test makes the request.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.permissions.record import Shown
from tools.permissions.table import Row

# What a run costs beside its test.
_SECONDS_BESIDE = 1.5
# A run of some tests alone leaves no record of the others' times.
_SECONDS_UNKNOWN = 10.0
# A test ends there as soon as an API refuses its request.
_SECONDS_TO_A_REFUSAL = 2.0
_SMALL_FILE, _SAYS_IT_ALL, _TRIES = 3, 1.0, 2
_API = "ApiFunction"


@dataclass(frozen=True)
class Turn:
    """A test, and the permissions that its functions lack meanwhile."""

    test: str
    rows: tuple[Row, ...]


def name_of(row: Row) -> str:
    """The name of a permission in the record."""
    return f"{row.part} {row.action} on {row.resource}"


class Turns:
    """Chooses the turns of a run by what is known."""

    def __init__(self, rows: Iterable[Row], seconds: Mapping[str, float]) -> None:
        self._rows = list(rows)
        self._seconds = seconds
        tests = {*seconds, *(test for row in self._rows for test in row.tests)} - {""}
        self._in_file = Counter(map(_file, tests))

    def next(self, known: Shown, now: float) -> Turn | None:
        """The turn that promises most for its seconds; None if no permission is left that nobody tries `now`."""
        free = [
            row
            for row in self._rows
            if name_of(row) not in known.test and known.taken_until.get(name_of(row), 0.0) <= now
        ]
        tried = _Tried(self._rows, known)
        by_test: dict[str, dict[Row, float]] = {}
        for row in free:
            for test, share in self._needing(row, tried):
                by_test.setdefault(test, {})[row] = share
        options = [option for test, shares in by_test.items() for option in self._options(test, shares)]
        return max(options, key=lambda option: option[0])[1] if options else None

    def _needing(self, row: Row, tried: "_Tried") -> Iterator[tuple[str, float]]:
        """The tests that needed the permission, each with how much its name among them says.

        A schedule may fire during any test, and what an earlier test began goes on: the record then names that test. So
        a test says the more, the larger the share of its file's tests that needed the permission. Each file counts as
        larger than it is, since a share of few tests says little. Other permissions of the same action and part count
        as well: a test that showed one says more, and a test says half with each of its file's tests that was in vain.
        """
        needed = Counter(map(_file, filter(None, row.tests)))
        tests = [test for test in row.tests if test]
        # A busy machine may leave a test too little time, so each has its turn again once all were in vain.
        fewest = min(map(tried.in_vain(row).count, tests), default=_TRIES)
        for test in tests:
            if tried.in_vain(row).count(test) == fewest < _TRIES:
                file = _file(test)
                share = needed[file] / (self._in_file[file] + _SMALL_FILE) / 2 ** tried.vain_in(row, file)
                yield test, share + _SAYS_IT_ALL * (test in tried.shown_by(row))

    def _options(self, test: str, shares: Mapping[Row, float]) -> Iterator[tuple[float, Turn]]:
        """What a turn of the test shows in a second: of one API, since its refusal ends the test, or of all else."""
        seconds = self._seconds.get(test, _SECONDS_UNKNOWN)
        rarest = sorted(shares, key=lambda row: (len(row.tests), row))
        of_apis = [row for row in rarest if row.part.endswith(_API)]
        for row in of_apis[:1]:
            least = min(seconds, _SECONDS_TO_A_REFUSAL) + _SECONDS_BESIDE
            yield shares[row] / least, Turn(test, (row,))
        one_of_each = tuple(
            sorted({row.part: row for row in reversed(rarest) if row not in of_apis}.values())
        )
        if one_of_each:
            yield (
                sum(map(shares.__getitem__, one_of_each)) / (seconds + _SECONDS_BESIDE),
                Turn(test, one_of_each),
            )


class _Tried:
    """What is known of permissions by their part and action: one function asks for many queues in one way."""

    def __init__(self, rows: Iterable[Row], known: Shown) -> None:
        self._known = known
        self._shown: dict[tuple[str, str], set[str]] = {}
        self._vain: dict[tuple[str, str], Counter[str]] = {}
        for row in rows:
            kind, name = (row.part, row.action), name_of(row)
            self._shown.setdefault(kind, set()).add(known.test.get(name, ""))
            self._vain.setdefault(kind, Counter()).update(map(_file, known.in_vain.get(name, ())))

    def in_vain(self, row: Row) -> Sequence[str]:
        """The tests that did not need the permission itself, each as often as it was tried."""
        return self._known.in_vain.get(name_of(row), ())

    def vain_in(self, row: Row, file: str) -> int:
        """How many turns of the file's tests were in vain for permissions of this kind."""
        return self._vain[row.part, row.action][file]

    def shown_by(self, row: Row) -> Collection[str]:
        """The tests that showed permissions of this kind."""
        return self._shown[row.part, row.action]


def _file(test: str) -> str:
    return test.partition("::")[0]

"""What a run of the cleanup was asked for, and what came of it, without AWS."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import PermanentError
from shared.saga import CaughtError


class SweepFailed(PermanentError):
    """An owner's sweep failed at every try; the others were made, and the next run tries it again."""


class UnreadableRequest(PermanentError):
    """A run is asked for as `{}` or `{"dry_run": true}`."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Plan(_Model):
    """What a run is to do, and where the sweeps before it ended: the place to go on after, by the sweep's name."""

    dry_run: bool
    after: dict[str, str | None]


class Sweep(_Model):
    """What one owner's sweep came to. `counts` are its own words for what it did with how many things.

    `next` is the place that the next run goes on after; None when it came to the end.
    """

    name: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    counts: dict[str, int] = Field(default_factory=dict)
    next: str | None = None
    error: CaughtError | None = None

    def told(self) -> dict[str, Any]:
        """The sweep as the summary tells it; of an error its name alone, for its cause may hold anything."""
        error = {"error": self.error.name} if self.error else {}
        return {**self.counts, "finished": self.error is None and self.next is None, **error}


class Summary(_Model):
    """What a run came to: the report that is stored of it."""

    run: Annotated[str, Field(min_length=1)]
    started_at: str
    dry_run: bool
    sweeps: tuple[Sweep, ...]

    @property
    def failed(self) -> list[str]:
        """The names of the sweeps that failed."""
        return [sweep.name for sweep in self.sweeps if sweep.error]

    @property
    def key(self) -> str:
        """The report's name in the bucket: by day, then by run, so that a repeat writes the same object."""
        return f"runs/{self.started_at[:10]}/{self.run}.json"

    def report(self) -> dict[str, Any]:
        """The report, as JSON has it."""
        return {
            "run": self.run,
            "started_at": self.started_at,
            "dry_run": self.dry_run,
            "sweeps": {sweep.name: sweep.told() for sweep in self.sweeps},
        }

    def places(self, before: dict[str, str | None]) -> dict[str, str | None]:
        """Where the next run goes on; a sweep that failed begins where it began this time."""
        return {sweep.name: before.get(sweep.name) if sweep.error else sweep.next for sweep in self.sweeps}

    def raise_if_failed(self) -> Self:
        """Itself; raises SweepFailed when a sweep failed."""
        if self.failed:
            raise SweepFailed(", ".join(self.failed))
        return self

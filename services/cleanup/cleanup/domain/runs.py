"""The plan of a run of the cleanup, and its summary."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import PermanentError
from shared.saga import CaughtError
from shared.text import Form


class SweepFailed(PermanentError):
    """An owner's sweep failed at every attempt. The other sweeps ran; the next run tries this one again."""


class DeadLettersWait(PermanentError):
    """Messages wait in dead-letter queues; an operator has to look at them."""


class UnreadableRequest(PermanentError):
    """The input of a run is neither `{}` nor `{"dry_run": true}`."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Plan(_Model):
    """Whether a run only counts, and where each sweep of the last run ended, by the sweep's name."""

    dry_run: bool
    after: dict[str, str | None]


class Sweep(_Model):
    """The result of one owner's sweep. `counts` has numbers under the owner's own names.

    `next` is the place after which the next run goes on; None if the sweep came to the end.
    """

    name: Annotated[str, Form(r"^[a-z_]{1,40}$", "Use 1 to 40 small letters and _")]
    counts: dict[str, int] = Field(default_factory=dict)
    next: str | None = None
    error: CaughtError | None = None

    def as_reported(self) -> dict[str, Any]:
        """The sweep in the report. Of an error it has the name alone, since the cause may hold personal data."""
        error = {"error": self.error.name} if self.error else {}
        return {**self.counts, "finished": self.error is None and self.next is None, **error}


class Summary(_Model):
    """The results of a run."""

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
        """The report, ready for JSON."""
        return {
            "run": self.run,
            "started_at": self.started_at,
            "dry_run": self.dry_run,
            "sweeps": {sweep.name: sweep.as_reported() for sweep in self.sweeps},
        }

    def places(self, before: dict[str, str | None]) -> dict[str, str | None]:
        """Where the next run goes on. A failed sweep begins again where it began this time."""
        return {sweep.name: before.get(sweep.name) if sweep.error else sweep.next for sweep in self.sweeps}

    def raise_if_failed(self) -> Self:
        """Returns itself; raises SweepFailed if a sweep failed."""
        if self.failed:
            raise SweepFailed(", ".join(self.failed))
        return self

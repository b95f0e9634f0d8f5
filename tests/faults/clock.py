"""Time and chance as a schedule needs them: no wait waits, no clock runs by itself, every new id is the same again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    """Shows START and the world's seconds; within an invocation waiting moves it, so that timeouts end."""

    def __init__(self, seconds: Callable[[], int]) -> None:
        self._seconds = seconds
        self._waited = 0.0

    def now(self) -> datetime:
        """The world's time."""
        return START + timedelta(seconds=self._seconds())

    def monotonic(self) -> float:
        """Seconds, with what was waited for in this process."""
        return self._seconds() + self._waited

    def sleep(self, seconds: float) -> None:
        """Waits, in the sense of `monotonic`."""
        self._waited += seconds

    @contextmanager
    def of_an_invocation(self) -> Iterator[None]:
        """What is waited for while the body runs counts from its beginning, and for nobody else."""
        before, self._waited = self._waited, 0.0
        try:
            yield
        finally:
            self._waited = before

    @contextmanager
    def instead(self) -> Iterator[None]:
        """While the body runs the shop's code knows no other time."""
        import payments.adapters.transport
        import payments.dependencies
        import payments.functions.webhook
        import payments_sandbox.dependencies
        import shared.audit_trail
        import shared.clock
        import shared.retries

        def transport(*arguments: Any, **options: Any) -> Any:
            return payments.adapters.transport.Transport(
                *arguments,
                clock=self.monotonic,
                sleep=self.sleep,
                jitter=lambda _least, most: most,
                **options,
            )

        shown = SimpleNamespace(now=lambda zone=None: self.now().astimezone(zone) if zone else self._naive())
        patches: list[Any] = [
            patch.object(shared.clock, "datetime", shown),
            patch.object(payments.dependencies, "Transport", transport),
            patch.object(shared.audit_trail, "uuid4", lambda: "chance"),
            patch.object(shared.retries, "time", SimpleNamespace(sleep=self.sleep)),
            patch.object(
                payments.functions.webhook, "time", SimpleNamespace(time=lambda: self.now().timestamp())
            ),
            patch.object(
                payments_sandbox.dependencies, "time", SimpleNamespace(time=lambda: self.now().timestamp())
            ),
        ]
        for each in patches:
            each.start()
        try:
            yield
        finally:
            for each in reversed(patches):
                each.stop()

    @contextmanager
    def provider(self, new_id: Callable[[], str] | None) -> Iterator[None]:
        """While the body runs the provider takes its new ids from `new_id`, if the body is the provider's."""
        if new_id is None:
            yield
            return
        import payments_sandbox.dependencies

        with patch.object(payments_sandbox.dependencies, "uuid4", lambda: SimpleNamespace(hex=new_id())):
            yield

    def _naive(self) -> datetime:
        return datetime.fromtimestamp(self.now().timestamp())  # noqa: DTZ006 - as `datetime.now()` gives it

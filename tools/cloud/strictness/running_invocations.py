"""An update of a function lets its running invocations end, with the code and the settings that they began with.

MiniStack ends their processes at once. Their messages then come again only after the visibility timeout.

https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html
"""

from collections.abc import Iterable
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.core import lambda_runtime  # type: ignore[import-not-found]
from ministack.services import lambda_svc  # type: ignore[import-not-found]


def install() -> None:
    """Makes MiniStack end an environment that is at work only when its invocation has ended."""
    end, release = lambda_runtime.kill_workers, lambda_runtime.release_worker
    outlived: set[Any] = set()

    def end_idle(workers: Iterable[Any]) -> None:
        found = [worker for worker in workers if worker is not None]
        with lambda_runtime._lock:
            busy = {worker for worker in found if worker.in_use}
            outlived.update(busy)
        end([worker for worker in found if worker not in busy])

    def release_or_end(worker: Any) -> None:
        release(worker)
        with lambda_runtime._lock:
            if worker not in outlived:
                return
            outlived.remove(worker)
        end([worker])

    lambda_runtime.kill_workers = end_idle
    lambda_runtime.release_worker = lambda_svc.release_worker = release_or_end

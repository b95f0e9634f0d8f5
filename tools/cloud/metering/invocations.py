"""Records each `invocation` of a function, with its cause, its cost and its output.

- `function`: the physical name; `trigger`: request, queue, stream, schedule, message or other.
- `source`: the ARN of the queue or the stream; `records`: how many records the function got.
- `cpu_seconds`: the CPU time of the worker's process, null without Linux's /proc; `cold`: whether its start is in it.
- `wall_seconds`: the duration here; `failed`: whether it raised; `log`: its output.
"""

import time
from pathlib import Path
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.core import lambda_runtime  # type: ignore[import-not-found]

from . import recording

_NANOSECONDS = 1e9
_TRIGGERS = {"aws:sqs": "queue", "aws:dynamodb": "stream", "aws:sns": "message", "aws.events": "schedule"}

# Each function calls AWS with an access key of its own.
_functions: dict[str, str] = {}


def install() -> None:
    """Hooks into the workers, which are the execution environments."""
    invoke = lambda_runtime.Worker.invoke

    def invoke_worker(worker: Any, event: Any, *more: Any, **options: Any) -> Any:
        _functions.setdefault(_access_key(worker.config), worker.func_name)
        if not recording.is_on():
            return invoke(worker, event, *more, **options)
        before, started = _cpu_seconds(worker), time.monotonic()
        answer = invoke(worker, event, *more, **options)
        wall, after = time.monotonic() - started, _cpu_seconds(worker)
        recording.record(
            "invocation",
            function=worker.func_name,
            **_trigger(event),
            cpu_seconds=after - (before or 0) if after is not None else None,
            wall_seconds=wall,
            cold=bool(answer.get("cold_start")),
            failed=answer.get("status") != "ok",
            log=answer.get("log", ""),
        )
        return answer

    lambda_runtime.Worker.invoke = invoke_worker


def function_of(access_key: str) -> str:
    """The physical name of the function that has this key; empty if none has."""
    return _functions.get(access_key, "")


def _access_key(configuration: Any) -> str:
    return str(lambda_runtime.execution_credentials(configuration)["AWS_ACCESS_KEY_ID"])


def _cpu_seconds(worker: Any) -> float | None:
    """What the worker's process has consumed so far, to the nanosecond; None if it does not run, or without /proc."""
    if worker._proc is None:
        return None
    try:
        tasks = Path(f"/proc/{worker._proc.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / _NANOSECONDS or None
    except OSError:
        return None


def _trigger(event: Any) -> dict[str, Any]:
    if not isinstance(event, dict):
        return {"trigger": "other", "source": "", "records": 1}
    records = event.get("Records") or [{}]
    first = records[0] if isinstance(records[0], dict) else {}
    origin = str(first.get("eventSource") or first.get("EventSource") or event.get("source"))
    kind = _TRIGGERS.get(origin, "request" if "requestContext" in event else "other")
    return {"trigger": kind, "source": first.get("eventSourceARN", ""), "records": len(records)}

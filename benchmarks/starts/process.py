"""One function in a process of its own: starts it as Lambda does, hands it events, and writes down what that took.

    PYTHONPATH=<package>:<layer> python -S -P process.py <handler> <file of events> <file for the figures>

Before the function it imports nothing but these two modules: the function would have for free what it imports.
"""

import sys
import time


class Context:
    """The part of the Lambda context that the code and Powertools read."""

    function_name = "benchmark"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:benchmark"
    aws_request_id = "11111111-2222-3333-4444-555555555555"

    def get_remaining_time_in_millis(self) -> int:
        """Plenty."""
        return 10_000


def main(handler: str, events_file: str, figures_file: str) -> None:
    """Measures in milliseconds of processor time, but `wall`."""
    module, _, name = handler.rpartition(".")
    wall, cpu = time.perf_counter(), time.process_time()
    __import__(module)
    figures = {
        "init": 1000 * (time.process_time() - cpu),
        "wall": 1000 * (time.perf_counter() - wall),
        # Without the second names that a package gives to modules of another one.
        "modules": {
            key: str(getattr(found, "__file__", ""))
            for key, found in list(sys.modules.items())
            if getattr(found, "__name__", key) == key
        },
    }
    import json  # noqa: PLC0415 - the function has it by now

    with open(events_file, encoding="utf-8") as file:  # noqa: PTH123 - pathlib is not loaded
        events = json.load(file)
    calls, ends = [], []
    for event in events:
        handle = getattr(sys.modules[module], name)
        cpu = time.process_time()
        answer = handle(event, Context())
        calls.append(1000 * (time.process_time() - cpu))
        ends.append(time.monotonic())
        if answer["statusCode"] >= 300:
            raise SystemExit(f"{handler} answered {answer}")
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123
        peak = int(status.read().partition("VmHWM:")[2].split()[0]) / 1024
    with open(figures_file, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump({**figures, "calls": calls, "ends": ends, "peak": peak}, file)


main(*sys.argv[1:])

"""Log streams name their function: a group that several functions log to has streams `2026/03/02/<function>[...]...`.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html has Lambda's format. MiniStack
logs to the group that a function chooses, and leaves the function's name out.
"""

import inspect
import sys

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.services import lambda_svc  # type: ignore[import-not-found]

_NAMELESS = "{now.day:02d}/[{qualifier}]"
_NAMED = "{now.day:02d}/{'' if group_name == '/aws/lambda/' + fn_name else fn_name}[{qualifier}]"


def install() -> None:
    """Has each function's streams named so; exits with an error if MiniStack names them in another way now."""
    source = inspect.getsource(lambda_svc._emit_lambda_logs)
    if source.count(_NAMELESS) != 1:
        sys.exit("MiniStack names log streams in another way now: adapt or drop strictness/log_streams.py.")
    # MiniStack makes the name in the middle of the function, so its text is changed and compiled again.
    exec(source.replace(_NAMELESS, _NAMED), vars(lambda_svc))  # noqa: S102 # nosec B102 - MiniStack's own code

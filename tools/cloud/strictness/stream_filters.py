"""A filter that asks for the absence of a value lets a record through which lacks the attribute as a whole.

Lambda follows the path to a value, and a path that breaks off early is absent too. MiniStack refuses such a record.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

import inspect
import sys

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack.services import lambda_svc  # type: ignore[import-not-found]

_REFUSES = "if not isinstance(rec_val, dict) or not _match_esm_filter(rec_val, pat):"
_GOES_ON = "if not _match_esm_filter(rec_val if isinstance(rec_val, dict) else {}, pat):"


def install() -> None:
    """Has filters follow a path to its end; exits with an error if MiniStack matches in another way now."""
    source = inspect.getsource(lambda_svc._match_esm_filter)
    if source.count(_REFUSES) != 1:
        sys.exit("MiniStack filters in another way now: adapt or drop strictness/stream_filters.py.")
    exec(source.replace(_REFUSES, _GOES_ON), vars(lambda_svc))  # noqa: S102 # nosec B102 - MiniStack's own code

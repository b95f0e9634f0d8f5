"""The platform that every service shares; it has no business rule."""

import gc
import logging
import os
from contextlib import suppress
from importlib import import_module

# The template has Lambda pass every line on, and so Lambda sets the root logger to DEBUG. At that level botocore logs
# whole requests.
logging.getLogger().setLevel(logging.WARNING)

# Nothing becomes garbage while a function starts, so a collection would be in vain. `entry_point` ends that.
if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    gc.set_threshold(200_000)

# The build compiled the methods of the layer's dataclasses; elsewhere Python does it, as each class is made.
with suppress(ImportError):
    import_module("dataclass_methods")

"""The platform that every service shares; it has no business rule."""

import logging

# The template has Lambda pass every line on, and so Lambda sets the root logger to DEBUG. At that level botocore logs
# whole requests.
logging.getLogger().setLevel(logging.WARNING)

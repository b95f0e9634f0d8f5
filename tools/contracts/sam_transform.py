"""Prints what SAM's transform makes of a template with parameters, which are a list on standard input; both are JSON.

The Python of .venv-sam runs this file by itself: the translator pins packages that the tools have in other versions.
"""

import json
import sys

from samtranslator.translator.transform import transform  # type: ignore[import-not-found]


class _NoManagedPolicies:
    """SAM looks up managed policies by name; the template names none."""

    def load(self) -> dict[str, str]:
        return {}


if __name__ == "__main__":
    template, parameters = json.load(sys.stdin)
    json.dump(transform(template, parameters, _NoManagedPolicies()), sys.stdout)

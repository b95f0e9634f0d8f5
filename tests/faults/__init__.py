"""The shop under every fault: see README.md. `python -m tests.faults` has the same roots as pytest."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

for _root in (*sorted((ROOT / "services").iterdir()), ROOT / "shared_layer"):
    if str(_root) not in sys.path:
        sys.path.insert(0, str(_root))

# Sets the environment that the shared layer reads when it is imported.
import tests.component.conftest  # noqa: E402, F401

"""The embedded cloud: the whole system on this machine, without Docker and without an AWS account.

`python -m tools up` starts MiniStack on loopback and runs the same `sam build` and `sam deploy` against it as against
AWS. What MiniStack does differently from AWS is levelled out in one place, `tools.cloud.workarounds`.
"""

import sys
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parent.parent

# The seed and the demo's books read and write through the services' own stores; each service is a root of its own.
for _root in (_REPOSITORY / "shared_layer", *sorted((_REPOSITORY / "services").iterdir())):
    if str(_root) not in sys.path:
        sys.path.append(str(_root))

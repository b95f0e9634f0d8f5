"""The tools of the repository, behind one command line: `python -m tools <command>` (`--help` lists the commands).

- `cloud`: the embedded cloud, which runs the whole system on this machine without Docker and without an AWS account
- `shop`: the demo, the seed, the live updates, and the audit of the shop's records
- `ops`: the operator's tools, for the embedded cloud and for a stack on AWS
- `contracts`: the OpenAPI and AsyncAPI documents and the events' schemas, made from the code
"""

import sys
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parent.parent

# The tools use the services' own code, and each service is an import root of its own.
for _root in (_REPOSITORY / "shared_layer", *sorted((_REPOSITORY / "services").iterdir())):
    if str(_root) not in sys.path:
        sys.path.append(str(_root))

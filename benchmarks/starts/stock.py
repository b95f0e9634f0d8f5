"""The floor: boto3 as pip installs it, and two functions of nothing but boto3."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

from benchmarks.starts.built import PYTHON, Subject

# boto3 and everything that it needs.
_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
_BARE = Path(__file__).with_name("bare")


def install_stock(folder: Path) -> tuple[Subject, Subject]:
    """Copies this environment's boto3 to `folder`, with bytecode as pip makes it.

    Returns a function that only makes a client, and one that makes the calls of DynamoDB that its event lists.
    """
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec
        assert spec.origin
        source = Path(spec.origin)
        if source.name == "__init__.py":
            shutil.copytree(
                source.parent, folder / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
            )
        else:
            shutil.copy(source, folder)
    shutil.copytree(_BARE, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    subprocess.run([PYTHON, "-m", "compileall", "-q", folder], check=True)
    return (
        Subject("stock", "bare_client.handler", (folder,)),
        Subject("bare", "bare_calls.handler", (folder,)),
    )

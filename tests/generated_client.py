"""A client that openapi-python-client generates from the committed OpenAPI document, as a user of the API would."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tools.contracts.openapi.document import DOCUMENT

_TOOLS = Path(sys.executable).parent


class GeneratedClient:
    """The generated package: its operations by their ids, and its models by their names."""

    def __init__(self, folder: Path, name: str) -> None:
        """Generates the package `name` into `folder`; raises CalledProcessError for an error or a warning."""
        self._name = name
        self.folder = folder / name
        command = ["openapi-python-client", "generate", "--path", str(DOCUMENT), "--meta", "none"]
        command += ["--output-path", str(self.folder), "--fail-on-warning"]
        # It formats its code with ruff, which it looks for on the path.
        environment = {**os.environ, "PATH": f"{_TOOLS}{os.pathsep}{os.environ.get('PATH', '')}"}
        subprocess.run([_TOOLS / command[0], *command[1:]], env=environment, check=True, capture_output=True)  # noqa: S603 - ours
        sys.path.insert(0, str(folder))

    def operation(self, tag: str, operation_id: str) -> Any:
        """The module of an operation, with `sync` and `sync_detailed`."""
        return importlib.import_module(f"{self._name}.api.{tag}.{operation_id}")

    def model(self, name: str) -> Any:
        """The class of a schema."""
        return getattr(importlib.import_module(f"{self._name}.models"), name)

    def connected(self, base_url: str, token: str) -> Any:
        """A client that sends `token`."""
        package = importlib.import_module(self._name)
        return package.AuthenticatedClient(base_url=base_url, token=token, raise_on_unexpected_status=True)

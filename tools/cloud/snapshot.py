"""Saves what a deployment made in this server, and loads it into an empty one, which then needs no deployment.

`PUT /_cartwright/snapshot` saves to the folder `STATE_DIR`, and `POST` loads from there. Both ask the
functions with which MiniStack keeps each service's state from one start to the next. Those leave out the objects in
buckets, and the records in streams. So a snapshot is made before anybody uses the stack; it lacks only the files that
sam uploaded.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack import app  # type: ignore[import-not-found]
from ministack.core import persistence  # type: ignore[import-not-found]

PATH = "/_cartwright/snapshot"

# Beside MiniStack's own files, which hold the functions' code.
_SERVICES = Path(persistence.STATE_DIR) / "services.json"
# Queue URLs and addresses of APIs name the server's port; a snapshot has another number there, which is no port.
_NO_PORT = "0"


def install() -> None:
    """Answers requests for `PATH`; MiniStack answers all others."""
    answer = app._handle_admin_config_request
    does: dict[str, Callable[[], None]] = {"PUT": _save, "POST": _load}

    async def answer_request(path: str, method: str, body: bytes) -> Any:
        if path != PATH or method not in does:
            return await answer(path, method, body)
        does[method]()
        return 204, {}, b""

    app._handle_admin_config_request = answer_request


def _save() -> None:
    _SERVICES.parent.mkdir(parents=True, exist_ok=True)
    states = {name: state() for name, state in app._build_persistence_save_dict().items()}
    text = json.dumps(states, default=persistence._json_default)
    _SERVICES.write_text(_with_port(text, app._resolve_port(), _NO_PORT))


def _load() -> None:
    text = _with_port(_SERVICES.read_text(), _NO_PORT, app._resolve_port())
    for name, state in json.loads(text, object_hook=persistence._json_object_hook).items():
        app._get_module(app._state_map[name]).load_persisted_state(state)


def _with_port(text: str, present: str, wanted: str) -> str:
    for host in ("localhost", "127.0.0.1"):
        text = text.replace(f"{host}:{present}", f"{host}:{wanted}")
    return text

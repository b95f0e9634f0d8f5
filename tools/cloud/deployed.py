"""The record of the embedded cloud's code: a digest of each deployed part, and the names of the synced ones."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace

from tools.cloud.parts import digests
from tools.server_record import Server
from tools.settings import STATE

_RECORD = STATE / "deployed.json"


@dataclass(frozen=True)
class Deployed:
    """What a server has: the digest of each part, and the parts that were synced since sam's last deployment."""

    server: str
    parts: dict[str, str] = field(default_factory=dict)
    synced: list[str] = field(default_factory=list)

    def differs(self) -> set[str]:
        """The parts that differ between the working tree and the cloud."""
        present = digests()
        return {
            part for part in present.keys() | self.parts.keys() if present.get(part) != self.parts.get(part)
        }

    def is_of_the_tree(self) -> bool:
        """Whether sam has deployed the working tree as it is, and nothing was synced since."""
        return not self.synced and not self.differs()

    def begin(self, parts: Iterable[str]) -> "Deployed":
        """Records that these parts are being synced. If that is interrupted, they differ and count as synced."""
        kept = {part: digest for part, digest in self.parts.items() if part not in parts}
        return _write(replace(self, parts=kept, synced=sorted({*self.synced, *parts})))

    def forget_parts(self) -> None:
        """Records that a deployment begins. If that is interrupted, all parts differ."""
        _write(replace(self, parts={}))

    def end(self, parts: dict[str, str]) -> "Deployed":
        """Records that the cloud has these parts now."""
        return _write(replace(self, parts=self.parts | parts))


def of(server: Server) -> Deployed:
    """The record of this server. It names no part if nothing was deployed to it, or the record is broken off."""
    try:
        found = Deployed(**json.loads(_RECORD.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return Deployed(server.identity)
    return found if found.server == server.identity else Deployed(server.identity)


def record(server: Server, parts: dict[str, str]) -> None:
    """Sam has deployed these parts to this server."""
    _write(Deployed(server.identity, parts))


def _write(deployed: Deployed) -> Deployed:
    draft = _RECORD.with_suffix(".new")
    draft.write_text(json.dumps(asdict(deployed)))
    draft.replace(_RECORD)
    return deployed

"""Brings the embedded cloud to the state of the working tree, by `tools.cloud.sync` or, if need be, by sam."""

import time
from collections.abc import Collection
from dataclasses import dataclass

from tools.cloud import deployed, deployment, server, sync
from tools.cloud.parts import SHARED, STACK, digests
from tools.cloud.sync import Function
from tools.console import StepError
from tools.dev.import_check import ImportCheck, location
from tools.dev.shared_code import Contents, SharedCode
from tools.server_record import Server, running
from tools.settings import REPOSITORY
from tools.stack import Stack


class Broken(Exception):
    """The code cannot be imported, so nothing was deployed; the message has the file and line."""


@dataclass(frozen=True)
class Done:
    """The parts that the cloud has now, how many functions got new code, and how long it took."""

    parts: list[str]
    functions: int
    milliseconds: int

    def __str__(self) -> str:
        if STACK in self.parts:
            return f"deployed the whole stack in {self.milliseconds / 1000:.1f} s"
        count = f"{self.functions} function{'' if self.functions == 1 else 's'}"
        return f"{' and '.join(self.parts)}: updated {count} in {self.milliseconds} ms"


class Syncing:
    """Syncs the working tree to the embedded cloud that runs. Raises StepError if none runs, or nothing is deployed."""

    def __init__(self) -> None:
        self._find()

    def _find(self) -> None:
        self._stack = Stack.current()
        self._server = _running()
        self._functions = sync.functions(self._stack)
        self._check = ImportCheck(self._stack.endpoint)
        self._shared = SharedCode(REPOSITORY)
        contents, record = self._shared.now(), deployed.of(self._server)
        # After a sync of an earlier run, some functions may have an older layer.
        if SHARED not in {*record.synced, *record.differs()}:
            self._shared.have(self._functions, contents)

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return self._stack.api_url

    def warm_up(self) -> str:
        """Reads and runs all imports, so that later checks are quick. Returns the problem of one that fails."""
        self._shared.lacking(self._functions, self._shared.now())
        return self._check.problem(self._functions)

    def changed(self) -> set[str]:
        """The parts that differ between the working tree and the cloud, also if another one runs by now."""
        if _running() != self._server:
            self._find()
        return deployed.of(self._server).differs()

    def bring(self, parts: Collection[str]) -> Done:
        """Deploys these parts; raises Broken for code that cannot be imported, StepError if sam fails."""
        started = time.monotonic()
        with server.exclusively():
            updated = self._deploy_all() if STACK in parts else self._sync(parts)
        return Done(sorted(parts), updated, round((time.monotonic() - started) * 1000))

    def known(self, service: str) -> bool:
        """Whether a service of the stack has this name, or the package `shared`."""
        return service == SHARED or any(function.service == service for function in self._functions)

    def _sync(self, parts: Collection[str]) -> int:
        # In this order: a file that changes from here on differs at the next look.
        present, contents = digests(), self._shared.now()
        code = [function for function in self._functions if function.service in parts]
        shared = self._lacking(parts, code, contents)
        concerned = {function.name: function for function in (*code, *shared)}
        if problem := self._check.problem(concerned.values()):
            raise Broken(problem)
        try:
            wanted = {part: digest for part, digest in present.items() if part in parts}
            sync.sync(self._server, self._stack, wanted, code, shared)
        except SyntaxError as error:
            raise Broken(location(error)) from error
        self._shared.have(shared, contents)
        return len(concerned)

    def _lacking(
        self, parts: Collection[str], code: Collection[Function], contents: Contents
    ) -> list[Function]:
        """The functions that need `shared`. New code may import what its function has not needed before."""
        if SHARED in parts:
            return self._shared.lacking(self._functions, contents)
        lacking = self._shared.lacking(code, contents)
        # `make sync SERVICE=orders` does not bring a changed `shared`.
        return [] if lacking and SHARED in self.changed() else lacking

    def _deploy_all(self) -> int:
        deployment.build(self._server)
        deployment.deploy(self._server)
        self._find()
        return len(self._functions)


def code_is_enough() -> bool:
    """Whether the stack is deployed to the embedded cloud that runs, and at most code has changed since."""
    found = running()
    return (
        found is not None
        and Stack(found.endpoint).is_complete()
        and STACK not in deployed.of(found).differs()
    )


def _running() -> Server:
    found = running()
    if found is None:
        raise StepError("The embedded cloud is not running.", "Run `make up`.")
    return found

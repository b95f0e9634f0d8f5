"""Records what IAM is asked for the stack's functions, state machines and schedules, and the tests that caused it.

`tools/permissions` compares it with the policies.

    GET     each question once, as a JSON list: who asked (a function's or a rule's name, a state machine's ARN), the
            action, the resource, whether it was allowed, and the tests in whose time it was asked. A resource that
            tells one object, execution or connection from others comes without its last part. With {"allowed": false},
            the denied ones alone.
    PUT     {"test": "..."}: the test that runs from now on.
    POST    {"asker": ..., "role": ..., "policies": [...]}: the allowed questions of `asker` that these policies, as all
            that the role has, would deny. MiniStack's own engine answers each as it came, with its condition keys.
    DELETE  {"asker": ..., "action": ...}: forgets denials that a test provoked.

Questions that differ by ids or numbers alone count as one.
"""

import json
import re
from functools import lru_cache
from typing import Any

# This folder is on the path of `run_ministack.py`, which imports this module; so are the names of the packages.
from metering import invocations  # type: ignore[import-not-found]

# MiniStack is in the embedded cloud's own environment, where the type checker does not look.
from ministack import app  # type: ignore[import-not-found]
from ministack.core import iam_evaluator  # type: ignore[import-not-found]
from strictness import service_roles  # type: ignore[import-not-found]

PATH = "/_cartwright/permissions"

_SINGLE = re.compile(r"(?<=^arn:aws:s3:::)([^/]+/[^/]+)/.+|(.+:execution:[^:]+|.+/@connections)[:/].+")
_ID = re.compile(r"[0-9a-f-]{6,}|[0-9]+")
_TEXTS_KEPT = 4096

type Fact = tuple[str, str, str, bool]
"""The asker, the action, the kind of resource, and the answer."""


class _Questions:
    """The questions of one fact that differ by more than ids, each as it first came, with the tests of its time."""

    def __init__(self) -> None:
        self.asked: dict[str, tuple[str, dict[str, Any], set[str]]] = {}

    def add(self, resource: str, keys: dict[str, Any], test: str) -> None:
        shape = _shape(json.dumps([resource, keys], sort_keys=True, default=str))
        self.asked.setdefault(shape, (resource, keys, set()))[2].add(test)

    @property
    def tests(self) -> set[str]:
        return {test for _, _, tests in self.asked.values() for test in tests}


_facts: dict[Fact, _Questions] = {}
_test = ""


def install() -> None:
    """Hooks into the decision of each request, and serves the record."""
    _record_decisions()
    _serve()


def _record(asker: str, action: str, resource: str, keys: dict[str, Any], *, allowed: bool) -> None:
    fact = (asker, action, _kind(resource), allowed)
    _facts.setdefault(fact, _Questions()).add(resource, keys, _test)


def _record_decisions() -> None:
    enforce, ask = iam_evaluator.enforce, service_roles.ask

    def enforce_and_record(access_key: str, action: str, *request: Any, **more: Any) -> Any:
        denied = enforce(access_key, action, *request, **more)
        if function := invocations.function_of(access_key or ""):
            resource = more.get("resource_arn") or (request[2] if len(request) > 2 else "*")
            _record(function, action, resource, more.get("service_context") or {}, allowed=denied is None)
        return denied

    def ask_and_record(asker: str, role: str, action: str, resource: str) -> bool:
        allowed: bool = ask(asker, role, action, resource)
        _record(asker, action, resource, {}, allowed=allowed)
        return allowed

    iam_evaluator.enforce = enforce_and_record
    service_roles.ask = ask_and_record


def _serve() -> None:
    answer = app._handle_admin_config_request

    async def answer_request(path: str, method: str, body: bytes) -> Any:
        if path != PATH:
            return await answer(path, method, body)
        found = _METHODS[method](json.loads(body or b"{}"))
        return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()

    app._handle_admin_config_request = answer_request


def _shown(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        _named(fact, questions.tests)
        for fact, questions in sorted(_facts.items(), key=lambda one: one[0])
        if given.get("allowed") in (None, fact[-1])
    ]


def _begin_test(given: dict[str, Any]) -> None:
    global _test  # noqa: PLW0603 - one test runs at a time
    _test = given["test"]


def _denied_by(given: dict[str, Any]) -> list[dict[str, Any]]:
    denied = []
    for fact, questions in list(_facts.items()):
        asker, action, _, allowed = fact
        if asker == given["asker"] and allowed:
            tests: set[str] = set()
            for resource, keys, during in list(questions.asked.values()):
                if not service_roles.is_allowed(given["role"], action, resource, keys, given["policies"]):
                    tests |= during
            if tests:
                denied.append(_named(fact, tests))
    return denied


def _forget(given: dict[str, Any]) -> None:
    for fact in list(_facts):
        if fact[:2] == (given["asker"], given["action"]) and not fact[3]:
            del _facts[fact]


_METHODS = {"GET": _shown, "PUT": _begin_test, "POST": _denied_by, "DELETE": _forget}


def _named(fact: Fact, tests: set[str]) -> dict[str, Any]:
    names = ("asker", "action", "resource", "allowed")
    return {**dict(zip(names, fact, strict=True)), "tests": sorted(tests)}


@lru_cache(_TEXTS_KEPT)
def _shape(question: str) -> str:
    return _ID.sub("*", question)


@lru_cache(_TEXTS_KEPT)
def _kind(resource: str) -> str:
    return _SINGLE.sub(
        lambda found: f"{found[1]}/*" if found[1] else f"{found[2]}{found[0][len(found[2])]}*", resource
    )

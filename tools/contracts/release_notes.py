"""`make release-notes`: what a release changes for those outside: the API's clients, readers of events, who deploys.

It compares the committed contracts of two revisions: the OpenAPI document, the events' schemas, the AsyncAPI document,
and the template's parameters. A change is compatible if the comparison finds a break in the opposite direction alone.
"""

import argparse
import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.cloudformation_yaml import read_yaml
from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.contracts import asyncapi
from tools.contracts.containment import Break, Containment, Document, Schema
from tools.contracts.events.contracts import SCHEMAS
from tools.contracts.openapi.changes import breaking_changes
from tools.contracts.openapi.document import DOCUMENT, operations_of
from tools.settings import REPOSITORY

_OPENAPI = DOCUMENT.relative_to(REPOSITORY).as_posix()
_ASYNCAPI = asyncapi.DOCUMENT.relative_to(REPOSITORY).as_posix()
_EVENTS = SCHEMAS.relative_to(REPOSITORY).as_posix()
_TEMPLATE = "template.yaml"


@dataclass(frozen=True)
class Contracts:
    """The contracts of one revision, empty as far as it has none."""

    openapi: Document = field(default_factory=lambda: {"info": {"version": ""}, "paths": {}})
    events: Mapping[str, Schema] = field(default_factory=dict)
    """The schema of each event by its name with its version, `order.placed.v1`."""
    live: Document = field(default_factory=lambda: {"operations": {}, "components": {"messages": {}}})
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Changes:
    """The lines about one contract; each is a line of Markdown without its bullet."""

    breaking: list[str]
    new: list[str]
    compatible: list[str]


def register(subcommands: Subcommands) -> None:
    """Registers `release-notes`."""
    parser = add_command(
        subcommands, "release-notes", _release_notes, description="compare the contracts of two revisions"
    )
    parser.add_argument(
        "--from",
        dest="before",
        default="",
        metavar="REVISION",
        help="default: the last tag v* before the other",
    )
    parser.add_argument("--to", dest="after", default="HEAD", metavar="REVISION", help="default: HEAD")


def _release_notes(arguments: argparse.Namespace) -> None:
    before = arguments.before or _last_tag_before(arguments.after)
    after = contracts_of(arguments.after)
    if before:
        print(notes(contracts_of(before), after, before), end="")
    else:
        print(f"# {after.openapi['info']['version']}\n\nThe first release.")


def notes(before: Contracts, after: Contracts, since: str) -> str:
    """The page in Markdown; `since` names the earlier revision."""
    sections = (
        ("HTTP API", api_changes(before.openapi, after.openapi)),
        ("Events", event_changes(before.events, after.events)),
        ("Live updates", live_changes(before.live, after.live)),
        ("Parameters of the stack", parameter_changes(before.parameters, after.parameters)),
    )
    written = [text for title, changes in sections if (text := _section(title, changes))]
    head = f"# {after.openapi['info']['version']}\n\nThe changes of the contracts since {since}.\n"
    return "\n".join([head, *(written or ["No contract has changed.\n"])])


def api_changes(before: Document, after: Document) -> Changes:
    """What clients of the HTTP API notice."""
    had = {(method, path) for method, path, _ in operations_of(before)}
    added = [
        (f"{method.upper()} {path}", operation.get("summary", ""))
        for method, path, operation in operations_of(after)
        if (method, path) not in had
    ]
    places = {place for place, _ in added}
    breaks = breaking_changes(before, after)
    back = [one for one in breaking_changes(after, before) if one.where not in places]
    return _sorted_out(breaks, back, [f"`{place}`: {summary}" for place, summary in added])


def event_changes(before: Mapping[str, Schema], after: Mapping[str, Schema]) -> Changes:
    """What readers of events notice."""
    return _of_named(before, after, lambda _: True, before=before, after=after)


def live_changes(before: Document, after: Document) -> Changes:
    """What clients of the WebSocket notice."""
    requests = {
        message["$ref"].rpartition("/")[2]
        for document in (before, after)
        for operation in document["operations"].values()
        if operation["action"] == "receive"
        for message in operation["messages"]
    }
    was, now = (
        {name: message["payload"] for name, message in document["components"]["messages"].items()}
        for document in (before, after)
    )
    return _of_named(was, now, lambda name: name not in requests, before=before, after=after)


def parameter_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """What those notice who deploy the stack."""
    return Changes(
        breaking=[f"`{name}` is gone" for name in before if name not in after]
        + [f"`{name}` is required" for name in after if name not in before and "Default" not in after[name]],
        new=[
            f"`{name}`, default {_default(after[name])}: {after[name].get('Description', '')}"
            for name in after
            if name not in before and "Default" in after[name]
        ],
        compatible=[
            f"`{name}`: the default is {_default(after[name])}, was {_default(before[name])}"
            for name in after
            if name in before and before[name].get("Default") != after[name].get("Default")
        ],
    )


def contracts_of(revision: str) -> Contracts:
    """The contracts as they are committed at a revision; raises StepError if git does not know it."""
    files = _files_at(revision)
    found: dict[str, Any] = {}
    if _OPENAPI in files:
        found["openapi"] = json.loads(files[_OPENAPI])
    if _ASYNCAPI in files:
        found["live"] = json.loads(files[_ASYNCAPI])
    if _TEMPLATE in files:
        found["parameters"] = read_yaml(files[_TEMPLATE]).get("Parameters", {})
    found["events"] = {
        name.removeprefix(f"{_EVENTS}/").removesuffix(".json"): json.loads(text)
        for name, text in files.items()
        if name.startswith(f"{_EVENTS}/")
    }
    return Contracts(**found)


def _default(parameter: Mapping[str, Any]) -> str:
    value = parameter.get("Default")
    return "none" if value is None else f"`{value}`" if value != "" else "empty"


def _of_named(
    was: Mapping[str, Schema],
    now: Mapping[str, Schema],
    is_output: Callable[[str], bool],
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Changes:
    """The changes of schemas by name, whose references lead into `before` and `after`, or into themselves."""
    breaks = [Break(name, "is gone") for name in was if name not in now]
    back: list[Break] = []
    for name in was.keys() & now.keys():
        old_document = was[name] if "$defs" in was[name] else before
        new_document = now[name] if "$defs" in now[name] else after
        for found, (old, new), (first, second) in (
            (breaks, (was[name], now[name]), (old_document, new_document)),
            (back, (now[name], was[name]), (new_document, old_document)),
        ):
            inner, outer = (new, old) if is_output(name) else (old, new)
            documents = (second, first) if is_output(name) else (first, second)
            compared = Containment(*documents, is_output=is_output(name))
            found.extend(compared.breaks(name, inner=inner, outer=outer))
    added = [f"`{name}`: {now[name].get('description', '')}" for name in now if name not in was]
    return _sorted_out(sorted(set(breaks)), sorted(set(back)), added)


_ONLY_NOW = ("is gone", "is no longer accepted")


def _sorted_out(breaks: Iterable[Break], back: Iterable[Break], added: Iterable[str]) -> Changes:
    """`back` has what a client of the new contract would lose with the old one: what the new one adds."""
    breaks = list(breaks)
    broken = {one.where for one in breaks}
    gained = [one for one in back if one.where not in broken]
    return Changes(
        breaking=[f"`{one.where}` {one.what}" for one in breaks],
        new=[*added, *(f"`{one.where}`" for one in gained if one.what in _ONLY_NOW)],
        compatible=list(dict.fromkeys(f"`{one.where}`" for one in gained if one.what not in _ONLY_NOW)),
    )


def _section(title: str, changes: Changes) -> str:
    parts = (
        ("Breaks readers and clients", changes.breaking),
        ("New", changes.new),
        ("Changed, without a break", changes.compatible),
    )
    lines = list(_lines(parts))
    return "\n".join([f"## {title}\n", *lines]) if lines else ""


def _lines(parts: Iterable[tuple[str, list[str]]]) -> Iterator[str]:
    for heading, lines in parts:
        if lines:
            yield f"### {heading}\n"
            yield "".join(f"- {' '.join(line.split()).removesuffix(':')}\n" for line in lines)


def _files_at(revision: str) -> dict[str, str]:
    archive = _git("archive", "--format=tar", revision)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        return {
            member.name: content.read().decode()
            for member in files
            if member.name in (_OPENAPI, _ASYNCAPI, _TEMPLATE) or member.name.startswith(f"{_EVENTS}/")
            if (content := files.extractfile(member)) is not None
        }


def _last_tag_before(revision: str) -> str:
    """The last tag `v*` before the revision, or nothing if it is the first."""
    tags = _git("tag", "--list", "v*", "--sort=-version:refname", "--merged", f"{revision}^").decode().split()
    return tags[0] if tags else ""


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, check=False)
    if done.returncode:
        raise StepError(f"git: {done.stderr.decode().strip()}", "FROM=... and TO=... name tags or commits.")
    return done.stdout

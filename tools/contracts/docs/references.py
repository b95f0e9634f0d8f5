"""References in the docs: each name in a code span, a command or a link must exist.

These shapes are checked; the check leaves everything else in a code span alone:

- a relative link, with its anchor: `[text](../README.md#try-it)`
- a path with a folder, or a bare file name; `<name>` and `*` stand for anything: `statemachines/*.asl.json`, `build.mk`
- a make target: `make demo`
- a module, or a name in one, by its dots: `shared.saga.steps_handler`; `orders.start_executions` is short for a Lambda
  function's module `orders.functions.start_executions`
- an event type: `order.placed`
- a logical id, class, metric or state in CamelCase, and any name with an underscore; the code must have that word
- a name that follows the file it stands in: `orders/domain/order.py`, `order_id_for`
- in commands also `python -m <module>` and `physical <logical id>`; in Mermaid diagrams functions and event types
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools.contracts.template import resources
from tools.settings import REPOSITORY

DATED = {"docs/decisions.md"}
"""Logs whose entries keep the names of their day. Their links, make targets and paths from a top folder must exist."""

ALLOWED = {
    # Actions of AWS that an operator or an app needs, and our code does not.
    "ListStackResources", "ChangeMessageVisibility", "GetQueueAttributes",
    "InitiateAuth", "ConfirmSignUp", "ForgotPassword", "AssociateSoftwareToken", "VerifySoftwareToken",
    "SetUserMFAPreference", "UpdateUserAttributes", "VerifyUserAttribute",
    # Errors of PyJWT that a log shows.
    "ExpiredSignatureError", "InvalidAudienceError",
    # A file in a bucket that looks like an event type.
    "report.csv",
}  # fmt: skip
"""Names that are neither ours nor in our code."""

NOT_IN_THE_REPOSITORY = (
    ".local/",
    "uploads/",
    "renditions/",
    "work/",
    "results/",
    "runs/",
    "weekly/",
    "templates/",
)
"""How paths begin that are no files here: what a run leaves behind, keys in S3, and folders within a service."""

TOP_FOLDERS = (
    "benchmarks", "docs", "events", "requirements", "services", "shared_layer", "statemachines", "tests", "tools",
)  # fmt: skip
_SUFFIXES = ("py", "md", "json", "toml", "yaml", "yml", "txt", "in", "mk", "html", "js")
_SOURCES = {".py", ".json", ".toml", ".yaml", ".yml", ".html", ".js", ".in", ".mk", ""}
_SKIPPED_FOLDERS = {"__pycache__", "docs"}

_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"```.*?```", re.DOTALL)
_MAKE = re.compile(r"(?:^|[\s(])make ([a-z][a-z-]*)")
_IN_DIAGRAM = re.compile(r"(?<![\w/.])[a-z_]+\.[a-z_]+\b")
_RUN_MODULE = re.compile(r"-m ((?:tools|tests|benchmarks)(?:\.\w+)*)")
_PHYSICAL = re.compile(r"\bphysical ([A-Z]\w+)")
_PATH = re.compile(rf"[\w<*.][\w./<>*-]*(?:/|\.(?:{'|'.join(_SUFFIXES)}))")
_TOP_PATH = re.compile(rf"(?:{'|'.join(TOP_FOLDERS)})/[\w./<>*-]*")
_DOTTED = re.compile(r"[a-z_]+(?:\.\w+)+")
_CAMEL = re.compile(r"[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+")
_SNAKE = re.compile(r"_?[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+")
_NAME_IN_FILE = re.compile(r"`([\w./-]+\.py)`(?:,|:| \()\s*`(\w+)\b(?!\.(?:py|json)|/)[^`]*`")


@dataclass(frozen=True)
class DeadReference:
    """A name in a document that leads nowhere."""

    file: Path
    line: int
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: no such {self.kind}: {self.name}"


def dead_references(file: Path, text: str | None = None) -> Iterator[DeadReference]:
    """The references of one Markdown document that lead nowhere; `text` stands for the file's own."""
    file = file.resolve()
    named = file.relative_to(REPOSITORY)
    text = file.read_text(encoding="utf-8") if text is None else text
    is_dated = named.as_posix() in DATED
    for position, kind, name in _found(text, file, is_dated=is_dated):
        if name not in ALLOWED:
            yield DeadReference(named, text.count("\n", 0, position) + 1, kind, name)


def _found(text: str, file: Path, *, is_dated: bool) -> Iterator[tuple[int, str, str]]:
    """Position, kind and name of each dead reference."""
    prose = _FENCE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text)
    for link in _LINK.finditer(prose):
        if not _is_link_good(link[1], file):
            yield link.start(), "link", link[1]
    commands = [*_FENCE.finditer(text), *_SPAN.finditer(prose)]
    for command in commands:
        yield from (
            (command.start() + at, kind, name) for at, kind, name in _dead_in_command(command[0].strip("`"))
        )
    for span in _SPAN.finditer(prose):
        kind = _dead_kind(span[1], file, is_dated=is_dated)
        if kind:
            yield span.start(), kind, span[1]
    if not is_dated:
        for pair in _NAME_IN_FILE.finditer(prose):
            if not any(
                re.search(rf"\b{pair[2]}\b", path.read_text()) for path in _files_named(pair[1], file)
            ):
                yield pair.start(), f"name in {pair[1]}", pair[2]


def _dead_in_command(command: str) -> Iterator[tuple[int, str, str]]:
    if command.startswith("mermaid"):
        for name in _IN_DIAGRAM.finditer(command):
            if kind := _dead_dotted(name[0]):
                yield name.start(), kind, name[0]
    for target in _MAKE.finditer(command):
        if target[1] not in _make_targets():
            yield target.start(), "make target", target[1]
    for module in _RUN_MODULE.finditer(command):
        if not _module_file(REPOSITORY, module[1].split(".")):
            yield module.start(), "module", module[1]
    for resource in _PHYSICAL.finditer(command):
        if resource[1] not in _words():
            yield resource.start(), "resource", resource[1]


def _dead_kind(span: str, file: Path, *, is_dated: bool) -> str | None:
    """The kind of thing that `span` names in vain, or None if the thing exists or is of no kind that is checked."""
    if is_dated:
        return "path" if _TOP_PATH.fullmatch(span) and not _files_named(span, file) else None
    if _PATH.fullmatch(span) or _TOP_PATH.fullmatch(span):
        return None if not _is_ours(span) or _files_named(span, file) else "path"
    if _DOTTED.fullmatch(span):
        return _dead_dotted(span)
    if _CAMEL.fullmatch(span):
        return None if span in _words() or span in _first_words_of_ids() else "name"
    if _SNAKE.fullmatch(span):
        return None if span in _words() else "name"
    return None


def _is_ours(path: str) -> bool:
    """Whether this is a path of the repository, rather than a key in S3 or a placeholder alone."""
    return not path.startswith(("<", *NOT_IN_THE_REPOSITORY))


def _files_named(path: str, file: Path) -> list[Path]:
    """The files and folders that `path` means: from the root, the document's folder, or inside a service's package."""
    pattern = re.sub(r"<[^>]*>", "*", path).strip("/")
    if "/" not in pattern and pattern.rpartition(".")[2] in _SUFFIXES:
        return [found for found in _files() if found.match(pattern)]
    bases = (
        REPOSITORY,
        file.parent,
        file.parent / file.parent.name,
        REPOSITORY / "shared_layer",
        *_service_folders(),
        *_service_packages(),
    )
    return [found for base in bases for found in base.glob(pattern)]


def _is_link_good(target: str, file: Path) -> bool:
    path, _, anchor = target.partition("#")
    if re.match(r"[a-z]+:", target):
        return True
    linked = (file.parent / path).resolve() if path else file
    return linked.exists() and (not anchor or anchor in _anchors(linked))


def _dead_dotted(span: str) -> str | None:
    first, *rest = re.sub(r"\.v\d+$", "", span).split(".")
    if first in _aggregates():
        return None if f"{first}.{rest[0]}" in _event_types() else "event type"
    if first not in {*_packages(), "tools", "tests"}:
        return None
    for root in (REPOSITORY, REPOSITORY / "shared_layer", *_service_folders()):
        for names in ([first, *rest], [first, "functions", *rest]):
            if _is_defined(root, names):
                return None
    return "module or name in one"


def _is_defined(root: Path, names: list[str]) -> bool:
    """Whether these dotted names are a module, or end in names that their module has."""
    for length in range(len(names), 0, -1):
        module = _module_file(root, names[:length])
        if module and (length > 1 or len(names) == 1):
            source = module.read_text(encoding="utf-8")
            return all(re.search(rf"\b{name}\b", source) for name in names[length:])
    return False


def _module_file(root: Path, names: list[str]) -> Path | None:
    path = root.joinpath(*names)
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@cache
def _service_folders() -> tuple[Path, ...]:
    return tuple(path for path in sorted((REPOSITORY / "services").iterdir()) if path.is_dir())


@cache
def _service_packages() -> tuple[Path, ...]:
    return tuple(folder / folder.name for folder in _service_folders())


@cache
def _packages() -> frozenset[str]:
    return frozenset({"shared", *(folder.name for folder in _service_folders())})


@cache
def _make_targets() -> frozenset[str]:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    return frozenset(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))


@cache
def _event_types() -> frozenset[str]:
    names = (path.name for path in (REPOSITORY / "events" / "schemas").glob("*.json"))
    return frozenset(".".join(name.split(".")[:2]) for name in names)


@cache
def _aggregates() -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in _event_types())


@cache
def _files() -> tuple[Path, ...]:
    """The repository's own files."""
    top = [path for path in REPOSITORY.iterdir() if path.is_file()]
    below = (path for folder in (*TOP_FOLDERS, ".github") for path in (REPOSITORY / folder).rglob("*"))
    return (*top, *(path for path in below if path.is_file() and "__pycache__" not in path.parts))


@cache
def _words() -> frozenset[str]:
    """Every identifier in the sources: code, template and its loops, state machines, schemas, tests, settings."""
    found: set[str] = set(resources())
    for file in _files():
        if (
            file.suffix in _SOURCES
            and not file.match("tests/unit/test_docs.py")
            and file.parent != Path(__file__).parent
        ):
            found.update(re.findall(r"\w+", file.read_text(encoding="utf-8", errors="ignore")))
    return frozenset(found)


@cache
def _first_words_of_ids() -> frozenset[str]:
    """`OrdersStartExecutions` of `OrdersStartExecutionsQueue`: what the names of a consumer's resources begin with."""
    return frozenset(one[: hump.start()] for one in resources() for hump in re.finditer(r"(?<!^)[A-Z]", one))


@cache
def _anchors(document: Path) -> frozenset[str]:
    """The anchors of a Markdown document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", _FENCE.sub("", document.read_text(encoding="utf-8")), re.MULTILINE)
    return frozenset(anchor_of(heading) for heading in headings)


def anchor_of(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")

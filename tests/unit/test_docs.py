"""The docs name only what exists, and everything that a person reads is plain English.

`python -m tools.contracts.docs <file or folder>` lists what is wrong there.
"""

import re
from pathlib import Path

import pytest

from tools.contracts.docs.english import complaints, violations_under
from tools.contracts.docs.prose import Passage, comments, descriptions, markdown, python
from tools.contracts.docs.references import dead_references
from tools.settings import REPOSITORY

# The code's own names stand in these; `make openapi`, `make events` and `-m tools scan write` renew them.
GENERATED = ("docs/authorization.md", "docs/events.md", "docs/scanners.md")
DOCUMENTS = sorted(
    {
        path.relative_to(REPOSITORY).as_posix()
        for folder in (".", ".github", "benchmarks", "docs", "docs/patterns", "services/*", "tests/faults")
        for path in REPOSITORY.glob(f"{folder}/*.md")
    }
    - {*GENERATED}
)

ROOTS = (
    ".github",
    "AGENTS.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "benchmarks",
    "build.mk",
    "docs/api.md",
    "docs/architecture.md",
    "docs/asyncapi.json",
    "docs/correctness.md",
    "docs/decisions.md",
    "docs/deployment.md",
    "docs/encryption.md",
    "docs/fork.md",
    "docs/live-updates.md",
    "docs/new-service.md",
    "docs/operations.md",
    "docs/patterns",
    "docs/performance.md",
    "docs/pipeline.md",
    "docs/sam-local.md",
    "docs/security.md",
    "docs/tutorial.md",
    "docs/why-not.md",
    "services",
    "shared_layer",
    "statemachines",
    "template.yaml",
    "tests/attacks",
    "tests/browser",
    "tests/budgets",
    "tests/component",
    "tests/examples.py",
    "tests/faults/README.md",
    "tests/fuzz",
    "tests/made_up.py",
    "tests/patterns",
    "tests/routes.py",
    "tests/sam_local",
    "tests/scan",
    "tests/template.py",
    "tests/tutorial.py",
    "tests/unit",
    "tools",
)
"""Everything here is plain English. A root is a file or a folder."""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_names_only_what_exists(document):
    assert not [str(dead) for dead in dead_references(REPOSITORY / document)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_each_command_for_aws_names_the_region(document):
    """The stack is in a region that the reader chose, and the default may be another."""
    text = (REPOSITORY / document).read_text()
    assert not re.findall(r"(?<![\w./-])aws (?!--region )[a-z0-9-]+ [a-z0-9-]+", text)
    assert not re.findall(r"make [a-z]+\b(?![^`\n]*REGION=)[^`\n]*\bSTACK=[^`\n]*", text)


@pytest.mark.parametrize("root", ROOTS)
def test_prose_is_plain_english(root):
    assert not [str(violation) for violation in violations_under(REPOSITORY / root)]


@pytest.mark.parametrize(
    "dead",
    [
        "[gone](docs/gone.md)",
        "[no such heading](../README.md#no-such-heading)",
        "`services/orders/orders/gone.py`",
        "`orders/domain/gone.py`",
        "`tests/unit/test_<name>_gone.py`",
        "`gone.py`",
        "`make gone`",
        "```sh\nmake gone\n```",
        '```sh\naws x "$(physical GoneTable)"\n```',
        "`python -m tools.gone`",
        "`orders.gone`",
        "`shared.saga.gone`",
        "`order.gone`",
        "```mermaid\nflowchart LR\n  a[orders.gone]\n```",
        "`GoneFunction`",
        "`gone_with_the_wind`",
        "`shared/outbox.py`, `gone`",
    ],
)
def test_a_reference_to_nothing_is_found(dead):
    assert _dead(f"Before.\n\n{dead}\n")


@pytest.mark.parametrize(
    "good",
    [
        "[here](../README.md#try-it)",
        "[there](https://example.com/gone.md)",
        "`services/<name>/`",
        "`statemachines/*.asl.json`",
        "`shared/outbox.py`, `outbox_of`",
        "`make demo`",
        "`make redrive QUEUE=OrdersStartExecutions`",
        "`orders.start_executions`",
        "`orders.functions.start_executions`",
        "`shared.saga.steps_handler`",
        "`order.placed`",
        "`OrdersTable`",
        "`payment_intent.succeeded`",
        "`POST /orders`",
        "`uploads/<sku>/<name>`",
    ],
)
def test_a_reference_to_something_is_no_alarm(good):
    assert not _dead(f"Before.\n\n{good}\n")


def _dead(text: str) -> list[str]:
    return [str(dead) for dead in dead_references(REPOSITORY / "docs" / "api.md", text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "those that there are not are absent",
        "An order that is somebody else's is as one that there is not.",
        "Nothing is held for nobody.",
        "A relay whose word of it got lost says it again.",
        "The order was not told.",
        "Whoever follows them needs a permission.",
        "What is personal is marked.",
        "Who wants a balance adds movements up.",
        "The money is missing for good.",
        " ".join(["word"] * 26) + ".",
    ],
)
def test_a_sentence_that_readers_stumble_over_is_found(sentence):
    assert list(complaints(Passage("1", sentence)))


@pytest.mark.parametrize(
    "sentence",
    [
        "The result omits unknown ids.",
        "What happened to the order?",
        "**What.** One state machine decides.",
        "The test shows what happened.",
        " ".join(["word"] * 25) + ". " + " ".join(["Word"] * 25) + ".",
        "It reads " + ", ".join(f"`order.number_{number}`" for number in range(30)) + ".",
    ],
)
def test_a_plain_sentence_is_no_alarm(sentence):
    assert not list(complaints(Passage("1", sentence)))


def test_prose_is_read_out_of_each_kind_of_file():
    read = markdown(
        "# Title\n\nOne\nline.\n\n- An item\n  goes on.\n\n```sh\ncode\n```\n\n| a | b |\n|---|---|\n"
    )
    assert [(found.place, found.text) for found in read] == [
        ("1", "Title"), ("3", "One line."), ("6", "An item goes on."), ("13", "a"), ("13", "b"),
    ]  # fmt: skip
    titles = markdown("- [Who pays](#who-pays) (replaced by 2)\n- [Who pays](#who-pays) for it\n")
    assert [found.is_title for found in titles] == [True, False]
    code = '"""Module."""\n\nLIMIT = 3  # beside\n"""Attribute."""\n# above,\n# in two lines\n'
    assert [found.text for found in python(code)] == [
        "Module.",
        "Attribute.",
        "beside",
        "above, in two lines",
    ]
    assert [found.text for found in comments("# a\n# b\nDescription: c\nkey: 1 # d\n")] == ["c", "a b", "d"]
    document = '{"paths": [{"summary": "a"}], "example": {"description": "b"}}'
    assert [found.place for found in descriptions(document)] == ["/paths/0/summary"]


def test_every_root_holds_prose():
    assert all(Path(REPOSITORY / root).exists() for root in ROOTS)

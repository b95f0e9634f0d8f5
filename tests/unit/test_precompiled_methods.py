"""The build compiles the methods of the layer's dataclasses, and the classes are as before."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from shared_layer.precompile import precompile

CLASSES = '''from __future__ import annotations
import dataclasses
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar

SLOTS = {"slots": True}


class Base: ...


@dataclass(frozen=True, **SLOTS)
class Tea(Base):
    """A tea."""

    kind: ClassVar[str] = "tea"
    sku: str
    grams: int = 100
    tags: list[str] = field(default_factory=list, compare=False)
    note: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass(order=True)
class Pot:
    size: int

    def __post_init__(self) -> None:
        self.size += 1


@dataclass(frozen=True)
class Blend(Tea):
    parts: int = 2


@dataclass
class Late:
    first: int
    _: KW_ONLY
    second: int = 2
'''
LOOK = """
import dataclass_methods
from annotated_types import Blend, Late, Pot, Tea
tea = Tea("A", tags=["x"])
try:
    tea.sku = "B"
except AttributeError as error:
    print(type(error).__name__)
print(tea == Tea("A"), hash(tea) == hash(Tea("A")), tea, Tea.__init__.__qualname__, hasattr(tea, "__dict__"))
print(Pot(1) < Pot(2), Pot(1), Blend("A", parts=3), Late(1, second=3))
print([each.__name__ for each in (Tea, Pot, Blend, Late) if "dataclass_methods" in each.__init__.__code__.co_filename])
"""
COUNT = """
import dataclass_methods
found, missing = 0, []
def counted(text, names, made, taken=dataclass_methods.dataclasses.exec):
    global found
    taken(text, names, made)
    if "dataclass_methods" in made["__create_fn__"].__code__.co_filename:
        found += 1
    elif names["__name__"].partition(".")[0] in ("annotated_types", "botocore", "pydantic"):
        missing.append(names["__name__"])
dataclass_methods.dataclasses.exec = counted
import botocore.session, pydantic.dataclasses, pydantic.types, pydantic.json_schema
print(found >= 30, sorted(set(missing)))
"""


def in_a_new_process(library: Path, code: str) -> list[str]:
    run = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.splitlines()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A layer with a package of some dataclasses."""
    package = tmp_path / "annotated_types"
    package.mkdir()
    (package / "__init__.py").write_text(CLASSES)
    return tmp_path


def test_a_dataclass_is_as_before_and_its_methods_are_those_of_the_build(library: Path) -> None:
    (library / "dataclass_methods.py").touch()
    *before, none = in_a_new_process(library, LOOK)
    (library / "dataclass_methods.py").unlink()
    precompile(library)
    *after, precompiled = in_a_new_process(library, LOOK)
    assert after == before
    assert (none, precompiled) == ("[]", "['Tea', 'Pot', 'Blend']")


def test_the_packages_of_the_layer_find_the_methods_of_most_of_their_classes(tmp_path: Path) -> None:
    for name in ("annotated_types", "botocore", "pydantic"):
        (tmp_path / name).symlink_to(Path(import_module(name).__file__ or "").parent)
    precompile(tmp_path)
    assert in_a_new_process(tmp_path, COUNT) == [
        "True ['pydantic.functional_validators', 'pydantic.json_schema']"
    ]

"""The packages that `sam build` made for the deployed stack."""

from pathlib import Path

import pytest

from tools.settings import REPOSITORY
from tools.stack import Stack

BUILD = REPOSITORY / ".aws-sam" / "build"
# e_machine in the header of an ELF file, little-endian, at byte 18: what the file's code runs on.
_PROCESSORS = {"x86_64": 62, "aarch64": 183}


def native_modules(processor: str) -> dict[str, int]:
    """The modules for a processor, by their names without it, and what each file's code runs on."""
    suffix = f".cpython-313-{processor}-linux-gnu.so"
    return {
        str(path.relative_to(BUILD)).removesuffix(suffix): int.from_bytes(path.read_bytes()[18:20], "little")
        for path in BUILD.rglob(f"*{suffix}")
    }


@pytest.mark.parametrize("processor", _PROCESSORS)
def test_a_package_runs_on_each_of_lambdas_processors(stack: Stack, processor: str) -> None:
    found = native_modules(processor)
    assert set(found.values()) == {_PROCESSORS[processor]}
    assert {Path(name).parts[0] for name in found} == {
        "SharedLayer",
        "LiveAuthorizerFunction",
        "ImageProcessorRenderFunction",
    }
    other = next(name for name in _PROCESSORS if name != processor)
    assert set(found) == set(native_modules(other))


def test_no_native_module_is_named_after_no_processor(stack: Stack) -> None:
    named = {path for processor in _PROCESSORS for path in BUILD.rglob(f"*-{processor}-linux-gnu.so")}
    # A wheel's own libraries have a digest of their content in their names.
    libraries = set(BUILD.rglob("*.libs/*.so*"))
    assert set(BUILD.rglob("*.so*")) == named | libraries

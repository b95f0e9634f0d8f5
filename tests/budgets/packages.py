"""What `sam build` made: the modules of a cold start, the sizes, the bytecode."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import MAGIC_NUMBER, cache_from_source, source_hash
from pathlib import Path
from typing import Any

from benchmarks.starts.built import BUILD, LAYER, Subject, built_functions, start

# In the header of a bytecode file: it names its source by a hash, which is not checked when it is imported.
# https://peps.python.org/pep-0552/
_UNCHECKED_HASH = (1).to_bytes(4, "little")


def imported() -> dict[str, dict[str, str]]:
    """By function, the modules that a cold start imports, each with its file."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        starts = pool.map(start, built_functions())
        return {
            function.name: figures.modules
            for function, figures in zip(built_functions(), starts, strict=True)
        }


def counted(function: Subject, modules: dict[str, str]) -> dict[str, int]:
    """How many modules of each package of ours and of the layer; Python's own differ by its version."""
    folders = tuple(map(str, function.folders))
    return dict(Counter(name.partition(".")[0] for name, file in modules.items() if file.startswith(folders)))


def size(folder: Path) -> int:
    """The bytes of a package, unpacked, which is what Lambda limits."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def without_bytecode(folder: Path) -> Iterator[str]:
    """The modules that a cold start would have to compile, or to compare with their source."""
    for source in sorted(folder.rglob("*.py")):
        bytecode = Path(cache_from_source(str(source)))
        header = bytecode.read_bytes()[:16] if bytecode.exists() else b""
        if header != MAGIC_NUMBER + _UNCHECKED_HASH + source_hash(source.read_bytes()):
            yield str(source.relative_to(folder))


def measured() -> dict[str, Any]:
    """The sizes and modules of today's build."""
    modules = imported()
    return {
        "layer_bytes": size(BUILD / LAYER.parent),
        "functions": {
            function.name: {
                "bytes": size(function.folders[0]),
                "modules": counted(function, modules[function.name]),
            }
            for function in built_functions()
        },
    }

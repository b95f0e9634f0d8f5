"""Makes packages of functions and of the layer from the working tree, as `sam build` would, in a fraction of its time.

A package has the same bytecode as a build: Lambda trusts unchecked-hash bytecode, so a stale file would hide a change.
What a package holds beside our code, it takes from the last build.
"""

import importlib.util
import io
import marshal
import zipfile
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath

from tools.cloud.parts import SHARED, files, package_of
from tools.settings import REPOSITORY

# PEP 552: the bytecode is of a source's hash, and nobody checks the hash.
_UNCHECKED_HASH = (1).to_bytes(4, "little")
_MODULES_KEPT = 2048


def of_service(service: str, built: Path) -> bytes:
    """The archive of a function of this service: the service's code of now, and the rest as it was `built`.

    Raises SyntaxError for a module that does not compile.
    """
    package = io.BytesIO(_rest(built, service))
    with zipfile.ZipFile(package, "a", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, service, PurePosixPath(service))
    return package.getvalue()


def of_shared() -> bytes:
    """The archive of a layer that holds `shared` alone; raises SyntaxError for a module that does not compile."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, SHARED, PurePosixPath("python", SHARED))
    return package.getvalue()


def of_build(built: Path) -> bytes:
    """The archive of a package as it was `built`."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in _all(built):
            archive.write(path, path.relative_to(built))
    return package.getvalue()


def _add(archive: zipfile.ZipFile, part: str, place: PurePosixPath) -> None:
    folder = package_of(part)
    for path in sorted(files(folder)):
        content, inside = path.read_bytes(), place / path.relative_to(folder).as_posix()
        archive.writestr(inside.as_posix(), content)
        if path.suffix == ".py":
            compiled = PurePosixPath(importlib.util.cache_from_source(inside))
            archive.writestr(compiled.as_posix(), _bytecode(content, path.relative_to(REPOSITORY).as_posix()))


@lru_cache(_MODULES_KEPT)
def _bytecode(source: bytes, named: str) -> bytes:
    code = compile(source, named, "exec", dont_inherit=True)
    return b"".join(
        (
            importlib.util.MAGIC_NUMBER,
            _UNCHECKED_HASH,
            importlib.util.source_hash(source),
            marshal.dumps(code),
        )
    )


@cache
def _rest(built: Path, service: str) -> bytes:
    """The archive of what a package holds beside the service's code: third-party packages take a second or two."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in _all(built):
            if path.relative_to(built).parts[0] != service:
                archive.write(path, path.relative_to(built))
    return package.getvalue()


def _all(built: Path) -> Iterator[Path]:
    return (path for path in sorted(built.rglob("*")) if path.is_file())

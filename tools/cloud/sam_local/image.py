"""The image of the Lambda runtime in which `sam local` runs functions: AWS's own, or a stand-in from local files.

sam adds its emulator of the Lambda service and the layer to the image, and runs `mv` and `chmod` in it for that.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePosixPath

from tools.cloud.sam_local.engine import DockerFailed, Engine, EngineUnavailable
from tools.settings import REPOSITORY

NAME = "public.ecr.aws/lambda/python:3.13-x86_64"
"""sam's name for the image of this runtime and architecture."""

PYTHON = "/var/lang/bin/python3.13"
"""The path of the interpreter, in AWS's image and in the stand-in."""

_REQUIREMENTS = REPOSITORY / "requirements" / "lambda-image.txt"
_ARTIFACTS = REPOSITORY / ".aws-sam" / "build"
_LABEL = "cartwright.stand-in"
_PULL_SECONDS = 180.0
_PROGRAMS = ("sh", "mv", "chmod", "cp", "rm")
_LANGUAGE = "var/lang"
_RUNTIME = "var/runtime"
_LIBRARY = re.compile(r"(?:=> |^\s*)(/\S+) \(0x")
_UNUSED_MODULES = frozenset(
    {"site-packages", "test", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3"}
)

_BOOTSTRAP = f"""#!/bin/sh
export PYTHONPATH="/opt/python/lib/python3.13/site-packages:/opt/python:/{_RUNTIME}"
exec {PYTHON} -m awslambdaric "$_HANDLER"
"""
_CHANGES = (
    "ENV LANG=C.UTF-8",
    "ENV TZ=:UTC",
    "ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
    "ENV LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/task:/var/task/lib:/opt/lib",
    "ENV LAMBDA_TASK_ROOT=/var/task",
    "ENV LAMBDA_RUNTIME_DIR=/var/runtime",
    "WORKDIR /var/task",
)


@contextmanager
def runtime_image(engine: Engine) -> Iterator[str]:
    """The image in the engine for as long as the block runs; yields a remark on its origin. Raises EngineUnavailable.

    A stand-in stays in an engine of our own. It leaves any other engine at the end: its name is that of AWS's image.
    """
    wanted = _stand_in_digest()
    present = _present(engine)
    if present == "":
        remark = "AWS's, pulled before"
    elif present == wanted:
        remark = "the stand-in, made before"
    elif _pull(engine):
        remark = "AWS's, pulled"
    else:
        _make_stand_in(engine, wanted)
        remark = "AWS's cannot be pulled: a stand-in from local files"
    try:
        yield remark
    finally:
        if not engine.own and _present(engine):
            engine.docker("image", "rm", "--force", NAME)


def _present(engine: Engine) -> str | None:
    """None if the engine has no such image; otherwise a stand-in's digest, or "" for AWS's own."""
    if not engine.docker("image", "ls", "--quiet", NAME):
        return None
    return engine.docker("image", "inspect", "--format", f'{{{{index .Config.Labels "{_LABEL}"}}}}', NAME)


def _pull(engine: Engine) -> bool:
    try:
        engine.docker("pull", "--quiet", NAME, seconds=_PULL_SECONDS)
    except DockerFailed:
        return False
    return True


def _stand_in_digest() -> str:
    """A digest of a stand-in's ingredients and its recipe."""
    recipe = (
        Path(__file__).read_bytes(),
        _REQUIREMENTS.read_bytes(),
        sys.version.encode(),
        sys.base_prefix.encode(),
    )
    libraries = (os.fsencode(library) for library in sorted(_libraries(_compiled(_ARTIFACTS))))
    return hashlib.sha256(b"\0".join([*recipe, *libraries])).hexdigest()[:16]


def _make_stand_in(engine: Engine, digest: str) -> None:
    """Imports this machine's Python, Lambda's runtime interface client and sam's programs as the image."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise EngineUnavailable(
            f"{NAME} cannot be pulled, and a stand-in can be made on Linux on x86_64 alone "
            f"(this is {platform.system()} on {platform.machine()})."
        )
    with tempfile.TemporaryDirectory(prefix="runtime-image-") as scratch:
        client, archive = Path(scratch) / "client", Path(scratch) / "image.tar"
        _install_runtime_client(client)
        with tarfile.open(archive, "w") as image:
            _fill(image, client)
        changes = [f"--change={change}" for change in (*_CHANGES, f"LABEL {_LABEL}={digest}")]
        engine.docker("import", *changes, archive, NAME, seconds=300)


def _install_runtime_client(target: Path) -> None:
    command: list[str | Path] = [
        REPOSITORY / ".venv" / "bin" / "uv",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
    ]
    command += ["--require-hashes", "--only-binary=:all:", "--python", sys.executable, "--target", target]
    installed = subprocess.run(
        [*command, "--requirement", _REQUIREMENTS],
        env={**os.environ, "UV_SYSTEM_CERTS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if installed.returncode:
        raise EngineUnavailable(
            f"{NAME} cannot be pulled, nor {_REQUIREMENTS.name} installed for a stand-in: {installed.stderr.strip()}"
        )


def _fill(image: tarfile.TarFile, client: Path) -> None:
    """Fills the file system: /var/lang, /var/runtime, the programs, and the libraries that all of these load."""
    prefix, modules = Path(sys.base_prefix), Path(os.__file__).parent
    programs = [Path(found) for name in _PROGRAMS if (found := shutil.which(name))]
    interpreter = Path(sys.executable).resolve()
    for folder in ("tmp", "opt", "var/task", "var/rapid"):
        entry = tarfile.TarInfo(folder)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
        image.addfile(entry)
    _add_text(image, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644)
    _add_text(image, f"{_RUNTIME}/bootstrap", _BOOTSTRAP, 0o755)
    image.add(interpreter, PYTHON.lstrip("/"))
    image.add(modules, f"{_LANGUAGE}/lib/{modules.name}", filter=_without_unused(modules))
    image.add(client, _RUNTIME)
    for name, program in zip(_PROGRAMS, programs, strict=True):
        image.add(program.resolve(), f"bin/{name}")
    # The layer's and the functions' compiled modules run in the image too.
    users = [interpreter, *programs, *_compiled(modules / "lib-dynload", client, _ARTIFACTS)]
    for library in sorted(_libraries(users)):
        inside = library.is_relative_to(prefix)
        image.add(
            library.resolve(), f"{_LANGUAGE}/lib/{library.name}" if inside else str(library).lstrip("/")
        )


def _add_text(image: tarfile.TarFile, name: str, text: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = mode, len(text.encode())
    image.addfile(entry, BytesIO(text.encode()))


def _without_unused(modules: Path) -> Callable[[tarfile.TarInfo], tarfile.TarInfo | None]:
    """Leaves out modules of the standard library that no function imports: most of its size."""
    root = PurePosixPath(_LANGUAGE, "lib", modules.name)

    def keep(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        inside = PurePosixPath(entry.name).relative_to(root).parts
        unused = bool(inside) and (inside[0] in _UNUSED_MODULES or inside[0].startswith("config-"))
        return None if unused else entry

    return keep


def _compiled(*folders: Path) -> list[Path]:
    return [path for folder in folders for path in folder.rglob("*.so*")]


def _libraries(users: Iterable[Path]) -> set[Path]:
    """The shared libraries of this machine that the programs and modules load, their loader included."""
    found: set[Path] = set()
    for user in users:
        listed = subprocess.run(["ldd", user], capture_output=True, text=True, check=False)
        found |= {Path(path) for line in listed.stdout.splitlines() for path in _LIBRARY.findall(line)}
    return {path for path in found if not path.is_relative_to(_ARTIFACTS)}

"""`make tutorial`: does what docs/tutorial.md tells its reader, in a copy of the repository, and compares each output.

A block `sh` is run, and must succeed. A block `diff` is applied. A block `console` has commands after `$ ` and their
output: `...` stands for any lines, and numbers and ids may differ. All commands share one shell, as for a reader.
"""

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.settings import REPOSITORY

PAGE = REPOSITORY / "docs/tutorial.md"
_BLOCK = re.compile(r"(?:<!-- excerpt: \S+ -->\n)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ANY_LINES = "..."
_DONE = "the-tutorial-goes-on"


class TutorialFailed(Exception):
    """A step of the page does not do what the page says."""


@dataclass(frozen=True)
class Block:
    """A fenced block of the page: its kind, its text and the number of its first line."""

    kind: str
    text: str
    line: int


def blocks(text: str) -> list[Block]:
    """The blocks of a page that are not excerpts of the source."""
    return [
        Block(found[1], found[2], text[: found.start(2)].count("\n") + 1)
        for found in _BLOCK.finditer(text)
        if not found[0].startswith("<!--")
    ]


def matches(expected: str, output: str) -> bool:
    """Whether the output is as expected, but for numbers, ids, and the lines that `...` stands for."""
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() == _ANY_LINES else re.escape(_plain(line)) + r"\n"
        for line in expected.splitlines()
    )
    return re.fullmatch(pattern, "".join(f"{_plain(line)}\n" for line in output.splitlines())) is not None


def _plain(line: str) -> str:
    """The line with `#` in place of each id and number, and one blank in place of several."""
    ids = re.sub(r"\b(?:\w+_)?[0-9a-f]{16,}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "#", line)
    return re.sub(r"\s+", " ", re.sub(r"\d+(?:[.,:]\d+)*", "#", ids)).rstrip()


class Reader:
    """A shell in a copy of the repository, in which a reader types the page's commands."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shell = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env={**os.environ, "PORT": str(_free_port())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, command: str) -> str:
        """The output of a command; raises TutorialFailed if it fails."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{command}\necho; echo {_DONE} $?\n")
        self._shell.stdin.flush()
        lines: list[str] = []
        for line in self._shell.stdout:
            if line.startswith(_DONE):
                output = "".join(lines).removesuffix("\n")
                if line.split()[1] != "0":
                    raise TutorialFailed(f"{command}\nends with {line.split()[1]}:\n{output}")
                return output
            lines.append(line)
        raise TutorialFailed(f"{command}\nended the shell:\n{''.join(lines)}")

    def apply(self, difference: str) -> None:
        """Edits the copy as a reader does in an editor; raises TutorialFailed if the lines are others."""
        run = subprocess.run(
            ["git", "apply", "-"],
            cwd=self._folder,
            input=difference,
            text=True,
            capture_output=True,
            check=False,
        )
        if run.returncode:
            raise TutorialFailed(f"The change cannot be made:\n{difference}\n{run.stderr}")

    def leave(self) -> None:
        """Stops the cloud and the shell."""
        self.type("make down")
        assert self._shell.stdin is not None
        self._shell.stdin.close()
        self._shell.wait(60)


def follow(reader: Reader, text: str) -> None:
    """Does what the page says, block by block; raises TutorialFailed."""
    for block in blocks(text):
        started = time.monotonic()
        if block.kind == "diff":
            reader.apply(block.text)
        elif block.kind == "sh":
            reader.type(block.text)
        else:
            for command, expected in _typed(block.text):
                output = reader.type(command)
                if not matches(expected, output):
                    raise TutorialFailed(
                        f"line {block.line}: `{command}` prints\n{output}\nand not\n{expected}"
                    )
        print(f"{PAGE.name}:{block.line:<4} {block.kind:<8} {time.monotonic() - started:6.1f} s", flush=True)


def _typed(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console, each with its output."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def main() -> int:
    """Follows the page in a clone of the last commit with the working tree's page; returns the exit code."""
    argparse.ArgumentParser(prog="make tutorial", description="Do what the tutorial says.").parse_args()
    with tempfile.TemporaryDirectory(prefix="tutorial-") as folder:
        copy = Path(folder) / "cartwright"
        subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(copy)], check=True)
        reader = Reader(copy)
        try:
            follow(reader, PAGE.read_text())
        except TutorialFailed as failed:
            print(failed, file=sys.stderr)
            return 1
        finally:
            reader.leave()
    return 0


if __name__ == "__main__":
    sys.exit(main())

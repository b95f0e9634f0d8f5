"""`python -m tools.contracts.docs <file or folder>...`: lists sentences that are not plain, and dead references."""

import sys
from pathlib import Path

from tools.contracts.docs.english import violations_under
from tools.contracts.docs.prose import files_under
from tools.contracts.docs.references import dead_references


def main(arguments: list[str]) -> int:
    """Prints what is wrong under each path; the exit code to end with."""
    found = 0
    for path in map(Path, arguments):
        for violation in violations_under(path):
            print(violation)
            found += 1
        for file in files_under(path):
            if file.suffix == ".md":
                for dead in dead_references(file):
                    print(dead)
                    found += 1
    print(f"{found} found", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

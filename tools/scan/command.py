"""`make scan`: runs all scanners side by side, lists what has to be mended, and fails if there is any."""

import argparse
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.scan import bandit, cfn_lint, checkov, lock_files, zizmor
from tools.scan.findings import Scan
from tools.scan.page import PAGE, page
from tools.settings import REPOSITORY

_SCANNERS: tuple[Callable[[], Scan], ...] = (
    checkov.scan,
    cfn_lint.scan,
    bandit.scan,
    zizmor.scan,
    lock_files.scan,
)


def register(subcommands: Subcommands) -> None:
    """Registers `scan`."""
    parser = add_command(
        subcommands,
        "scan",
        _scan,
        description="scan the template, the code, the workflows and the locked packages",
    )
    parser.add_argument(
        "action",
        nargs="?",
        choices=("write",),
        help="renew docs/scanners.md, which lists what stands accepted",
    )
    parser.add_argument(
        "--warn-of-vulnerabilities",
        action="store_true",
        help="show vulnerabilities of the locked packages that became known, and do not fail for them",
    )


def _scan(arguments: argparse.Namespace) -> None:
    with ThreadPoolExecutor(len(_SCANNERS)) as pool:
        scans = list(pool.map(_timed, _SCANNERS))
    if arguments.action == "write":
        PAGE.write_text(page(scans), encoding="utf-8")
    judge(
        scans,
        PAGE.read_text(encoding="utf-8") if PAGE.exists() else "",
        lenient=arguments.warn_of_vulnerabilities,
    )


def judge(scans: Sequence[Scan], written: str, *, lenient: bool = False) -> None:
    """Prints each complaint about scans, and about the page that lists what they accept. Raises StepError.

    If it is `lenient`, it only warns of what may change from one day to the next.
    """
    for scan in scans:
        if lenient and scan.may_change:
            print(
                "".join(f"warning: {scan.scanner}: {complaint}\n" for complaint in scan.complaints()), end=""
            )
    complaints = [
        f"{scan.scanner}: {complaint}"
        for scan in scans
        if not (lenient and scan.may_change)
        for complaint in scan.complaints()
    ]
    if written != page(scans):
        complaints.append(
            f"{PAGE.relative_to(REPOSITORY)} is out of date: `.venv/bin/python -m tools scan write` renews it"
        )
    print("\n".join(complaints))
    if complaints:
        raise StepError(
            f"The scanners have {len(complaints)} complaints.",
            "Mend the cause, or accept the finding beside it with a reason: docs/decisions.md, 110.",
        )


def _timed(scanner: Callable[[], Scan]) -> Scan:
    started = time.monotonic()
    scan = scanner()
    counted = f"{len(scan.findings):4} found, {len(scan.complaints()):3} to mend"
    print(f"  {scan.scanner:<9} {counted}  {time.monotonic() - started:5.1f} s  {scan.remark}", flush=True)
    return scan

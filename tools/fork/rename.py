"""`make rename`: gives the product another name in every file, in all spellings.

Files that are made from code have the name from there, so the command makes them again. The contracts of the last
release get the new name, too. So a check that compares with them finds every other change, and not this one.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from tools.command_line import Subcommands, add_command
from tools.console import StepError
from tools.fork.product import Product
from tools.fork.tree import require_clean, run_all, take_back, texts
from tools.settings import REPOSITORY

KEPT = ("LICENSE",)
"""The MIT License asks that its copyright notice stays in every copy."""

_PYPROJECT = REPOSITORY / "pyproject.toml"
_RUFF = str(REPOSITORY / ".venv/bin/ruff")
_PYTHON = (sys.executable, "-W", "ignore", "-m")
_MADE_FROM_CODE = (
    (*_PYTHON, "tools", "openapi", "write"),
    (*_PYTHON, "tools", "events", "write"),
    (*_PYTHON, "tools", "asyncapi", "write"),
    (*_PYTHON, "tools", "agents"),
)
_LEFT = """\
Left to you, because no rule knows your shop (docs/fork.md has the order and the places):
  LICENSE                             keeps the notice of its authors, as it demands; add your own line
  SECURITY.md                         the address for reports of vulnerabilities
  services/orders/orders/domain/pricing.py    HOME_COUNTRY, the rates of VAT, and TARIFFS by currency
  template.yaml                       ServedCountries: where the shop sends parcels
  samconfig.toml                      each stack's region, and MailSender, OperatorsMail
  services/notifications/notifications/templates/wording    the mails' words
  tools/shop/seed_products.json       the products of `make seed`
A stack with the new name is a new stack, with empty tables. Problem types, the subprotocol of live updates and the ids
of event schemas have the new name, too: clients of a shop that is in use would break."""


def register(subcommands: Subcommands) -> None:
    """Registers `rename`."""
    parser = add_command(
        subcommands, "rename", _rename, description="give the product another name everywhere"
    )
    parser.add_argument("name", help='"Your Shop"')
    parser.add_argument("--domain", default="", help="your-shop.com (default: the name's own below .example)")
    parser.add_argument(
        "--prefix", default="", help="two letters before tracking references (default: initials)"
    )
    parser.add_argument("--check", action="store_true", help="only show what would change")


def _rename(arguments: argparse.Namespace) -> None:
    old = Product.declared_in(_PYPROJECT.read_text(encoding="utf-8"))
    new = Product.called(arguments.name, domain=arguments.domain, tracking_prefix=arguments.prefix)
    if new == old:
        print(f"The product is called {new.title} already, at {new.domain}. Nothing was changed.")
        return
    if not arguments.check:
        require_clean()
    changed = _changed(old, new)
    if not arguments.check:
        _write(changed, old, new)
    _report(changed, old, new, "would change" if arguments.check else "changed")


def _changed(old: Product, new: Product) -> dict[Path, tuple[str, int]]:
    """Each file that changes, with its new text and the number of its changed lines.

    Raises StepError if the new name is in the files already: a later rename could not tell the one from the other.
    """
    changed, taken = {}, []
    for path, text in texts():
        if path.relative_to(REPOSITORY).as_posix() in KEPT:
            continue
        if path != _PYPROJECT and _is_taken(new, old.spellings.sub("", text), old):
            taken.append(path.relative_to(REPOSITORY).as_posix())
        if (renamed := old.replaced_in(text, new)) != text:
            lines = sum(a != b for a, b in zip(text.splitlines(), renamed.splitlines(), strict=True))
            changed[path] = renamed, lines
    if taken:
        raise StepError(
            f"{new.title} or {new.domain} is in {len(taken)} files already, for example in {', '.join(taken[:3])}. "
            "So the next rename could not tell the name from the word.",
            f'Add a word: NAME="{new.title} Shop". Nothing was changed.',
        )
    return changed


def _is_taken(new: Product, text: str, old: Product) -> bool:
    is_new = new.title != old.title or new.domain != old.domain
    return is_new and any(
        found.group().lower() not in {old.title.lower(), old.domain} for found in new.remains.finditer(text)
    )


def _write(changed: dict[Path, tuple[str, int]], old: Product, new: Product) -> None:
    try:
        for path, (text, _) in changed.items():
            path.write_text(text, encoding="utf-8")
        code = [str(path) for path in changed if path.suffix == ".py"]
        run_all(
            (_RUFF, "check", "--no-cache", "--quiet", "--select", "I", "--fix", *code),
            (_RUFF, "format", "--no-cache", "--quiet", *code),
            *_MADE_FROM_CODE,
        )
        if left := remaining(old, new):
            raise StepError(
                f"{old.title} is still in {', '.join(left)}, in a spelling that no rule knows. "
                "So all changes are taken back.",
                "Rename it there by hand, commit, and try again.",
            )
    except BaseException:
        take_back()
        raise


def remaining(old: Product, new: Product) -> list[str]:
    """Tracked files that have the old name or domain in any spelling, in their text or in their path."""
    renamed = new.remains if old.remains.search(f"{new.title} {new.domain}") else None
    found = []
    for path, text in texts():
        name = path.relative_to(REPOSITORY).as_posix()
        whole = f"{name}\n{text}"
        if name not in KEPT and old.remains.search(renamed.sub("", whole) if renamed else whole):
            found.append(name)
    return found


def _report(changed: dict[Path, tuple[str, int]], old: Product, new: Product, verb: str) -> None:
    for before, after in (
        (old.title, new.title),
        (old.slug, new.slug),
        (old.domain, new.domain),
        (f"{old.tracking_prefix}...", f"{new.tracking_prefix}..."),
    ):
        print(f"  {before} → {after}")
    files: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    for path, (_, count) in changed.items():
        top, *below = path.relative_to(REPOSITORY).parts
        folder = f"{top}/" if below else top
        files[folder] += 1
        lines[folder] += count
    for folder, count in sorted(files.items()):
        print(f"  {folder:<20} {count:>4} files {lines[folder]:>5} lines")
    print(f"{sum(files.values())} files {verb}, {sum(lines.values())} lines.\n{_LEFT}")

"""The file of the budgets."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

RENEW = "A lazier import or one call fewer helps. If it is worth its cost: `make budgets`, and say why in the commit."
"""What to do about a figure above its budget; docs/performance.md says more."""

_FILE = Path(__file__).with_name("budgets.json")


@cache
def budgets() -> dict[str, Any]:
    """The budgets, read once. Do not change them."""
    found: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


def write(changed: Mapping[str, Any]) -> None:
    """Writes the parts that were measured anew, and keeps the others."""
    parts = {**budgets(), **changed}
    _FILE.write_text(_text(parts, depth=3) + "\n", encoding="utf-8")


def over(found: Mapping[str, float], budget: Mapping[str, float]) -> list[str]:
    """The figures that are above their budget, or have none."""
    return [
        f"{name}: {number}, and the budget is {budget.get(name, 0)}"
        for name, number in sorted(found.items())
        if number > budget.get(name, 0)
    ]


def _text(value: Any, depth: int, indent: str = "") -> str:
    """JSON with a line for each entry, down to a depth; a deeper one stands in one line."""
    if not depth or not isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    inner = f"{indent}  "
    lines = [f"{inner}{json.dumps(name)}: {_text(entry, depth - 1, inner)}" for name, entry in value.items()]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"

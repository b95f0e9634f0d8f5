"""Finds functions that a person changed in the embedded cloud, and gives them their deployed settings again.

`sam deploy` compares templates alone. So it says that nothing has changed, while a function has a wrong variable. On
AWS, a drift-aware change set does what this does here (docs/operations.md).
"""

import json
from typing import Any

from tools.settings import STATE
from tools.stack import Stack

_RECORD = STATE / "settings.json"
# What UpdateFunctionConfiguration sets, and ListFunctions answers in the same form.
_SETTINGS = ("Environment", "Handler", "MemorySize", "Timeout", "Role")

type Settings = dict[str, dict[str, Any]]


def remember(stack: Stack) -> None:
    """Records the settings of the stack's functions, right after a deployment."""
    _RECORD.write_text(json.dumps(_settings(stack)))


def repair(stack: Stack) -> list[str]:
    """Gives each function its recorded settings again; returns what it repaired, such as `OrdersApi: Timeout`."""
    client, repaired = stack.client("lambda"), []
    # An earlier release of these tools deployed without a record.
    deployed: Settings = json.loads(_RECORD.read_text()) if _RECORD.exists() else {}
    for name, present in _settings(stack).items():
        wanted = deployed.get(name, present)
        drifted = [setting for setting in _SETTINGS if wanted.get(setting) != present.get(setting)]
        if drifted:
            client.update_function_configuration(
                FunctionName=name, **{setting: wanted.get(setting, {}) for setting in drifted}
            )
            client.get_waiter("function_updated_v2").wait(FunctionName=name)
            repaired.append(f"{stack.functions[name]}: {', '.join(drifted)}")
    return repaired


def _settings(stack: Stack) -> Settings:
    pages = stack.client("lambda").get_paginator("list_functions").paginate()
    return {
        function["FunctionName"]: {name: function[name] for name in _SETTINGS if name in function}
        for page in pages
        for function in page["Functions"]
        if function["FunctionName"] in stack.functions
    }

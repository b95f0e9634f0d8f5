"""Switches the strictness of the embedded cloud, which is described in `tools.cloud.strictness`."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests

from tools.cloud.strictness import settings
from tools.console import StepError

_TIMEOUT_SECONDS = 10


def requested() -> dict[str, float]:
    """The settings that the environment variable STRICT asks for; raises StepError if it names others."""
    try:
        return settings.parsed(os.environ.get("STRICT", ""))
    except ValueError as error:
        known = "".join(f"\n  {name:<24} {text}" for name, text in settings.DESCRIPTIONS.items())
        raise StepError(
            f"STRICT: {error}", f'Use STRICT="<name> <name>=<number>" with these names:{known}'
        ) from error


def change(endpoint: str, wanted: Mapping[str, float]) -> dict[str, float]:
    """Changes settings of the embedded cloud that answers at `endpoint`; returns all as they are now."""
    answer = requests.put(endpoint + settings.PATH, json=dict(wanted), timeout=_TIMEOUT_SECONDS)
    answer.raise_for_status()
    return dict(answer.json())


@contextmanager
def strict(endpoint: str, **wanted: float) -> Iterator[None]:
    """The embedded cloud with other settings until the end of the block."""
    shown = requests.get(endpoint + settings.PATH, timeout=_TIMEOUT_SECONDS)
    shown.raise_for_status()
    before = {name: number for name, number in shown.json().items() if name in wanted}
    change(endpoint, wanted)
    try:
        yield
    finally:
        change(endpoint, before)

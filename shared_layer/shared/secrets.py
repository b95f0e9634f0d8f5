"""Secrets of AWS Secrets Manager, read when they are needed and kept for a while.

Powertools' provider does the same, and imports boto3 for it.
"""

import time
from collections.abc import Callable
from typing import Any


class Secrets:
    """The texts of secrets. A rotated one is read anew after `max_age_seconds` at the latest.

    So a secret that was refused may have been rotated meanwhile. A caller who is refused asks for a younger copy.

    `secrets_manager` is a low-level client; `clock` gives seconds.
    """

    def __init__(
        self,
        secrets_manager: Any,
        *,
        max_age_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secrets_manager = secrets_manager
        self._max_age = max_age_seconds
        self._clock = clock
        self._kept: dict[str, tuple[float, str]] = {}

    def get(self, secret_id: str, *, max_age_seconds: float | None = None) -> str:
        """The text of the secret, read within `max_age_seconds` if they are given; raises ClientError."""
        now = self._clock()
        max_age = self._max_age if max_age_seconds is None else max_age_seconds
        if secret_id in self._kept:
            read_at, text = self._kept[secret_id]
            if now - read_at < max_age:
                return text
        text = str(self._secrets_manager.get_secret_value(SecretId=secret_id)["SecretString"])
        self._kept[secret_id] = (now, text)
        return text

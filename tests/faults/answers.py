"""What an outgoing call comes to: a value or an error, kept once and given out as a copy, as often as it is needed."""

import copy
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn


@dataclass(frozen=True, eq=False)
class Answer:
    """A value, or the error that the caller gets instead of one."""

    value: Any = None
    error: Exception | None = None

    @cached_property
    def text(self) -> str:
        """The same for answers that a caller cannot distinguish."""
        if self.error is None:
            return json.dumps(self.value, sort_keys=True)
        response = getattr(self.error, "response", None)
        return json.dumps([type(self.error).__name__, str(self.error), response], sort_keys=True, default=str)

    def given(self) -> Any:
        """The value, the caller's own; raises the error if it is one."""
        if self.error is not None:
            self._raise()
        return copy.deepcopy(self.value)

    def _raise(self) -> NoReturn:
        assert self.error is not None
        raise copy.copy(self.error)

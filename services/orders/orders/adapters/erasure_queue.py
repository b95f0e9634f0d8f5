"""The queue that an erasure takes its pages from: it sends itself the message for the next one."""

from datetime import timedelta
from typing import Any

from shared.events import Event


class ErasureQueue:
    """Sends `user.deleted` again, with a place to go on from."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send(self, event: Event, data: dict[str, Any], delay: timedelta) -> None:
        """Sends `event` with `data` in place of its own; its consumer receives it after `delay`."""
        self._sqs.send_message(
            QueueUrl=self._url,
            MessageBody=event.model_copy(update={"data": data}).model_dump_json(),
            DelaySeconds=int(delay.total_seconds()),
        )

"""The catalogue's queue: what became of an uploaded picture goes there, and nowhere else."""

from typing import Any

from shared.events import Event


class OutcomeQueue:
    """Tells the catalogue the outcomes of uploads."""

    def __init__(self, sqs: Any, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url

    def send(self, outcome: Event) -> None:
        """Sends an outcome; raises ClientError."""
        self._sqs.send_message(QueueUrl=self._queue_url, MessageBody=outcome.model_dump_json())

"""The dead-letter queues of all services."""

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class DeadLetterQueues:
    """The dead-letter queues of all services. Only their lengths are read."""

    def __init__(self, sqs: Any, urls: Sequence[str]) -> None:
        self._sqs = sqs
        self._urls = urls

    def waiting(self) -> dict[str, int | str]:
        """About how many messages each queue holds, by its name, without the empty ones; or why it cannot be read.

        A message that an operator inspects just now counts as well.
        """
        found = {url.rpartition("/")[2]: self._length(url) for url in self._urls}
        return {name: length for name, length in found.items() if length}

    def _length(self, url: str) -> int | str:
        try:
            answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTS))
        except ClientError as error:
            # The other queues' dead letters must be seen all the same.
            return f"cannot be read, {error.response['Error']['Code']}"
        return sum(int(answer["Attributes"][name]) for name in _COUNTS)

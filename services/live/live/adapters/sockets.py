"""Writing to open WebSockets; the only module of the service that knows API Gateway's management API.

Where that API is stands in AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI, which boto3 reads by itself.
"""

from typing import Any

from botocore.exceptions import ClientError


class Gone(Exception):
    """Nobody is at the other end any more."""


class Sockets:
    """The open WebSockets of one API."""

    def __init__(self, management: Any) -> None:
        self._management = management

    def send(self, connection_id: str, message: str) -> None:
        """Sends a message. Raises Gone, or botocore's ClientError when API Gateway is busy."""
        try:
            self._management.post_to_connection(ConnectionId=connection_id, Data=message.encode())
        except ClientError as error:
            if _is_gone(error):
                raise Gone(connection_id) from error
            raise

    def close(self, connection_id: str) -> None:
        """Closes a connection; one that is closed is as good."""
        try:
            self._management.delete_connection(ConnectionId=connection_id)
        except ClientError as error:
            if not _is_gone(error):
                raise


def _is_gone(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in {"GoneException", "410"}

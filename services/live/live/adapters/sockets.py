"""Writes to open WebSockets through API Gateway's management API.

boto3 reads the address of that API from AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI.
"""

from typing import Any

from botocore.exceptions import ClientError

from shared.errors import TransientError


class ConnectionGone(Exception):
    """The client has left."""


class SocketBusy(TransientError):
    """API Gateway did not take the message now; the error's message is its reason."""


class Sockets:
    """The open WebSockets of one API."""

    def __init__(self, management: Any) -> None:
        self._management = management

    def send(self, connection_id: str, message: str) -> None:
        """Sends a message. Raises ConnectionGone or SocketBusy."""
        try:
            self._management.post_to_connection(ConnectionId=connection_id, Data=message.encode())
        except ClientError as error:
            if _is_gone(error):
                raise ConnectionGone(connection_id) from error
            raise SocketBusy(error.response["Error"]["Code"]) from error

    def close(self, connection_id: str) -> None:
        """Closes a connection; does nothing if it is closed."""
        try:
            self._management.delete_connection(ConnectionId=connection_id)
        except ClientError as error:
            if not _is_gone(error):
                raise


def _is_gone(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in {"GoneException", "410"}

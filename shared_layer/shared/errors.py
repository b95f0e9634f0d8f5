"""The errors that a service raises on purpose, in two families.

`Problem` is an answer to an HTTP client (RFC 9457 problem details). A message or a saga step fails with a
`PermanentError` or a `TransientError`. The first goes to the dead letters at once, the second is worth another try.
"""

from http import HTTPStatus
from typing import Any

_TYPES = "https://cartwright.example/problems/"


class FieldError(dict[str, str]):
    """One entry of a problem's `errors`: a JSON pointer to the offending value and what is wrong with it."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(pointer=pointer, detail=detail)


class Problem(Exception):
    """An answer other than success. A subclass sets the status and a stable `code`, which ends the `type` URI.

    `retry_after` is the time in seconds after which the same request may succeed, if it is known. The first line of
    its docstring describes it in the API's reference.
    """

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal-error"

    def __init__(
        self, detail: str, errors: list[FieldError] | None = None, *, retry_after: int | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors or []
        self.retry_after = retry_after

    def details(self) -> dict[str, Any]:
        """It as a problem details object (RFC 9457, section 3)."""
        return problem_details(self.status, self.code, self.detail, self.errors)


class InternalError(Problem):
    """Something went wrong on the server's side."""


class BadRequest(Problem):
    """The request cannot be read."""

    status = HTTPStatus.BAD_REQUEST
    code = "bad-request"


class MalformedJson(BadRequest):
    """The body is not JSON."""

    code = "malformed-json"


class Unauthorized(Problem):
    """There is no valid token with the request."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"


class Forbidden(Problem):
    """The caller may not do this."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class NotFound(Problem):
    """The resource does not exist, or it is not the caller's: the answer does not show which."""

    status = HTTPStatus.NOT_FOUND
    code = "not-found"


class MethodNotAllowed(Problem):
    """The resource has no such method; the header `Allow` lists its methods."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method-not-allowed"


class Conflict(Problem):
    """The request collides with the present state."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class PreconditionFailed(Problem):
    """The resource has changed since the version that `If-Match` names."""

    status = HTTPStatus.PRECONDITION_FAILED
    code = "precondition-failed"


class PayloadTooLarge(Problem):
    """The body is larger than this API accepts."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "payload-too-large"


class UnsupportedMediaType(Problem):
    """The body is not declared to be JSON in UTF-8."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported-media-type"


class Unprocessable(Problem):
    """The request is well-formed, but it asks for something impossible."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "unprocessable"


class InvalidRequest(Unprocessable):
    """Part of the request does not fit its schema; `errors` points to it."""

    code = "invalid-request"


class PreconditionRequired(Problem):
    """A change must name the version it is based on, in `If-Match`."""

    status = HTTPStatus.PRECONDITION_REQUIRED
    code = "precondition-required"


class TooManyRequests(Problem):
    """Too many requests at the moment."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "too-many-requests"


class TemporarilyUnavailable(Problem):
    """The service cannot do this at the moment; send the same request again shortly."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "temporarily-unavailable"


class PermanentError(Exception):
    """Processing can never succeed, however often it is tried."""


class TransientError(Exception):
    """Processing failed for a reason that may be gone at the next try."""


def problem_details(status: HTTPStatus, code: str, detail: str, errors: list[FieldError]) -> dict[str, Any]:
    """A problem details object (RFC 9457, section 3), whose `type` ends in `code`."""
    problem: dict[str, Any] = {
        "type": _TYPES + code,
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
    }
    return problem | {"errors": errors} if errors else problem

"""The errors a service raises on purpose, in two families.

`Problem` is an answer to an HTTP client (RFC 9457 problem details). `PermanentError` and `TransientError` are what a
message or a saga step can fail with: the first can never succeed and goes to the dead letters at once, the second is
worth another try.
"""

from http import HTTPStatus


class FieldError(dict[str, str]):
    """One entry of a problem's `errors`: a JSON pointer to the offending value and what is wrong with it."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(pointer=pointer, detail=detail)


class Problem(Exception):
    """An answer other than success. A subclass sets the status and a stable `code`, which ends the `type` URI."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal-error"

    def __init__(self, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors or []


class BadRequest(Problem):
    """The request cannot be read."""

    status = HTTPStatus.BAD_REQUEST
    code = "bad-request"


class Unauthorized(Problem):
    """There is no valid token with the request."""

    status = HTTPStatus.UNAUTHORIZED
    code = "unauthorized"


class Forbidden(Problem):
    """The caller may not do this."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"


class NotFound(Problem):
    """There is no such thing, or it is not the caller's: the two are not told apart."""

    status = HTTPStatus.NOT_FOUND
    code = "not-found"


class Conflict(Problem):
    """The request collides with the present state."""

    status = HTTPStatus.CONFLICT
    code = "conflict"


class Unprocessable(Problem):
    """The request reads well and asks for something that cannot be."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "unprocessable"


class PermanentError(Exception):
    """Processing can never succeed, however often it is tried."""


class TransientError(Exception):
    """Processing failed for a reason that may be gone at the next try."""

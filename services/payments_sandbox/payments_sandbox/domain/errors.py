"""Answers other than success, in the shape of Stripe's errors (https://docs.stripe.com/api/errors)."""

from http import HTTPStatus
from typing import Any, Self


class ApiError(Exception):
    """An answer other than success."""

    def __init__(self, status: HTTPStatus, error_type: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": error_type, "message": message, **details}}

    @classmethod
    def invalid(cls, message: str, **details: Any) -> Self:
        """The request cannot be fulfilled; `details` are Stripe's `param` and `code`."""
        return cls(HTTPStatus.BAD_REQUEST, "invalid_request_error", message, **details)

    @classmethod
    def no_such_intent(cls, intent_id: str) -> Self:
        """No intent has that id."""
        return cls(
            HTTPStatus.NOT_FOUND,
            "invalid_request_error",
            f"No such payment_intent: '{intent_id}'",
            code="resource_missing",
            param="intent",
        )


def key_reused() -> ApiError:
    """An earlier, different request had the same idempotency key."""
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first used with."
    )
    return ApiError(HTTPStatus.BAD_REQUEST, "idempotency_error", message)


def request_under_way() -> ApiError:
    """Another request changed the same intent, or used the same key, at the same moment; the caller may try again."""
    message = "Another request on this object or with this key is under way."
    return ApiError(HTTPStatus.CONFLICT, "invalid_request_error", message, code="idempotency_key_in_use")

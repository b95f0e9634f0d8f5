"""S3's notifications of new objects, as the queue delivers them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import unquote_plus

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from image_processor.adapters.pictures_bucket import upload_of
from image_processor.domain.picture import Upload
from shared.errors import PermanentError
from shared.validation import without_values


class UnreadableNotification(PermanentError):
    """The message is no notification from S3."""


class _Object(BaseModel):
    # Encoded as in a form: a space is a plus sign, and a plus sign %2B.
    key: Annotated[str, AfterValidator(unquote_plus)]


class _Entity(BaseModel):
    object: _Object


class _Record(BaseModel):
    event_time: Annotated[datetime, Field(alias="eventTime")]
    s3: _Entity


class _Notification(BaseModel):
    records: Annotated[list[_Record], Field(alias="Records")]


class _Test(BaseModel):
    """S3 sends this when notifications are set up."""

    event: Annotated[Literal["s3:TestEvent"], Field(alias="Event")]


def uploads_in(body: str) -> list[Upload]:
    """The uploads in a message; none in S3's test message. Raises UnreadableNotification and NotAnUpload."""
    try:
        notification = _Notification.model_validate_json(body)
    except ValidationError as error:
        try:
            _Test.model_validate_json(body)
        except ValidationError:
            raise UnreadableNotification(f"no notification from S3: {without_values(error)}") from error
        return []
    return [upload_of(record.s3.object.key, record.event_time) for record in notification.records]

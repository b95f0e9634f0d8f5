"""Makes the renditions of a picture that was uploaded to the pictures bucket, on S3's notification in the queue.

The message is the only record of the work to do. The queue deletes it once the renditions are stored and the event is
published. Until then every attempt makes the same objects and the same event.
"""

from image_processor.adapters.pictures_bucket import UploadedFile
from image_processor.adapters.s3_notifications import uploads_in
from image_processor.dependencies import pictures_bucket, publisher
from image_processor.domain.events import Rendition
from image_processor.domain.picture import PictureRefused, Upload, picture_id_of
from image_processor.domain.pixels import render
from shared.cause import present_cause
from shared.consumer import message_handler
from shared.errors import TransientError
from shared.events import Event
from shared.observability import count, logger
from shared.outbox import with_cause


class NotPublished(TransientError):
    """SNS did not accept the event; the queue delivers the upload's message again."""


def process(upload: Upload) -> None:
    """Stores the upload's renditions or refuses the picture, and publishes the outcome.

    Raises UploadGone, and NotPublished if SNS did not accept the event.
    """
    file = pictures_bucket().find(upload)
    correlation_id = file.correlation_id or f"upload-{file.etag}"
    with logger.append_context_keys(
        correlation_id=correlation_id, sku=upload.sku, upload_id=upload.upload_id
    ):
        _publish(_outcome(upload, file, correlation_id))


def _outcome(upload: Upload, file: UploadedFile, correlation_id: str) -> Event:
    """The upload's outcome, after its renditions are stored or its picture is refused."""
    try:
        content = file.read()
        renditions = _store_renditions(upload, content)
    except PictureRefused as refusal:
        logger.info("picture refused", reason=refusal.reason, bytes=file.size)
        count("PicturesRefused")
        return upload.refused(refusal, etag=file.etag, correlation_id=correlation_id)
    logger.info("picture rendered", bytes=file.size, renditions=len(renditions))
    count("PicturesRendered")
    return upload.ready(picture_id_of(content), renditions, etag=file.etag, correlation_id=correlation_id)


def _store_renditions(upload: Upload, content: bytes) -> list[Rendition]:
    """Stores the picture's renditions, and returns them; raises PictureRefused."""
    picture_id = picture_id_of(content)
    stored = []
    for rendered in render(content):
        key = pictures_bucket().put(upload.sku, picture_id, rendered)
        stored.append(
            Rendition(
                key=key, content_type=rendered.content_type, width=rendered.width, height=rendered.height
            )
        )
    return stored


def _publish(event: Event) -> None:
    for failed in publisher().publish([with_cause(event, present_cause())]):
        raise NotPublished(f"{event.event_id}: {failed.reason}")
    logger.info("event published", event_id=event.event_id, event_type=event.event_type)


def process_message(body: str) -> None:
    """Processes the uploads in a message from S3.

    Raises UnreadableNotification, NotAnUpload, UploadGone and NotPublished.
    """
    for upload in uploads_in(body):
        process(upload)


handler = message_handler(process_message)

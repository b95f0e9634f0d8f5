"""Makes the renditions of what was uploaded to the pictures bucket, on S3's word in the queue.

Nothing but the message says what is still to be done: it goes once the renditions are stored and the event is out, and
until then every try makes the same objects and the same event.
"""

from image_processor.adapters import Found
from image_processor.dependencies import pictures_bucket, publisher
from image_processor.domain.events import Rendition
from image_processor.domain.picture import PictureRefused, Upload, picture_id_of, rendition_key
from image_processor.domain.rendering import render
from image_processor.domain.s3_notifications import uploads_in
from shared.cause import present_cause
from shared.consumer import message_handler
from shared.errors import TransientError
from shared.events import Event
from shared.observability import count, logger
from shared.outbox import with_cause


class NotPublished(TransientError):
    """SNS did not take the event; the queue delivers the upload's message again."""


def process(upload: Upload) -> None:
    """Stores the upload's renditions, or finds out why there can be none, and tells which.

    Raises UploadGone, and NotPublished when SNS did not take the event.
    """
    found = pictures_bucket().find(upload.key)
    correlation_id = found.correlation_id or f"upload-{found.tag}"
    with logger.append_context_keys(
        correlation_id=correlation_id, sku=upload.sku, upload_id=upload.upload_id
    ):
        _publish(_outcome(upload, found, correlation_id))


def _outcome(upload: Upload, found: Found, correlation_id: str) -> Event:
    """The event that tells what became of the upload; of one that is ready, the renditions are stored."""
    try:
        content = found.read()
        renditions = _stored(upload, content)
    except PictureRefused as refusal:
        logger.info("picture refused", reason=refusal.reason, bytes=found.size)
        count("PicturesRefused")
        return upload.refused(refusal, content_tag=found.tag, correlation_id=correlation_id)
    logger.info("picture rendered", bytes=found.size, renditions=len(renditions))
    count("PicturesRendered")
    return upload.ready(
        picture_id_of(content), renditions, content_tag=found.tag, correlation_id=correlation_id
    )


def _stored(upload: Upload, content: bytes) -> list[Rendition]:
    """The picture's renditions, all stored; raises PictureRefused."""
    picture_id = picture_id_of(content)
    stored = []
    for rendered in render(content):
        key = rendition_key(upload.sku, picture_id, rendered.name)
        pictures_bucket().put(key, rendered)
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
    """Processes the uploads that a message of S3's tells of; raises UnreadableNotification and NotAnUpload, and what
    `process` raises."""
    for upload in uploads_in(body):
        process(upload)


handler = message_handler(process_message)

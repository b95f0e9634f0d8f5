"""Makes the renditions of a picture that was uploaded to the pictures bucket, on S3's notification in the queue.

The message is the only record of the work to do. The queue deletes it once the renditions are stored and the
catalogue's queue has the outcome. Until then every attempt makes the same objects and the same outcome.

This function decodes strangers' bytes, so it may publish nothing. The catalogue checks the outcome, and publishes it.
"""

from image_processor.adapters.pictures_bucket import UploadedFile
from image_processor.adapters.s3_notifications import uploads_in
from image_processor.dependencies import outcome_queue, pictures_bucket
from image_processor.domain.events import Rendition
from image_processor.domain.picture import PictureRefused, Upload, picture_id_of
from image_processor.domain.pixels import render
from shared.cause import present_cause
from shared.consumer import message_handler
from shared.events import Event
from shared.observability import count, logger
from shared.outbox import with_cause


def process(upload: Upload) -> None:
    """Stores the upload's renditions or refuses the picture, and tells the catalogue; raises UploadGone."""
    file = pictures_bucket().find(upload)
    correlation_id = file.correlation_id or f"upload-{file.etag}"
    with logger.append_context_keys(
        correlation_id=correlation_id, sku=upload.sku, upload_id=upload.upload_id
    ):
        outcome = with_cause(_outcome(upload, file, correlation_id), present_cause())
        outcome_queue().send(outcome)
        logger.info("outcome sent", event_id=outcome.event_id, event_type=outcome.event_type)


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


def process_message(body: str) -> None:
    """Processes the uploads in a message from S3.

    Raises UnreadableNotification, NotAnUpload and UploadGone.
    """
    for upload in uploads_in(body):
        process(upload)


handler = message_handler(process_message)

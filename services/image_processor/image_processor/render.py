"""Makes the renditions of what was uploaded to the pictures bucket, on S3's word in the queue.

Nothing but the message says what is still to be done: it goes once the renditions are stored and the event is out, and
until then every try makes the same objects and the same event.
"""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from image_processor.domain import PictureRefused, Upload, picture_id_of, rendition_key
from image_processor.events import Rendition
from image_processor.notifications import uploads_in
from image_processor.rendering import render
from image_processor.resources import pictures_bucket, publisher
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.errors import PermanentError
from shared.events import Event
from shared.observability import count, logger, metrics, tracer
from shared.outbox import NotPublished


class Environment(LambdaEnvironment):
    """Names the queue of what can never be processed."""

    dlq_url: str


_environment = Environment.load()
_processor = BatchProcessor(event_type=EventType.SQS)


def process(upload: Upload) -> None:
    """Stores the upload's renditions, or finds out why there can be none, and tells which.

    Raises UploadGone, and NotPublished when SNS did not take the event.
    """
    found = pictures_bucket().find(upload.key)
    correlation_id = found.correlation_id or f"{upload.upload_id}-{found.tag}"
    logger.append_keys(correlation_id=correlation_id, sku=upload.sku, upload_id=upload.upload_id)
    try:
        content = found.read()
        renditions = _stored(upload, content)
    except PictureRefused as refusal:
        logger.info("picture refused", reason=refusal.reason, bytes=found.size)
        count("PicturesRefused")
        event = upload.refused(refusal, content_tag=found.tag, correlation_id=correlation_id)
    else:
        logger.info("picture rendered", bytes=found.size, renditions=len(renditions))
        count("PicturesRendered")
        event = upload.ready(
            picture_id_of(content), renditions, content_tag=found.tag, correlation_id=correlation_id
        )
    _publish(event)


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
    for failed in publisher().publish([event]):
        raise NotPublished(f"{event.event_id}: {failed.reason}")
    logger.info("event published", event_id=event.event_id, event_type=event.event_type)


def _process_message(record: SQSRecord) -> None:
    try:
        for upload in uploads_in(record.body):
            process(upload)
    except PermanentError as error:
        _bury(record, f"{type(error).__name__}: {error}")
    except Exception:
        logger.exception("upload failed; the queue delivers it again", message_id=record.message_id)
        raise
    finally:
        logger.remove_keys(["correlation_id", "sku", "upload_id"])


def _bury(record: SQSRecord, reason: str) -> None:
    """Moves a message that can never succeed to the dead letters; raises when it could not be stored there."""
    client("sqs").send_message(
        QueueUrl=_environment.dlq_url,
        MessageBody=record.body,
        MessageAttributes={
            "reason": {"DataType": "String", "StringValue": reason[:1024]},
            "source_message_id": {"DataType": "String", "StringValue": record.message_id},
        },
    )
    logger.error("message can never succeed; moved to the dead letters", reason=reason)
    count("DeadLetters")


@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """See `process`; a message that failed is delivered again."""
    return process_partial_response(
        event=event, record_handler=_process_message, processor=_processor, context=context
    )

"""Shows a product's picture once it is ready, stores the outcome of its upload, and has the relay publish it.

The image processor sends the outcomes to this function's queue. The product changes first and the upload's status
after it. So an attempt that was cut short is repeated in full. Once the status is stored, the event changes nothing any
more: a picture that an admin removed meanwhile stays away.
"""

from catalog.dependencies import product_store, upload_store
from catalog.domain.picture import MAX_PICTURES, PictureReady, PictureRefused, TooManyPictures, publishable
from catalog.domain.upload import UnknownUpload, Upload, is_upload_id
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.errors import PermanentError
from shared.events import Event
from shared.observability import count, logger
from shared.versioned_table import retry_on_conflict


class UnknownProduct(PermanentError):
    """No product ever had this sku; the picture was not uploaded by a form of the catalogue."""


def show_picture(event: Event) -> None:
    """Adds the picture of `product.image_ready` to its product, retired or not.

    Raises UnknownProduct, UnknownUpload, ForeignOutcome, and WriteConflict if other writers keep changing the product.
    """
    ready = PictureReady.model_validate(event.data)
    published = publishable(event, ready)
    if _prepared(ready.sku, ready.upload_id).shows(ready.picture_id):
        return
    # Pictures of one product arrive in handfuls and meet at the product; the queue would take a minute to retry.
    upload = retry_on_conflict(_add_to_product, ready, event)
    upload_store().record(upload, [published], now=utc_now())


def record_refusal(event: Event) -> None:
    """Stores why the picture was refused, for the admin who asks for it; raises UnknownUpload and ForeignOutcome."""
    refused = PictureRefused.model_validate(event.data)
    published = publishable(event, refused)
    _prepared(refused.sku, refused.upload_id)
    upload = Upload.refused(
        refused.sku,
        refused.upload_id,
        reason=refused.reason,
        detail=refused.detail,
        occurred_at=event.occurred_at,
    )
    upload_store().record(upload, [published], now=utc_now())
    logger.info("picture refused", sku=refused.sku, upload_id=refused.upload_id, reason=refused.reason)


def _prepared(sku: str, upload_id: str) -> Upload:
    """The upload, for which the catalogue signed a form; raises UnknownUpload.

    The form goes out after the upload's record is stored, and the record outlives all messages about it.
    """
    upload = upload_store().find(sku, upload_id) if is_upload_id(upload_id) else None
    if upload is None:
        raise UnknownUpload("the catalogue signed no form for this upload")
    return upload


def _add_to_product(ready: PictureReady, event: Event) -> Upload:
    """The upload's outcome, after the product shows its picture or has no room for it."""
    product = product_store().find(ready.sku, consistent=True)
    if product is None:
        raise UnknownProduct(f"there is no product {ready.sku}")
    try:
        changed, events = product.show(ready.picture(), correlation_id=event.correlation_id, now=utc_now())
    except TooManyPictures:
        return Upload.refused(
            ready.sku,
            ready.upload_id,
            reason="too-many-pictures",
            detail=f"The product shows {MAX_PICTURES} pictures already; remove one, then upload again.",
            occurred_at=event.occurred_at,
        )
    if events:
        product_store().put_product(changed, events)
        count("PicturesShown")
        logger.info("picture shown", sku=changed.sku, version=changed.version, picture_id=ready.picture_id)
    return Upload.ready(ready, event.occurred_at)


handler = consumer_handler({"product.image_ready": show_picture, "product.image_refused": record_refusal})

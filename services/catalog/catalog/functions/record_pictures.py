"""Shows a product's picture once it is ready, and writes down what became of its upload.

The product changes first and the upload says so afterwards, so that a try that was cut short is repeated in full. Once
the upload says it, the event changes nothing any more: a picture that was taken away meanwhile stays away.
"""

from tenacity import retry, retry_if_exception_type, stop_after_attempt

from catalog.adapters.product_store import ProductContended
from catalog.dependencies import product_store, upload_store
from catalog.domain.pictures import (
    MAX_PICTURES,
    PictureReady,
    PictureRefused,
    TooManyPictures,
    Upload,
    UploadStatus,
)
from shared.clock import utc_now
from shared.consumer import consumer_handler
from shared.errors import PermanentError
from shared.events import Event
from shared.observability import count, logger


class UnknownProduct(PermanentError):
    """There never was such a product; the picture was not uploaded by a form of ours."""


def show(event: Event) -> None:
    """Adds the picture of `product.image_ready` to its product, retired or not.

    Raises UnknownProduct, and ProductContended where the product is changed at the same time.
    """
    told = PictureReady.model_validate(event.data)
    known = upload_store().find(told.sku, told.upload_id)
    if known and known.status is UploadStatus.READY and known.picture_id == told.picture_id:
        return
    upload_store().record(_shown(told, event), now=utc_now())


def refuse(event: Event) -> None:
    """Writes down why nothing was made of the upload, for the admin who asks for it."""
    told = PictureRefused.model_validate(event.data)
    upload = Upload.refused(
        told.sku, told.upload_id, reason=told.reason, detail=told.detail, told_at=event.occurred_at
    )
    upload_store().record(upload, now=utc_now())
    logger.info("picture refused", sku=told.sku, upload_id=told.upload_id, reason=told.reason)


# Pictures of one product come in handfuls, and then meet at it; the queue would take a minute to try again.
@retry(retry=retry_if_exception_type(ProductContended), stop=stop_after_attempt(4), reraise=True)
def _shown(told: PictureReady, event: Event) -> Upload:
    """What became of the upload, after the product shows its picture or has no room for it."""
    product = product_store().find(told.sku, consistent=True)
    if product is None:
        raise UnknownProduct(f"there is no product {told.sku}")
    try:
        shown, events = product.show(told.picture(), correlation_id=event.correlation_id, now=utc_now())
    except TooManyPictures:
        return Upload.refused(
            told.sku,
            told.upload_id,
            reason="too-many-pictures",
            detail=f"The product shows {MAX_PICTURES} pictures already; remove one, then upload again.",
            told_at=event.occurred_at,
        )
    if events:
        product_store().put_product(shown, events)
        count("PicturesShown")
        logger.info("picture shown", sku=shown.sku, version=shown.version, picture_id=told.picture_id)
    return Upload.ready(told, event.occurred_at)


handler = consumer_handler({"product.image_ready": show, "product.image_refused": refuse})

"""The routes of products' pictures: admins upload and remove them, anyone loads them."""

from http import HTTPStatus
from typing import Annotated
from uuid import uuid4

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path

from catalog.adapters.pictures_bucket import PictureUpload
from catalog.dependencies import picture_links, picture_uploads, upload_store
from catalog.domain.pictures import Upload, is_upload_id
from catalog.functions.product_changes import AnySku, found, found_at, replace
from catalog.functions.views import PictureRequest, UploadView
from shared.access import Access
from shared.api import contract, correlation_id
from shared.clock import utc_now
from shared.errors import NotFound, PreconditionFailed, PreconditionRequired
from shared.etag import etag_of
from shared.observability import count, logger
from shared.parameters import IfMatch

# Half as long as the link that it leads to is good for, so that none out of a cache has expired.
_REDIRECT_CACHE = "public, max-age=1800"

AnyPicture = Annotated[
    str, Path(description="Which of its pictures", examples=["4b0d9c1f6a7e4f0b8d2c3a5e6f708192"])
]
AnyRendition = Annotated[
    str, Path(description="Its long side in pixels and its format, `jpg` or `webp`", examples=["800.webp"])
]
AnyUpload = Annotated[
    str, Path(description="Which of its uploads", examples=["0b8f3c526f0e4a0c9f572f3a5d1c7e90"])
]


def add_picture_routes(app: APIGatewayRestResolver) -> None:
    """Adds the routes to the catalogue's API."""

    @app.post(
        "/products/<sku>/picture-uploads",
        **contract(
            Access.ADMIN,
            tag="catalog",
            status=HTTPStatus.CREATED,
            answers="The form by which to upload the picture",
            headers={
                "Cache-Control": "The form is a permission: not to be kept by caches",
                "Location": "Where to ask what became of the upload",
            },
            raises=(NotFound,),
        ),
    )
    def prepare_picture_upload(sku: AnySku, request: PictureRequest) -> Response[PictureUpload]:
        """Signs a form by which a browser uploads one picture of a product, of one type and at most 10 MiB.

        It is valid for 15 minutes.
        """
        product, now = found(sku), utc_now()
        upload = picture_uploads().sign(
            product.sku,
            request.content_type,
            upload_id=uuid4().hex,
            correlation_id=correlation_id(),
            now=now,
        )
        upload_store().record(Upload(sku=product.sku, upload_id=upload.upload_id), now=now)
        count("PictureUploadsPrepared")
        logger.info("picture upload prepared", sku=product.sku, key=upload.key)
        return Response(
            status_code=HTTPStatus.CREATED,
            content_type=content_types.APPLICATION_JSON,
            body=upload,
            headers={
                "Cache-Control": "no-store",
                "Location": f"/products/{product.sku}/picture-uploads/{upload.upload_id}",
            },
        )

    @app.get(
        "/products/<sku>/picture-uploads/<upload_id>",
        cache_control="no-store",
        **contract(
            Access.ADMIN,
            tag="catalog",
            answers="What is known of the upload",
            raises=(NotFound,),
        ),
    )
    def read_picture_upload(sku: AnySku, upload_id: AnyUpload) -> UploadView:
        """What became of an upload: the picture that the product shows, or why it was refused.

        It is known for 30 days.
        """
        product = found(sku)
        upload = upload_store().find(product.sku, upload_id) if is_upload_id(upload_id) else None
        if upload is None:
            raise NotFound("There is no such upload.")
        return UploadView.of(upload)

    @app.get(
        "/products/<sku>/pictures/<picture_id>/<rendition>",
        **contract(
            Access.ANYONE,
            tag="catalog",
            status=HTTPStatus.FOUND,
            answers="The picture is where `Location` says, for an hour",
            headers={
                "Cache-Control": "How long `Location` may be used without asking again",
                "Location": "The picture itself; its bytes never change",
            },
            raises=(NotFound,),
        ),
    )
    def load_picture(sku: AnySku, picture_id: AnyPicture, rendition: AnyRendition) -> Response[str]:
        """Redirects to a rendition of a product's picture, as a product's `pictures` name them."""
        picture = found(sku).picture(picture_id)
        key = picture.key_of(rendition) if picture else None
        if key is None:
            raise NotFound("There is no such picture.")
        return Response(
            status_code=HTTPStatus.FOUND,
            body="",
            headers={"Cache-Control": _REDIRECT_CACHE, "Location": picture_links().sign(key)},
        )

    @app.delete(
        "/products/<sku>/pictures/<picture_id>",
        **contract(
            Access.ADMIN,
            tag="catalog",
            status=HTTPStatus.NO_CONTENT,
            answers="The product shows the picture no more",
            headers={"ETag": "The product's version, for `If-Match` and `If-None-Match`"},
            raises=(NotFound, PreconditionRequired, PreconditionFailed),
        ),
    )
    def remove_picture(sku: AnySku, picture_id: AnyPicture, if_match: IfMatch = None) -> Response[str]:
        """Takes a picture away from a product; `If-Match` names the product's version."""
        product = found_at(sku, if_match)
        if product.picture(picture_id) is None:
            raise NotFound("The product has no such picture.")
        changed, events = product.remove(picture_id, correlation_id=correlation_id(), now=utc_now())
        replace(changed, events)
        return Response(
            status_code=HTTPStatus.NO_CONTENT, body="", headers={"ETag": etag_of(changed.version)}
        )

"""The API's routes of products' pictures: admins upload and remove them, anyone loads them."""

from http import HTTPStatus
from typing import Annotated
from uuid import uuid4

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Path

from catalog.dependencies import link_signer, upload_signer, upload_store
from catalog.domain.upload import Upload, is_upload_id
from catalog.functions.product_requests import AnySku, require_product, require_product_at, store_change
from catalog.functions.views import PictureRequest, PictureUpload, UploadView
from shared.access import Access, Whose
from shared.api import contract, correlation_id
from shared.clock import utc_now
from shared.errors import NotFound, PreconditionFailed, PreconditionRequired
from shared.etag import etag_of
from shared.links import link_to
from shared.observability import count, logger
from shared.parameters import IfMatch

# Half of the link's lifetime, so that no redirect from a cache leads to an expired link.
_REDIRECT_CACHE = "public, max-age=1800"

AnyPicture = Annotated[
    str,
    Path(description="Id of one of the product's pictures", examples=["4b0d9c1f6a7e4f0b8d2c3a5e6f708192"]),
]
AnyRendition = Annotated[
    str, Path(description="The long side in pixels and the format, `jpg` or `webp`", examples=["800.webp"])
]
AnyUpload = Annotated[
    str, Path(description="Id of one of the product's uploads", examples=["0b8f3c526f0e4a0c9f572f3a5d1c7e90"])
]


def add_picture_routes(app: APIGatewayRestResolver) -> None:
    """Adds the routes to the catalogue's API."""

    @app.post(
        "/products/<sku>/picture-uploads",
        **contract(
            Access.ADMIN,
            tag="catalog",
            whose=Whose.SHOP,
            status=HTTPStatus.CREATED,
            answers="The form for uploading the picture",
            headers={
                "Cache-Control": "Caches must not store the form, which is a permission",
                "Location": "The link to the upload's status",
            },
            raises=(NotFound,),
        ),
    )
    def prepare_picture_upload(sku: AnySku, request: PictureRequest) -> Response[PictureUpload]:
        """Signs a browser's form for the upload of one picture of a product, of one type and at most 10 MiB.

        The form is valid for 15 minutes.
        """
        product, upload_id, now = require_product(sku), uuid4().hex, utc_now()
        form = upload_signer().sign(
            product.sku,
            request.content_type,
            upload_id=upload_id,
            correlation_id=correlation_id(),
            now=now,
        )
        upload_store().record(Upload(sku=product.sku, upload_id=upload_id), [], now=now)
        count("PictureUploadsPrepared")
        logger.info("picture upload prepared", sku=product.sku, key=form.key)
        return Response(
            status_code=HTTPStatus.CREATED,
            content_type=content_types.APPLICATION_JSON,
            body=PictureUpload.of(upload_id, form),
            headers={"Location": link_to(app, f"/products/{product.sku}/picture-uploads/{upload_id}")},
        )

    @app.get(
        "/products/<sku>/picture-uploads/<upload_id>",
        **contract(
            Access.ADMIN,
            tag="catalog",
            whose=Whose.SHOP,
            answers="The status of the upload",
            raises=(NotFound,),
        ),
    )
    def read_picture_upload(sku: AnySku, upload_id: AnyUpload) -> UploadView:
        """Reads the outcome of an upload: the picture that the product shows, or the reason for its refusal.

        The catalogue stores it for 30 days.
        """
        product = require_product(sku)
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
            answers="`Location` is the picture's URL, valid for an hour",
            headers={
                "Cache-Control": "How long a cache may use `Location` without a new request",
                "Location": "The picture itself; its bytes never change",
            },
            raises=(NotFound,),
        ),
    )
    def load_picture(sku: AnySku, picture_id: AnyPicture, rendition: AnyRendition) -> Response[str]:
        """Redirects to a rendition of a product's picture. The product's `pictures` link to it."""
        picture = require_product(sku).picture(picture_id)
        key = picture.key_of(rendition) if picture else None
        if key is None:
            raise NotFound("There is no such picture.")
        return Response(
            status_code=HTTPStatus.FOUND,
            body="",
            headers={"Cache-Control": _REDIRECT_CACHE, "Location": link_signer().sign(key)},
        )

    @app.delete(
        "/products/<sku>/pictures/<picture_id>",
        **contract(
            Access.ADMIN,
            tag="catalog",
            whose=Whose.SHOP,
            status=HTTPStatus.NO_CONTENT,
            answers="The product no longer shows the picture",
            headers={"ETag": "The product's version, for `If-Match` and `If-None-Match`"},
            raises=(NotFound, PreconditionRequired, PreconditionFailed),
        ),
    )
    def remove_picture(sku: AnySku, picture_id: AnyPicture, if_match: IfMatch = None) -> Response[str]:
        """Removes a picture from a product; `If-Match` names the product's version."""
        product = require_product_at(sku, if_match)
        if product.picture(picture_id) is None:
            raise NotFound("The product has no such picture.")
        changed, events = product.remove(picture_id, correlation_id=correlation_id(), now=utc_now())
        store_change(changed, events)
        return Response(
            status_code=HTTPStatus.NO_CONTENT, body="", headers={"ETag": etag_of(changed.version)}
        )

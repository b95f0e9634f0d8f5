"""Wires the adapters of the service's functions, once per execution environment, from the environment variables."""

from functools import cache

from catalog.adapters.import_files import ImportFiles
from catalog.adapters.import_store import ImportStore
from catalog.adapters.picture_objects import RENDITIONS, UPLOADS, PictureObjects
from catalog.adapters.picture_signing import LinkSigner, UploadSigner
from catalog.adapters.product_store import ProductStore
from catalog.adapters.upload_store import UploadStore
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.job_files import JobFiles, JobsBucket


class CatalogTable(LambdaEnvironment):
    """Names the table of products and uploads."""

    table_name: str


class ImportsTable(LambdaEnvironment):
    """Names the table of applied import lines."""

    imports_table_name: str


class PicturesBucket(LambdaEnvironment):
    """Names the bucket of pictures."""

    pictures_bucket: str


@cache
def product_store() -> ProductStore:
    """The catalogue table's products."""
    return ProductStore(client("dynamodb"), CatalogTable.load().table_name)


@cache
def upload_store() -> UploadStore:
    """The catalogue table's uploads of pictures."""
    return UploadStore(client("dynamodb"), CatalogTable.load().table_name)


@cache
def upload_signer() -> UploadSigner:
    """The signer of uploads into the pictures bucket."""
    return UploadSigner(PicturesBucket.load().pictures_bucket)


@cache
def link_signer() -> LinkSigner:
    """The signer of links to objects of the pictures bucket."""
    return LinkSigner(PicturesBucket.load().pictures_bucket)


@cache
def rendition_objects() -> PictureObjects:
    """The renditions in the pictures bucket."""
    return PictureObjects(client("s3"), PicturesBucket.load().pictures_bucket, RENDITIONS)


@cache
def upload_objects() -> PictureObjects:
    """The uploaded pictures in the pictures bucket."""
    return PictureObjects(client("s3"), PicturesBucket.load().pictures_bucket, UPLOADS)


@cache
def import_store() -> ImportStore:
    """The imports table, with the products that an import writes."""
    return ImportStore(client("dynamodb"), ImportsTable.load().imports_table_name, product_store())


@cache
def job_files() -> JobFiles:
    """The files of jobs."""
    return JobFiles(client("s3"), JobsBucket.load().jobs_bucket)


def import_files(job_id: str) -> ImportFiles:
    """The files of one import."""
    return ImportFiles(job_files(), job_id)

"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from catalog.adapters.import_store import ImportStore
from catalog.adapters.pictures_bucket import PictureLinks, PictureUploads
from catalog.adapters.product_store import ProductStore
from catalog.adapters.upload_store import UploadStore
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.job_files import JobFiles, JobsBucket


class CatalogTable(LambdaEnvironment):
    """Names the table of products and uploads."""

    table_name: str


class ImportsTable(LambdaEnvironment):
    """Names the table of what imports have done."""

    imports_table_name: str


class PicturesBucket(LambdaEnvironment):
    """Names the bucket of pictures."""

    pictures_bucket: str


@cache
def product_store() -> ProductStore:
    """The catalogue table's store."""
    return ProductStore(client("dynamodb"), CatalogTable.load().table_name)


@cache
def upload_store() -> UploadStore:
    """What the catalogue table knows of uploads of pictures."""
    return UploadStore(client("dynamodb"), CatalogTable.load().table_name)


@cache
def picture_uploads() -> PictureUploads:
    """The signer of uploads into the pictures bucket."""
    return PictureUploads(PicturesBucket.load().pictures_bucket)


@cache
def picture_links() -> PictureLinks:
    """The signer of links to what the pictures bucket holds."""
    return PictureLinks(PicturesBucket.load().pictures_bucket)


@cache
def import_store() -> ImportStore:
    """The store of what imports do."""
    return ImportStore(
        client("dynamodb"), ImportsTable.load().imports_table_name, CatalogTable.load().table_name
    )


@cache
def job_files() -> JobFiles:
    """The files of jobs."""
    return JobFiles(client("s3"), JobsBucket.load().jobs_bucket)

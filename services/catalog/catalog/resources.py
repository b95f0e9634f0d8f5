"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from catalog.pictures import PictureUploads
from catalog.store import ProductStore
from shared.aws import client
from shared.environment import LambdaEnvironment


class Environment(LambdaEnvironment):
    """What the API function reads from its environment."""

    table_name: str
    pictures_bucket: str


@cache
def product_store() -> ProductStore:
    """The catalogue table's store."""
    return ProductStore(client("dynamodb"), Environment.load().table_name)


@cache
def picture_uploads() -> PictureUploads:
    """The signer of uploads into the pictures bucket."""
    return PictureUploads(Environment.load().pictures_bucket)

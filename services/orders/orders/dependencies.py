"""What the service's functions work with, made once per execution environment from the environment variables."""

from functools import cache

from orders.adapters.order_store import OrderStore, PriceStore
from orders.adapters.placement_index import Placements
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.job_files import JobFiles, JobsBucket


class OrdersTable(LambdaEnvironment):
    """Names the orders table."""

    table_name: str


class PricesTable(LambdaEnvironment):
    """Names the price projection's table."""

    prices_table_name: str


@cache
def order_store() -> OrderStore:
    """The orders table's store."""
    return OrderStore(client("dynamodb"), OrdersTable.load().table_name)


@cache
def price_store() -> PriceStore:
    """The price projection's store."""
    return PriceStore(client("dynamodb"), PricesTable.load().prices_table_name)


@cache
def placements() -> Placements:
    """The orders by when they were placed."""
    return Placements(client("dynamodb"), OrdersTable.load().table_name)


@cache
def job_files() -> JobFiles:
    """The files of jobs."""
    return JobFiles(client("s3"), JobsBucket.load().jobs_bucket)

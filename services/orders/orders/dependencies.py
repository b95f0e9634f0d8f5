"""What the service's functions work with, made once per execution environment from the environment variables."""

from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Annotated

from orders.adapters.attention_index import AttentionIndex
from orders.adapters.erasure_queue import ErasureQueue
from orders.adapters.executions import OrderExecutions
from orders.adapters.order_store import OrderStore, RedactedOrders
from orders.adapters.placement_index import PlacementIndex
from orders.adapters.price_store import PriceStore
from orders.domain.placement_limits import PlacementLimits
from shared.aws import client
from shared.environment import LambdaEnvironment
from shared.record import About

if TYPE_CHECKING:
    from orders.adapters.export_files import ExportFiles


class OrdersTable(LambdaEnvironment):
    """Names the orders table."""

    table_name: str


class PricesTable(LambdaEnvironment):
    """Names the prices table."""

    prices_table_name: str


class StateMachines(LambdaEnvironment):
    """Names the state machines of an order."""

    saga_arn: str
    cancellation_arn: str


class ErasureQueueUrl(LambdaEnvironment):
    """Names the queue of the erasure."""

    queue_url: str


class ReconcileSettings(LambdaEnvironment):
    """How long an order may be in an open status, and how long it may wait for its fulfilment.

    The first is longer than a saga whose steps work at their second or third try. The second is longer than packing and
    the retries of a capture.
    """

    overdue_after_seconds: Annotated[int, About(gt=0)]
    late_after_seconds: Annotated[int, About(gt=0)]

    def stuck_before(self, now: datetime) -> datetime:
        """An order in an open status since before this moment is stuck `now`."""
        return now - timedelta(seconds=self.overdue_after_seconds)

    def late_before(self, now: datetime) -> datetime:
        """An order that is confirmed since before this moment is late `now`."""
        return now - timedelta(seconds=self.late_after_seconds)


class PlacementSettings(PlacementLimits, LambdaEnvironment):
    """The limits of a placement, as the template's parameters set them."""


@cache
def order_store() -> OrderStore:
    """The orders table."""
    return OrderStore(client("dynamodb"), OrdersTable.load().table_name)


@cache
def redacted_orders() -> RedactedOrders:
    """The orders without their personal data."""
    return RedactedOrders(client("dynamodb"), OrdersTable.load().table_name)


@cache
def attention_index() -> AttentionIndex:
    """The orders that have not come to their end."""
    return AttentionIndex(client("dynamodb"), OrdersTable.load().table_name)


@cache
def placement_index() -> PlacementIndex:
    """The orders by the moment of their placement."""
    return PlacementIndex(client("dynamodb"), OrdersTable.load().table_name)


@cache
def price_store() -> PriceStore:
    """The prices table."""
    return PriceStore(client("dynamodb"), PricesTable.load().prices_table_name)


@cache
def executions() -> OrderExecutions:
    """The executions of an order's state machines."""
    machines = StateMachines.load()
    return OrderExecutions(machines.saga_arn, machines.cancellation_arn)


@cache
def placement_limits() -> PlacementLimits:
    """The limits of a placement."""
    return PlacementSettings.load()


@cache
def reconcile_settings() -> ReconcileSettings:
    """The times after which an order needs attention."""
    return ReconcileSettings.load()


@cache
def erasure_queue() -> ErasureQueue:
    """The queue of the erasure."""
    return ErasureQueue(client("sqs"), ErasureQueueUrl.load().queue_url)


@cache
def export_files() -> "ExportFiles":
    """The files of exports."""
    # Imported here, since the rules of exports need pydantic, with which the other functions would start slower.
    from orders.adapters.export_files import ExportFiles  # noqa: PLC0415
    from shared.job_files import JobFiles, JobsBucket  # noqa: PLC0415

    return ExportFiles(JobFiles(client("s3"), JobsBucket.load().jobs_bucket))

"""What one customer may order, and how fast. docs/api.md lists the limits; parameters of the template set them."""

from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Annotated

from orders.domain.customer_account import DECLINES_COUNT_FOR, CustomerAccount
from shared.errors import FieldError, TooManyRequests, Unprocessable
from shared.record import About, Record

if TYPE_CHECKING:
    from orders.domain.order_request import OrderRequest

# A saga decides an order within seconds.
_DECIDED_SOON_SECONDS = 2


class TooManyPieces(Unprocessable):
    """A line or the whole order has more pieces than the shop sells at once."""

    code = "too-many-pieces"


class TooManyDeclines(TooManyRequests):
    """Too many payments of the customer were declined within an hour; `Retry-After` says when to order again."""

    code = "too-many-declines"


class TooManyUndecidedOrders(TooManyRequests):
    """The shop still decides about too many orders of the customer; send the request again after `Retry-After`."""

    code = "too-many-undecided-orders"


class PlacementLimits(Record):
    """The limits of a placement."""

    max_pieces_per_line: Annotated[int, About(gt=0)]
    max_pieces_per_order: Annotated[int, About(gt=0)]
    max_undecided_orders: Annotated[int, About(gt=0)]
    max_declines_per_hour: Annotated[int, About(gt=0)]

    def check_pieces(self, request: "OrderRequest") -> None:
        """Raises TooManyPieces."""
        quantities = [line.quantity for line in request.lines]
        errors = [
            FieldError(f"/body/lines/{position}/quantity", f"is more than {self.max_pieces_per_line}")
            for position, quantity in enumerate(quantities)
            if quantity > self.max_pieces_per_line
        ]
        if not errors and sum(quantities) > self.max_pieces_per_order:
            errors = [
                FieldError("/body/lines", f"have more than {self.max_pieces_per_order} pieces together")
            ]
        if errors:
            raise TooManyPieces("The order has too many pieces; order fewer, or ask the shop.", errors)

    def check_declines(self, account: CustomerAccount, now: datetime) -> None:
        """Raises TooManyDeclines until the earliest of the latest declines is an hour ago."""
        latest = account.declines_at(now)[-self.max_declines_per_hour :]
        if len(latest) < self.max_declines_per_hour:
            return
        again = latest[0] + DECLINES_COUNT_FOR
        raise TooManyDeclines(
            f"{self.max_declines_per_hour} payments of this account were declined within an hour. "
            "Check your card, and order again later.",
            retry_after=ceil((again - now).total_seconds()),
        )

    def check_undecided(self, orders: int) -> None:
        """Raises TooManyUndecidedOrders if the shop still decides about so many `orders` of the customer."""
        if orders >= self.max_undecided_orders:
            raise TooManyUndecidedOrders(
                f"The shop still decides about {orders} orders of yours; place the next one in a moment.",
                retry_after=_DECIDED_SOON_SECONDS,
            )

"""What an order knows of a return: the accepted pieces, and the money that went back for them."""

from shared.record import Record


class OrderReturn(Record):
    """One return of an order. `pieces` were accepted, for sale again or not; `refunded` is in minor units.

    Each is 0 until its event comes: the inspection's, and the refund's. They come in any order.
    """

    pieces: int = 0
    refunded: int = 0

"""The shipping service: the parcel of each order, from its creation to its cancellation."""

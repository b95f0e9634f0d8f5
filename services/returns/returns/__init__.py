"""The returns service: pieces of fulfilled orders that come back, from the request to the refund."""

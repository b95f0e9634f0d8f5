"""The published contracts, generated from the code: OpenAPI, AsyncAPI, events."""

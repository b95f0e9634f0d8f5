"""What the shop promises to others, generated from the code: OpenAPI, AsyncAPI, events."""

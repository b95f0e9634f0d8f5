"""The gateway service: health, the API's description, and the answer to requests that no other service takes."""

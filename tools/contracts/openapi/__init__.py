"""The API's reference, made from the routes: the OpenAPI document, the authorization matrix, and what a new version of
the document would break for the clients of the last.

`python -m tools.contracts.openapi write` renews what is committed; tests/unit/test_openapi.py fails when it is stale.
"""

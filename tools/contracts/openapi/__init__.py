"""The API's reference, made from the routes: the OpenAPI document, the authorization matrix, and the breaking changes.

`make openapi` renews the committed files; tests/unit/test_openapi.py fails if they are out of date.
"""

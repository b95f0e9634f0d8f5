"""The fixtures of the component tests, of which the comparison with moto's interpreter needs one."""

from tests.component.conftest import lambda_context

__all__ = ["lambda_context"]

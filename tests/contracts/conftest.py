"""What the contract tests stand on: the same pretended AWS as the component tests."""

from tests.component.conftest import aws, lambda_context

__all__ = ["aws", "lambda_context"]

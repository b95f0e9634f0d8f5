"""Keeps the commands of this folder away from AWS."""

import os

from tools.console import StepError


def refuse_aws(command: str) -> None:
    """Raises StepError if STACK names a stack: `command` works on the embedded cloud alone."""
    if stack := os.environ.get("STACK"):
        raise StepError(
            f"`make {command}` works on the embedded cloud alone, and STACK={stack} names another stack.",
            f"For a stack on AWS, `.venv/bin/sam sync --watch --stack-name {stack}` updates functions as you save.",
        )

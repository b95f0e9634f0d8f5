"""The embedded cloud's files, port and credentials, and the environment variables of programs that use it."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
CLOUD = os.environ.get("CLOUD", "")
"""Names one of several embedded clouds that run side by side; the one that everybody uses has no name."""

LOCAL = REPOSITORY / ".local"
STATE = LOCAL / CLOUD
"""Everything that a run leaves behind: logs, the record of the running server, digests of the last deployment."""

SNAPSHOT = LOCAL / "snapshot"
"""What the last deployment to an empty cloud made; all clouds share it."""

SAM = REPOSITORY / ".venv-sam" / "bin" / "sam"
SAM_PYTHON = SAM.with_name("python")
CLOUD_PYTHON = REPOSITORY / ".venv-cloud" / "bin" / "python"

CONFIG_ENV = "local"
STACK_NAME = "cartwright-local"
REGION = "us-east-1"
ACCOUNT = "000000000000"
HOST = "127.0.0.1"
DEFAULT_PORT = 4566

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}  # nosec B105 - valid nowhere
"""The credentials of the root user of MiniStack's account. They are valid nowhere else."""

# These would lead a program to a real AWS account, or change how a nested make behaves.
_NOT_INHERITED = frozenset(
    {
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_ROLE_ARN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "MAKEFLAGS",
        "MAKELEVEL",
        "MFLAGS",
    }
)


def endpoint_of(port: int) -> str:
    """The base URL of the embedded cloud on `port`."""
    return f"http://{HOST}:{port}"


def tool_environment(endpoint: str) -> dict[str, str]:
    """Environment variables with which sam and boto3 reach the embedded cloud and nothing else."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    return (
        inherited
        | CREDENTIALS
        | {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": f"{HOST},localhost",
            "no_proxy": f"{HOST},localhost",
            "SAM_CLI_TELEMETRY": "0",
        }
    )


def server_environment(port: int) -> dict[str, str]:
    """Environment variables of MiniStack. Its Lambda workers inherit them, so the user's own are left out."""
    temporary = STATE / "tmp"
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "AUTH": "true",  # IAM policies are enforced
        "MINISTACK_COGNITO_PRETOKEN_STRICT": "1",  # as on AWS, a trigger that fails gives no token
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "STATE_DIR": str(SNAPSHOT),  # only on request: `tools/cloud/snapshot.py`
        "LAMBDA_EXECUTOR": "local",  # a process per function instance, no Docker
        "LOG_LEVEL": "WARNING",  # the functions' own lines are in CloudWatch Logs: `make logs`
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AWS_EC2_METADATA_DISABLED": "true",
        "POWERTOOLS_TRACE_DISABLED": "true",  # there is no X-Ray to send traces to
    }

"""The grants that the system's tests do not use: each with the reason, and with a test of its own."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Expected:
    """Grants that the system's tests leave unused; `part`, `action` and `resource` are patterns."""

    part: str
    action: str
    resource: str
    reason: str
    test: str
    """Shows that the grant is needed, or that it is limited."""


EXPECTED = (
    Expected(
        "*Function",
        "logs:*",
        "*",
        "Lambda writes the log with the function's role; the embedded cloud asks IAM for none of it",
        "tests/unit/test_permissions.py",
    ),
    Expected(
        "*",
        "policy",
        "*Xray*",
        "AWS writes the traces with the role; the embedded cloud has none",
        "tests/unit/test_permissions.py",
    ),
    Expected(
        "*",
        "logs:*",
        "[*]",
        "Step Functions writes the log of a state machine with its role; the embedded cloud does not",
        "tests/unit/test_template.py",
    ),
    Expected(
        "*RelayFunction",
        "sqs:SendMessage",
        "RelayDeadLetterQueue",
        "no service makes an event that can never be published",
        "tests/component/shared/test_relay.py",
    ),
    Expected(
        "CleanupApiFunction",
        "sqs:DeleteMessage",
        "RelayDeadLetterQueue",
        "one statement names the dead-letter queues of all; the route refuses to redrive the relays' one",
        "tests/component/cleanup/test_dead_letters.py",
    ),
    Expected(
        "*",
        "s3:AbortMultipartUpload",
        "*",
        "only a large file whose parts fail is given up",
        "tests/component/shared/test_job_files.py",
    ),
    Expected(
        "*",
        "s3:ListBucket",
        "*",
        "only to a caller that may list, S3 answers 404 for a missing object; the embedded cloud does to all",
        "tests/component/image_processor/test_render.py",
    ),
    Expected(
        "CatalogSweep*Function",
        "*",
        "*",
        "only objects are removed that are older than a day or a month, and no test waits for so long",
        "tests/component/cleanup/test_cleanup.py",
    ),
    Expected(
        "JobsReconcileFunction",
        "states:*",
        "*",
        "one kind of job hangs in the system's tests, and the code is the same for all",
        "tests/component/jobs/test_reconcile.py",
    ),
    Expected(
        "OrdersReconcileFunction",
        "states:*",
        "*OrderCancellation*",
        "a cancellation is started again only after Step Functions itself lost it",
        "tests/component/orders/test_reconcile.py",
    ),
    Expected(
        "PaymentsReconcileFunction",
        "dynamodb:PutItem",
        "table/PaymentsTable",
        "a payment is mended only after minutes without the provider's answer",
        "tests/component/payments/test_reconcile.py",
    ),
    Expected(
        "PaymentsSandboxApiFunction",
        "dynamodb:Query",
        "table/PaymentsSandboxTable/index/by-order",
        "no service searches the sandbox's intents; operators do",
        "tests/component/payments_sandbox/test_api.py",
    ),
    Expected(
        "ReportsMakeWeeklyReportFunction",
        "dynamodb:Query",
        "table/ReportsSalesTable/index/by-confirmed-order",
        "a report looks an order up only if it was confirmed in an earlier week",
        "tests/component/reports/test_reports.py",
    ),
)


def reason_for(part: str, action: str, resource: str) -> str:
    """Why the grant may be unused; empty if it may not."""
    return next(
        (
            expected.reason
            for expected in EXPECTED
            if fnmatchcase(part, expected.part)
            and fnmatchcase(action, expected.action)
            and fnmatchcase(resource, expected.resource)
        ),
        "",
    )

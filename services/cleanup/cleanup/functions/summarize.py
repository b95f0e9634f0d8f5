"""The cleanup's last step: summarizes all sweeps in a log line, metrics, and a report in the bucket."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from cleanup.dependencies import cleanup_bucket
from cleanup.domain.runs import Plan, Summary
from shared.observability import count, entry_point, logger


@entry_point
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The Lambda handler of the step. It stores the report, then raises SweepFailed if any sweep failed.

    A dry run stores its report alone: no places, no metrics.
    """
    summary, plan = Summary.model_validate(event), Plan.model_validate(event["plan"])
    report = summary.report()
    bucket = cleanup_bucket()
    bucket.put_report(summary.key, report)
    logger.info("cleanup done", **report)
    if not summary.dry_run:
        bucket.put_places(summary.places(plan.after))
        for sweep in summary.sweeps:
            for name, number in sweep.counts.items():
                count(f"Swept{_camel(sweep.name)}{_camel(name)}", number)
    summary.raise_if_failed()
    return {"report_key": summary.key, **report}


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))

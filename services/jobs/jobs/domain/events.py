"""The events that the jobs service publishes."""

from typing import Annotated

from shared.events import Payload
from shared.record import About


class JobRequested(Payload):
    """An admin requested a job; the event starts the state machine of the job's kind."""

    event_type = "job.requested"

    job_id: Annotated[str, About(examples=["job_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    kind: Annotated[
        str, About(description="The kind of the job; new kinds may come", examples=["order_export"])
    ]
    request: Annotated[
        dict[str, str],
        About(
            description="The request's fields, which depend on the kind",
            examples=[{"format": "csv", "from": "2026-11-01", "to": "2026-11-30"}],
        ),
    ]

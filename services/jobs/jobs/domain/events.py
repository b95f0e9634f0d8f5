"""The events that the jobs service publishes."""

from typing import Annotated

from pydantic import Field

from shared.events import Payload


class JobRequested(Payload):
    """An admin requested a job; the event starts the state machine of the job's kind."""

    event_type = "job.requested"

    job_id: Annotated[str, Field(examples=["job_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    kind: Annotated[
        str, Field(description="The kind of the job; new kinds may come", examples=["order_export"])
    ]
    request: Annotated[
        dict[str, str],
        Field(
            description="The request's fields, which depend on the kind",
            examples=[{"format": "csv", "from": "2026-11-01", "to": "2026-11-30"}],
        ),
    ]

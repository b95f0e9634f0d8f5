"""What the jobs service tells the others."""

from typing import Annotated

from pydantic import Field

from shared.events import Payload


class JobRequested(Payload):
    """An admin asked for a job; it starts the state machine of its kind."""

    event_type = "job.requested"

    job_id: Annotated[str, Field(examples=["job_5b0c8a526b7e5c1e8f432f7a0c9f2d11"])]
    kind: Annotated[
        str, Field(description="What is to be done; there may be new kinds", examples=["order_export"])
    ]
    request: Annotated[
        dict[str, str],
        Field(
            description="What is asked for, by the kind",
            examples=[{"format": "csv", "from": "2026-11-01", "to": "2026-11-30"}],
        ),
    ]

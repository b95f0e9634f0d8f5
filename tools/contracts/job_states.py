"""`python -m tools.contracts.job_states` draws the statuses of a job into services/jobs/README.md.

The diagram is made from `jobs.domain.job.TRANSITIONS`; a test fails if it is out of date.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

from jobs.domain.job import TRANSITIONS, JobStatus
from tools.settings import REPOSITORY

PAGE = REPOSITORY / "services" / "jobs" / "README.md"
_BEGIN, _END = "<!-- generated: job states -->", "<!-- end -->"


def diagram[Command: StrEnum, Status: StrEnum](
    transitions: Mapping[Command, Mapping[Status, Status]], first: Status, final: Collection[Status]
) -> str:
    """The diagram of a table of transitions, in Mermaid's language: each command with its statuses before and after."""
    labels: dict[tuple[Status, Status], list[str]] = {}
    for command, leads_to in transitions.items():
        for status, following in leads_to.items():
            labels.setdefault((status, following), []).append(command.value)
    return "\n".join(
        [
            "stateDiagram-v2",
            f"    [*] --> {first}",
            *(f"    {status} --> {to}: {', '.join(commands)}" for (status, to), commands in labels.items()),
            *(f"    {status} --> [*]" for status in final),
        ]
    )


def renewed(page: str) -> str:
    """`page` with the present diagram in its marked block; raises ValueError if it has no such block."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"no block between {_BEGIN} and {_END}")
    drawn = diagram(TRANSITIONS, JobStatus.QUEUED, [status for status in JobStatus if status.is_final])
    return f"{before}{_BEGIN}\n```mermaid\n{drawn}\n```\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))

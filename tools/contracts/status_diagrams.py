"""`python -m tools.contracts.status_diagrams` draws the statuses of orders and returns into their services' README.md.

The diagrams are made from the tables `TRANSITIONS`; a test fails if one is out of date.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from orders.domain import transitions as of_orders
from orders.domain.status import OrderStatus
from returns.domain import transitions as of_returns
from returns.domain.status import ReturnStatus
from tools.settings import REPOSITORY

_BEGIN, _END = "<!-- generated: statuses -->", "<!-- end -->"


def _diagram[Command: StrEnum, Status: StrEnum](
    begun: str, first: Status, transitions: Mapping[Command, Mapping[Status, Status]], final: Sequence[Status]
) -> str:
    """In Mermaid's language: every command that changes the status, and the statuses that are final."""
    labels: dict[tuple[Status, Status], list[str]] = {}
    for command, leads_to in transitions.items():
        for status, following in leads_to.items():
            if following is not status:
                labels.setdefault((status, following), []).append(command.value)
    return "\n".join(
        [
            "stateDiagram-v2",
            f"    [*] --> {first}: {begun}",
            *(f"    {status} --> {to}: {', '.join(commands)}" for (status, to), commands in labels.items()),
            *(f"    {status} --> [*]" for status in final),
        ]
    )


DIAGRAMS = {
    "orders": _diagram(
        "place",
        OrderStatus.PLACED,
        of_orders.TRANSITIONS,
        [status for status in OrderStatus if status.is_final],
    ),
    "returns": _diagram(
        "request",
        ReturnStatus.REQUESTED,
        of_returns.TRANSITIONS,
        [status for status in ReturnStatus if status.is_final],
    ),
}
"""The diagram of each service that has one."""
PAGES = {service: REPOSITORY / "services" / service / "README.md" for service in DIAGRAMS}


def renewed(service: str, page: str) -> str:
    """The service's `page` with its present diagram in the marked block; raises ValueError if it has no such block."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"no block between {_BEGIN} and {_END}")
    return f"{before}{_BEGIN}\n```mermaid\n{DIAGRAMS[service]}\n```\n{_END}{after}"


if __name__ == "__main__":
    for service, path in PAGES.items():
        path.write_text(renewed(service, path.read_text()))

"""`python -m tools.contracts.order_states` draws the statuses of an order into services/orders/README.md.

The diagram is made from `orders.domain.transitions.TRANSITIONS`; a test fails if it is out of date.
"""

from orders.domain.status import OrderStatus
from orders.domain.transitions import TRANSITIONS
from tools.settings import REPOSITORY

PAGE = REPOSITORY / "services" / "orders" / "README.md"
_BEGIN, _END = "<!-- generated: order states -->", "<!-- end -->"


def diagram() -> str:
    """The diagram, in Mermaid's language: every command that changes the status, and the statuses that are final."""
    labels: dict[tuple[OrderStatus, OrderStatus], list[str]] = {}
    for command, leads_to in TRANSITIONS.items():
        for status, following in leads_to.items():
            if following is not status:
                labels.setdefault((status, following), []).append(command.value)
    return "\n".join(
        [
            "stateDiagram-v2",
            f"    [*] --> {OrderStatus.PLACED}: place",
            *(f"    {status} --> {to}: {', '.join(commands)}" for (status, to), commands in labels.items()),
            *(f"    {status} --> [*]" for status in OrderStatus if status.is_final),
        ]
    )


def renewed(page: str) -> str:
    """`page` with the present diagram in its marked block; raises ValueError if it has no such block."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"no block between {_BEGIN} and {_END}")
    return f"{before}{_BEGIN}\n```mermaid\n{diagram()}\n```\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text()))

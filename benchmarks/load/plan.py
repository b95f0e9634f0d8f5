"""What the load's two processes tell each other: the plan goes to Locust's process, and what happened comes back.

Locust's process has none of the tools' packages, so this module needs the standard library alone.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Self

PLAN = "LOAD_PLAN"
"""The environment variable with the plan. A file would keep the passwords."""

RESULT = "LOAD_RESULT"
"""The environment variable with the path where Locust's process writes what happened."""


@dataclass(frozen=True)
class Plan:
    """The shop, the accounts that use it, and their purchases."""

    api_url: str
    sign_in_url: str
    """Cognito's, of the stack's region or of the embedded cloud."""
    customers_client: str
    admins_client: str
    customers: list[str]
    """Addresses of the accounts: each belongs to one simulated customer."""
    admin: str
    password: str
    """Of all these accounts."""
    shipping_address: dict[str, str]
    products: list[str]
    """The skus that customers order at any time."""
    sale_sku: str
    sale_after: float
    """After so many seconds every customer orders one piece of the sale's product."""
    seconds: float
    """How long the load lasts."""

    def to_json(self) -> str:
        """The plan as it goes to Locust's process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The plan that `to_json` wrote."""
        return cls(**json.loads(text))


@dataclass
class Happened:
    """What the simulated customers and the admin saw."""

    seconds: float = 0.0
    """From the start of Locust to the last answer."""
    samples: list[tuple[str, int, float]] = field(default_factory=list)
    """Of each request: its route, the answer's status (0 without an answer), and how many milliseconds it took."""
    customers: list[str] = field(default_factory=list)
    """The user ids of the customers who signed in."""
    accepted: list[str] = field(default_factory=list)
    """The ids of the orders that the shop answered with 201."""
    of_the_sale: list[str] = field(default_factory=list)
    """Those of them that want the sale's product."""
    uncertain: int = 0
    """Orders that were sent, and had no 201 by the end: the shop may have them or not."""

    def to_json(self) -> str:
        """What happened, as Locust's process writes it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote."""
        happened = cls(**json.loads(text))
        happened.samples = [(route, status, milliseconds) for route, status, milliseconds in happened.samples]
        return happened

"""The services: the folders of services/, and what each says of itself in its `service.toml`.

What the code, the folders or the template say stands in no list. `service.toml` has the rest, beside the service: a
sentence for the API's reference, its projections, and how long its tables keep personal data.
"""

import tomllib
from collections.abc import Mapping
from functools import cache

from pydantic import BaseModel, ConfigDict

from shared.record import Personal
from tools.settings import REPOSITORY

SERVICES = REPOSITORY / "services"
MANIFEST = "service.toml"


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Reference(_Declaration):
    """Its part of the API's reference: a heading, which is the service's name unless it has a `tag`, and a sentence."""

    description: str
    tag: str = ""


class Projection(_Declaration):
    """A projection: its content, the table that it is made from, and the consumer that writes it, unless `make rebuild`
    does so itself.

    `events` are the types that it is made of, if its consumer reads more than them.
    """

    content: str
    source: str
    consumer: str | None = None
    events: tuple[str, ...] = ()

    @property
    def is_made_of_events(self) -> bool:
        """Whether it is made from all past events, and not from the present items of its source."""
        return self.source == "ArchiveTable"


class Stay(_Declaration):
    """How long values of one kind stay: `until`, and why they outlive their account, if they do."""

    until: str
    outlives_account: str = ""


class PersonalData(_Declaration):
    """What a table holds of people: the classes of its items by their full names, and how long each kind stays.

    `also` has the values that the marks do not show: keys and copies that only the adapter knows. `publishes` says that
    the items carry the service's events in their outbox until their next change.
    """

    stays: Mapping[Personal, Stay]
    holds: tuple[str, ...] = ()
    also: Mapping[str, Personal] = {}
    publishes: bool = False


class Manifest(_Declaration):
    """A service's `service.toml`."""

    reference: Reference | None = None
    projections: Mapping[str, Projection] = {}
    personal_data: Mapping[str, PersonalData] = {}


@cache
def services() -> Mapping[str, Manifest]:
    """What each service says of itself, by its name; raises ValidationError with the wrong key of a `service.toml`."""
    return {
        folder.name: Manifest.model_validate(_declared_in(folder.name))
        for folder in sorted(SERVICES.iterdir())
        if (folder / folder.name / "__init__.py").exists()
    }


def camel(name: str) -> str:
    """The beginning of a service's logical ids in the template: PaymentsSandbox."""
    return "".join(word.capitalize() for word in name.split("_"))


def _declared_in(name: str) -> dict[str, object]:
    path = SERVICES / name / MANIFEST
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

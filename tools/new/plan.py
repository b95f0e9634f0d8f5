"""What a new service is to have, and the names of its parts."""

import keyword
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tools.console import StepError
from tools.new.rendering import with_article, words_of
from tools.services import camel, services

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_TYPE = re.compile(r"[a-z_]+\.[a-z_]+")
_SCHEDULE = re.compile(r"rate\([1-9]\d* (minutes?|hours?|days?)\)|cron\([^()]+\)")
_NOTHING = "Nothing was changed."


@dataclass(frozen=True)
class Plan:
    """A service to be made; `check` raises StepError if it cannot be.

    `consumes` and `projects` are types of events. `schedule` is an expression of EventBridge, or empty.
    """

    name: str
    thing: str = ""
    routes: bool = False
    table: bool = False
    consumes: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    schedule: str = ""
    steps: bool = False

    @property
    def has_table(self) -> bool:
        """Whether it owns things; routes, a schedule and steps need them."""
        return self.table or self.routes or bool(self.schedule) or self.steps

    @property
    def package(self) -> str:
        """The folder and the package: gift_cards."""
        return self.name.replace("-", "_")

    @property
    def one(self) -> str:
        """One of its things: gift_card."""
        return self.thing.replace("-", "_") or re.sub(
            r"(ss|sh|ch|x)es$|s$", r"\1", re.sub("ies$", "y", self.package)
        )

    @property
    def follows(self) -> tuple[str, ...]:
        """The types of events that its consumer reads."""
        return (*(("user.deleted",) if self.has_table else ()), *self.consumes, *self.projects)

    def check(self) -> None:
        """Raises StepError if a name or an option is not valid, or if they do not fit each other."""
        self.check_name()
        self.check_options()
        if not self.has_table and not self.follows:
            raise StepError(
                "The service would have no function.",
                "Choose some of ROUTES=yes, TABLE=yes, CONSUMES=order.fulfilled, PROJECTS=order.placed, "
                f'SCHEDULE="rate(1 hour)" and STEPS=yes. {_NOTHING}',
            )

    def check_name(self) -> None:
        """Raises StepError if no service can have this name, with any options."""
        if not _NAME.fullmatch(self.name) or not self.package.endswith("s"):
            raise StepError(
                f"{self.name!r} is no name for a service.",
                f"Write one word or several with hyphens, in the plural: returns, gift-cards. {_NOTHING}",
            )
        if self.package in sys.stdlib_module_names or self.package in {
            "shared",
            "tools",
            "tests",
            "benchmarks",
        }:
            raise StepError(
                f"A package named {self.package} exists already.", f"Choose another name. {_NOTHING}"
            )

    def check_options(self) -> None:
        """Raises StepError if an option is not valid, or does not fit another one. There may be too few of them."""
        if (
            not re.fullmatch(r"[a-z][a-z0-9_]*", self.one)
            or keyword.iskeyword(self.one)
            or self.one == self.package
        ):
            raise StepError(
                f"{self.one!r} cannot name one of the {words_of(self.package)} in Python.",
                f"Name one with THING=..., for example THING={self.one.rstrip('_')}_request. {_NOTHING}",
            )
        self._check_events()
        if self.schedule and not _SCHEDULE.fullmatch(self.schedule):
            raise StepError(
                f"{self.schedule!r} is no schedule.",
                f'Write it as "rate(1 hour)" or "cron(0 6 * * ? *)". {_NOTHING}',
            )

    def _check_events(self) -> None:
        types = (*self.consumes, *self.projects)
        if wrong := [event_type for event_type in types if not _TYPE.fullmatch(event_type)]:
            raise StepError(
                f"{', '.join(map(repr, wrong))}: this is no type of event.",
                f"Write types as order.placed, with commas between them. {_NOTHING}",
            )
        if len(set(self.follows)) < len(self.follows):
            twice = sorted({event_type for event_type in self.follows if self.follows.count(event_type) > 1})
            raise StepError(
                f"{', '.join(twice)} would have two effects in one consumer.",
                "A type stands in CONSUMES or in PROJECTS, once. A service with a table reads user.deleted by itself. "
                + _NOTHING,
            )
        if len({event_type.partition(".")[0] for event_type in self.projects}) > 1:
            raise StepError(
                "A projection is about one kind of thing.", f"Name types of one: order.*, say. {_NOTHING}"
            )
        if any(event_type.startswith("user.") for event_type in self.projects):
            raise StepError(
                "The archive, which a projection is rebuilt from, has no event about users.",
                f"Read them with CONSUMES, and see the notifications service. {_NOTHING}",
            )
        if self.projects and "archive" not in services():
            raise StepError(
                "A projection is rebuilt from the archive of events, and this tree has none.",
                f"Leave PROJECTS out, and read the events with CONSUMES. {_NOTHING}",
            )

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """The variables of the templates."""
        aggregate = self.projects[0].partition(".")[0] if self.projects else ""
        one = self.one
        return {
            "package": self.package,
            "Service": camel(self.package),
            "service_slug": self.name,
            "words_of_service": words_of(self.package),
            "path": f"/{self.name}",
            "thing": one,
            "Thing": camel(one),
            "Things": camel(self.package),
            "word": words_of(one),
            "words": words_of(self.package),
            "a_word": with_article(words_of(one)),
            "A_word": with_article(words_of(one)).capitalize(),
            "prefix": one.replace("_", "")[:3],
            "example_id": f"{one.replace('_', '')[:3]}_{uuid5(NAMESPACE_URL, f'{one}/example').hex}",
            "namespace": str(uuid5(NAMESPACE_URL, f"cartwright/{self.package}/{one}")),
            "routes": self.routes,
            "table": self.has_table,
            "steps": self.steps,
            "schedule": self.schedule,
            "consumes": self.consumes,
            "projects": self.projects,
            "follows": bool(self.follows),
            "followed": self.follows,
            "projected": aggregate,
            "Projected": camel(aggregate),
            "projected_aggregate": words_of(aggregate),
            "follow_stores": [
                *([f"known_{aggregate}_store"] if aggregate else []),
                *([f"{one}_store"] if self.has_table else []),
            ],
        }

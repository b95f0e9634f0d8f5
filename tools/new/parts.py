"""A route, an event or a consumer of an existing service."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from tools.console import StepError
from tools.new import example_events
from tools.new.changes import Changes
from tools.new.rendering import rendered, words_of
from tools.new.service import log_alone, subscriptions_of, with_queue
from tools.new.template_text import TEMPLATE, section_of, with_part
from tools.services import camel, services

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_PATH = re.compile(r"(/([a-z][a-z0-9-]*|\{[a-z][a-z0-9_]*\}))+")
_TYPE = re.compile(r"([a-z]+(?:_[a-z]+)*)\.([a-z]+(?:_[a-z]+)*)")


def _require_service(name: str) -> None:
    if name not in services():
        raise StepError(
            f"There is no service {name}.", f"There are {', '.join(services())}. Nothing was changed."
        )


def _require(pattern: re.Pattern[str], text: str, what: str) -> None:
    if not pattern.fullmatch(text):
        raise StepError(f"{text!r} is no {what}.", "`--help` shows an example. Nothing was changed.")


@dataclass(frozen=True)
class Route:
    """A route that reads: `GET path`, by the function `operation` of the service's API."""

    service: str
    path: str
    operation: str
    access: str

    def changes(self) -> Changes:
        """The function with its view, its event in the template, and a test."""
        _require_service(self.service)
        _require(_PATH, self.path, "path of a route")
        _require(_NAME, self.operation, "name of a function")
        changes, module = Changes(), f"services/{self.service}/{self.service}/functions/api.py"
        template = changes.text(TEMPLATE)
        function = f"{camel(self.service)}ApiFunction"
        if f"\n  {function}:\n" not in template:
            raise StepError(
                f"{self.service} has no API.",
                "`make new-service` makes one with routes. Nothing was changed.",
            )
        code = changes.text(module)
        taken = re.search(rf'Path: "?{re.escape(self.path)}"?, Method: GET', template)
        if taken or f"def {self.operation}(" in code:
            raise StepError(
                f"{self.service} has GET {self.path} or {self.operation} already.", "Nothing was changed."
            )
        parameters = re.findall(r"\{(\w+)\}", self.path)
        values = {
            "package": self.service,
            "tag": self.service,
            "path": self.path,
            "method": "get",
            "powertools_path": re.sub(r"\{(\w+)\}", r"<\1>", self.path),
            "filled_path": re.sub(r"\{(\w+)\}", r"\1_1", self.path),
            "parameters": parameters,
            "operation": self.operation,
            "summary": f"{words_of(self.operation).capitalize()}.",
            "View": f"{camel(self.operation)}View",
            "access": self.access,
        }
        view, _, route = rendered("route.py", values).partition("@app.")
        code = code.replace(
            "\nhandler = api_handler(", f"\n@app.{route.strip()}\n\n\nhandler = api_handler(", 1
        )
        code = code.replace("\napp = api_resolver()\n", f"\napp = api_resolver()\n\n\n{view.strip()}\n", 1)
        changes.replace(module, _importing(code, _NEEDED_BY_A_ROUTE))
        changes.add(
            f"tests/component/{self.service}/test_{self.operation}.py", rendered("test_route.py", values)
        )
        event = (
            f"        {camel(self.operation)}:\n          Type: Api\n"
            f'          Properties: {{RestApiId: !Ref Api, Path: "{self.path}", Method: GET{self._authorizer}}}\n'
        )
        place = template.index("      Events:\n", template.index(f"\n  {function}:\n")) + len(
            "      Events:\n"
        )
        template = template[:place] + event + template[place:]
        changes.replace(TEMPLATE, self._with_path(template))
        return changes

    @property
    def _authorizer(self) -> str:
        return ", Auth: {Authorizer: NONE}" if self.access == "ANYONE" else ""

    def _with_path(self, template: str) -> str:
        """The template with HEAD and OPTIONS of the path, if no other method has brought them."""
        begin = template.index("      DefinitionBody:\n")
        paths = template[begin : template.index("\n      Auth:\n", begin)]
        named = self.path if "{" not in self.path else f'"{self.path}"'
        if f"          {named}:" in paths:
            raise StepError(
                f"{self.path} has other methods.", "Add GET by hand, beside them. Nothing was changed."
            )
        place = begin + len(paths) + 1
        return template[:place] + self._head(named, paths) + template[place:]

    def _head(self, named: str, paths: str) -> str:
        """The path's HEAD and OPTIONS: as another path of the service has them for the same callers, or in full."""
        is_open = self.access == "ANYONE"
        for found in re.finditer(rf"head: &(head-{self.service}[\w-]*)\n((?: {{14,}}.*\n)+)", paths):
            if ("security:" in found[2]) is is_open:
                return f"          {named}: {{head: *{found[1]}, options: *preflight}}\n"
        return rendered(
            "template/head_of_path.yaml", {"path": named, "Service": camel(self.service), "is_open": is_open}
        )


@dataclass(frozen=True)
class NewEvent:
    """A type of event that the service publishes."""

    service: str
    event_type: str
    meaning: str

    def changes(self) -> Changes:
        """The payload class in the service's `domain/events.py`."""
        _require_service(self.service)
        _require(_TYPE, self.event_type, "type of event")
        if self.event_type in example_events.known_types():
            raise StepError(f"{self.event_type} is published already.", "Nothing was changed.")
        aggregate, happened = self.event_type.split(".")
        changes, module = Changes(), f"services/{self.service}/{self.service}/domain/events.py"
        if '"""' in self.meaning or not self.meaning.strip():
            raise StepError("The meaning is a sentence.", "Nothing was changed.")
        added = rendered(
            "event.py",
            {
                "Event": f"{camel(aggregate)}{camel(happened)}",
                "event_type": self.event_type,
                "meaning": self.meaning.strip().rstrip(".") + ".",
                "aggregate": aggregate,
                "aggregate_words": words_of(aggregate),
                "example_id": f"{aggregate[:3]}_{uuid5(NAMESPACE_URL, f'{aggregate}/example').hex}",
            },
        )
        code = _importing(changes.text(module), _NEEDED_BY_AN_EVENT)
        if f"class {camel(aggregate)}{camel(happened)}(" in code:
            raise StepError(f"{module} has the class already.", "Nothing was changed.")
        changes.replace(module, code.rstrip("\n") + "\n" + added)
        return changes


@dataclass(frozen=True)
class Consumer:
    """A consumer of the service: the module `name`, with a queue of its own."""

    service: str
    name: str
    events: Sequence[str]

    def changes(self) -> Changes:
        """The function with its queue, its dead letters, its subscription, its example and a test."""
        _require_service(self.service)
        _require(_NAME, self.name, "name of a module")
        example_events.require_known(self.events)
        changes = Changes()
        service, consumer = camel(self.service), f"{camel(self.service)}{camel(self.name)}"
        values = {
            "package": self.service,
            "module": self.name,
            "events": self.events,
            "Service": service,
            "consumer": self.name,
            "Consumer": camel(self.name),
            "consumer_description": f"Follows {', '.join(self.events)}",
            "consumer_timeout": 0,
            "consumer_tables": {},
            "consumer_grants": [],
            "consumer_subscriptions": subscriptions_of(consumer, self.events),
            "latest": example_events.latest_versions(),
        }
        package = f"services/{self.service}/{self.service}"
        changes.add(f"{package}/functions/{self.name}.py", rendered("consumer.py", values))
        changes.add(
            f"tests/component/{self.service}/test_{self.name}_consumer.py",
            rendered("test_consumer.py", values),
        )
        example = example_events.batch(self.events, f"{consumer}Queue")
        changes.add(f"events/{self.service}_{self.name}.json", example_events.written(example))
        text = changes.text(TEMPLATE)
        title = words_of(self.service).upper()
        anchor = log_alone(self.service.replace("_", "-"), first=False).removeprefix("*")
        start, _ = section_of(text, title)
        defined = text.find(f"&{anchor} ", start)
        first = f"{{Effect: Deny, Action: *logging, NotResource: !GetAtt {service}LogGroup.Arn}}"

        def part(statement: str) -> str:
            section = rendered("template/consumer.yaml", {**values, "log_alone": statement})
            return with_part(text, title, "Consumers", section)

        # An alias may stand only behind its anchor.
        by_alias = part(f"*{anchor}")
        text = by_alias if 0 <= defined < by_alias.index(f"  {consumer}Function:") else part(first)
        changes.replace(TEMPLATE, with_queue(text, consumer, self.events))
        page = changes.text("docs/operations.md")
        place = page.index("\n| `JobsStart` |") + 1
        row = f"| `{consumer}` | what follows from {', '.join(f'`{event}`' for event in self.events)} is late |\n"
        changes.replace("docs/operations.md", page[:place] + row + page[place:])
        return changes


_NEEDED_BY_A_ROUTE = (
    "from typing import Annotated",
    "from aws_lambda_powertools.event_handler.openapi.params import Path",
    "from pydantic import BaseModel, Field",
    "from shared.access import Access",
    "from shared.api import contract",
    "from shared.clock import timestamp, utc_now",
    "from shared.text import RESOURCE_ID",
)
_NEEDED_BY_AN_EVENT = (
    "from typing import Annotated",
    "from shared.events import Payload",
    "from shared.record import About",
)


def _importing(code: str, lines: Sequence[str]) -> str:
    """`code` with these imports behind its docstring; ruff joins them with the others, and drops what is not used."""
    end = code.index('"""', 3) + 3
    return code[:end] + "\n" + "\n".join(lines) + code[end:]

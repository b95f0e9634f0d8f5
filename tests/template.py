"""What the template says there is: functions, their routes, and the statuses that each route documents."""

import importlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from shared.api import routes_of
from tools.contracts.template import resources, template
from tools.settings import REGION, REPOSITORY

EVENTS = REPOSITORY / "events"
_PUBLIC_API = "Api"
# The methods of a route for any method, but OPTIONS, which API Gateway answers itself.
_EVERY_METHOD = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Route:
    """A route of one of the template's REST APIs."""

    method: str
    path: str
    function: str
    api: str
    needs_token: bool
    """Whether API Gateway asks Cognito before it calls the function."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def is_public(self) -> bool:
        """Whether it belongs to the shop's own API, not to that of the payment provider's sandbox."""
        return self.api == _PUBLIC_API

    def url(self, **parameters: str) -> str:
        """The path with its parameters filled in; "none-such" for a missing one."""
        return re.sub(r"\{(\w+)\+?\}", lambda name: parameters.get(name[1], "none-such"), self.path)


@dataclass(frozen=True)
class Function:
    """A function of the template, by its name there."""

    name: str
    handler: str
    routes: tuple[Route, ...]

    def __str__(self) -> str:
        return self.name

    @property
    def examples(self) -> tuple[str, ...]:
        """The file names of its example events: orders_erase.json for OrdersEraseFunction; for a function of several
        steps one for each, such as orders_steps_confirm.json. They come in the order of the order's state
        machines, so that a compensation's example undoes what was done before."""
        words = re.findall(r"[A-Z][a-z0-9]*", self.name.removesuffix("Function"))
        stem = "_".join(words).lower()
        of_steps = self.handler.endswith(".functions.steps.handler")
        steps = [path.name for path in EVENTS.glob(f"{stem}_*.json")] if of_steps else []
        return tuple(sorted(steps, key=_place_in_saga)) or (f"{stem}.json",)

    def documented(self, variables: Mapping[str, str]) -> dict[tuple[str, str], set[int]]:
        """The statuses that each of its routes documents, by method and path; none of a route without a contract.

        `variables` are the function's environment variables, without which its modules are not imported.
        """
        with patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION, **variables}):
            app: Any = importlib.import_module(self.handler.removesuffix(".handler")).app
        return {
            (route.method, str(route.path).replace("<", "{").replace(">", "}")): {
                int(s) for s in route.responses or {}
            }
            for route in routes_of(app)
        }


def functions() -> list[Function]:
    """All functions, in the template's order."""
    return [
        Function(name, resource["Properties"]["Handler"], tuple(_routes(name, resource["Properties"])))
        for name, resource in resources().items()
        if resource["Type"] == "AWS::Serverless::Function"
    ]


def examples() -> list[tuple[Function, str]]:
    """Each function with each of its example events, in the template's order."""
    return [(function, name) for function in functions() for name in function.examples]


def _place_in_saga(example: str) -> tuple[int, str]:
    """Sorts examples as the order's machines run their steps: after its compensation a step does nothing any more."""
    step = json.loads((EVENTS / example).read_text())["step"]
    machines = [REPOSITORY / "statemachines" / f"order_{name}.asl.json" for name in ("saga", "cancellation")]
    return "".join(path.read_text() for path in machines).find(f'"step": "{step}"'), example


def _routes(function: str, properties: dict[str, Any]) -> list[Route]:
    found = []
    for event in properties.get("Events", {}).values():
        if event["Type"] != "Api":
            continue
        route = event["Properties"]
        api = route["RestApiId"]["Ref"]
        default = resources()[api]["Properties"].get("Auth", {}).get("DefaultAuthorizer", "NONE")
        authorizer = route.get("Auth", {}).get("Authorizer", default)
        named = route["Method"].upper()
        methods = _EVERY_METHOD if named == "ANY" else (named,)
        found += [Route(method, route["Path"], function, api, authorizer != "NONE") for method in methods]
    return [*found, *(route for route in defined_routes() if route.function == function)]


def defined_routes() -> list[Route]:
    """The routes that stand in the definition of the shop's API, without an event of their function.

    HEAD is left out, since it belongs to GET. So is the route of any method, which answers what no other route does.
    """
    paths = resources()[_PUBLIC_API]["Properties"]["DefinitionBody"]["paths"]
    return [
        Route(method.upper(), path, function_of(operation), _PUBLIC_API, "security" not in operation)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method.upper() in set(_EVERY_METHOD) - {"HEAD"}
    ]


def function_of(operation: Mapping[str, Any]) -> str:
    """The function that the integration of an operation in the API's definition calls."""
    uri = operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
    return str(uri).partition("${AWS::Region}")[2].partition("${")[2].partition(".Arn}")[0]


def parameters(environment: str) -> dict[str, str]:
    """The values of the template's parameters in an environment of samconfig.toml."""
    config = tomllib.loads((REPOSITORY / "samconfig.toml").read_text())[environment]
    given: dict[str, str] = {}
    for command in ("global", "deploy"):
        overrides = config.get(command, {}).get("parameters", {}).get("parameter_overrides", "")
        given |= dict(entry.split("=", 1) for entry in overrides.split())
    return {name: str(each["Default"]) for name, each in template()["Parameters"].items()} | given

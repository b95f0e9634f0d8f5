"""Gives the functions of the running embedded cloud the code of the working tree, without `sam`.

A service's code goes to its functions by `UpdateFunctionCode`. The package `shared` goes to functions as a second,
small layer. Lambda unpacks layers in their order, so its files replace those of the first one.
CloudFormation does not see that. `undo` takes it back after the next deployment.
"""

import json
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.cloud import deployed, packages
from tools.cloud.parts import SHARED, STACK
from tools.console import StepError
from tools.server_record import Server
from tools.settings import REPOSITORY
from tools.stack import Stack

BUILD = REPOSITORY / ".aws-sam" / "build"
_LAYER = "shared-synced"
_AT_ONCE = 4


@dataclass(frozen=True)
class Function:
    """A deployed function: its physical name, its built package, its handler, its variables and its layers."""

    name: str
    built: Path
    handler: str
    variables: Mapping[str, str]
    layers: tuple[str, ...]

    @property
    def service(self) -> str:
        """The service whose package it runs."""
        return self.handler.partition(".")[0]

    @property
    def module(self) -> str:
        """The module that Lambda imports."""
        return self.handler.rpartition(".")[0]


def functions(stack: Stack) -> list[Function]:
    """The stack's functions; raises StepError if there is no build of them."""
    try:
        template = json.loads((BUILD / "template.yaml").read_text())
    except (FileNotFoundError, ValueError):
        raise StepError("The functions were not built.", "Run `make up`.") from None
    built = {
        stack.resources[name]: BUILD / resource["Properties"]["CodeUri"]
        for name, resource in template["Resources"].items()
        if name in stack.resources and resource["Type"] == "AWS::Serverless::Function"
    }
    pages = stack.client("lambda").get_paginator("list_functions").paginate()
    return [
        Function(
            name=found["FunctionName"],
            built=built[found["FunctionName"]],
            handler=found["Handler"],
            variables=found.get("Environment", {}).get("Variables", {}),
            layers=tuple(layer["Arn"] for layer in found.get("Layers", [])),
        )
        for page in pages
        for found in page["Functions"]
        if found["FunctionName"] in built
    ]


def sync(
    server: Server,
    stack: Stack,
    wanted: dict[str, str],
    code: Collection[Function],
    shared: Collection[Function],
) -> None:
    """Gives the functions `code` their service's code of the tree, and the functions `shared` the package `shared`.

    Then the cloud has the parts `wanted`, with these digests. Raises SyntaxError before it changes anything.
    """
    assert STACK not in wanted
    layer = packages.of_shared() if shared or SHARED in wanted else b""
    built = {function.name: packages.of_service(function.service, function.built) for function in code}
    record = deployed.of(server).begin(wanted)
    client = stack.client("lambda")
    _for_each(code, lambda one: client.update_function_code(FunctionName=one.name, ZipFile=built[one.name]))
    if shared:
        _put_on_top(stack, shared, layer)
    record.end(wanted)


def undo(stack: Stack, synced: Collection[str]) -> None:
    """Gives the functions what CloudFormation takes for deployed, if these parts were synced."""
    if not synced:
        return
    client = stack.client("lambda")
    for function in functions(stack):
        if function.service in synced:
            client.update_function_code(FunctionName=function.name, ZipFile=packages.of_build(function.built))
        declared = _declared(stack, function)
        if len(declared) < len(function.layers):
            client.update_function_configuration(FunctionName=function.name, Layers=declared)


def _put_on_top(stack: Stack, some_functions: Collection[Function], layer: bytes) -> None:
    client: Any = stack.client("lambda")
    version = client.publish_layer_version(
        LayerName=_layer_name(stack), Content={"ZipFile": layer}, CompatibleRuntimes=["python3.13"]
    )["LayerVersionArn"]
    _for_each(
        some_functions,
        lambda one: client.update_function_configuration(
            FunctionName=one.name, Layers=[*_declared(stack, one), version]
        ),
    )


def _for_each(some_functions: Collection[Function], update: Callable[[Function], object]) -> None:
    """Updates the functions side by side, the API's first: a request waits for them alone."""
    first_the_api = sorted(some_functions, key=lambda one: not one.module.endswith(".api"))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(update, first_the_api))


def _declared(stack: Stack, function: Function) -> list[str]:
    return [layer for layer in function.layers if f":{_layer_name(stack)}:" not in layer]


def _layer_name(stack: Stack) -> str:
    return f"{stack.name}-{_LAYER}"

"""`python -m tools outputs`: the addresses and names of a stack."""

import argparse
import json

from tools.command_line import Subcommands, add_command, add_stack_option
from tools.stack import Stack


def register(subcommands: Subcommands) -> None:
    """Registers `outputs`."""
    parser = add_command(
        subcommands, "outputs", _outputs, description="show addresses and names of the deployed stack"
    )
    parser.add_argument("--json", action="store_true", help="as a JSON object")
    add_stack_option(parser)


def _outputs(arguments: argparse.Namespace) -> None:
    stack = Stack.named(arguments.stack, arguments.region)
    values = dict(stack.outputs)
    if not stack.is_on_aws:
        values |= {"LocalApiUrl": stack.api_url, "LocalEndpoint": stack.endpoint}
    if arguments.json:
        print(json.dumps(values, indent=2))
        return
    width = max(map(len, values))
    for name, value in values.items():
        print(f"{name:<{width}}  {value}")

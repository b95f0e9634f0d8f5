"""Spares botocore and moto work that repeats, and changes none of their answers.

**Clients are made once**, since that takes longer than most calls of one, and moto answers any client.

**Names of attributes are made up once.** moto looks for each member of AWS's model under several names. It makes them
up anew for each member of each answer, and for a dictionary they depend on the model alone.

**State machines are parsed once.** moto parses a definition whenever one is made, checked or started.

**A key is read once.** Each of moto's user pools reads the same private key, and finds its prime factors anew.

**The methods of a class are listed once**, not for each request. **moto's 1,288 answers to other libraries are made
once**, not for each account.

**A transaction copies what it changes**, not all items of its tables. An update changes a copy of its item. So moto
finds the item as it was, if the transaction fails.

**An update's clauses are counted once**, at the root of its expression, and not again at each node below it. **What a
pass through the expression looks for is asked once**, not at each node.
"""

import copy
import os
from collections import defaultdict
from functools import cache
from typing import Any

from botocore.session import Session
from joserfc.jwk import RSAKey
from moto.core import models, responses
from moto.core.serialize import AttributePickerContext, ResponseSerializer, XFormedAttributePicker
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node  # type: ignore[attr-defined]
from moto.dynamodb.parsing.validators import ActionCountValidator
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor

_NAMES = "names_in_dictionaries"
_ENVIRONMENT = (
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_LAMBDA_FUNCTION_NAME",
)


def install() -> None:
    """Takes the shortcuts."""
    for owner, name, shortcut in (
        (Session, "create_client", _made_once),
        (ResponseSerializer, "get_value", _value_of_member),
        (AmazonStateLanguageParser, "parse", _parsing_once),
        (RSAKey, "import_key", _reading_once),
        (responses, "method_names_from_class", cache),
        (models, "CallbackResponse", cache),
        (DynamoDBBackend, "update_item", _updating_a_copy),
        (DepthFirstTraverser, "traverse_node_recursively", _visiting_with_known_kinds),
        (ActionCountValidator, "traverse", lambda _: ActionCountValidator.verify_action_counts),
    ):
        setattr(owner, name, shortcut(getattr(owner, name)))
    Table.__deepcopy__ = _with_the_same_items  # type: ignore[attr-defined]


def _made_once(make: Any) -> Any:
    made: dict[str, Any] = {}

    def create_client(session: Any, *service: str, **options: Any) -> Any:
        """The same client for the same settings; boto3 has another session for each pretended account."""
        config = options.get("config")
        credentials = session._credentials
        text = repr(
            (
                *map(os.environ.get, _ENVIRONMENT),
                (session.user_agent_name, session.get_config_variable("region")),
                credentials and (credentials.access_key, credentials.token),
                (service, sorted((name, value) for name, value in options.items() if name != "config")),
                config and sorted(config._user_provided_options.items()),
            )
        )
        if text not in made:
            made[text] = make(session, *service, **options)
        return made[text]

    return create_client


def _value_of_member(find: Any) -> Any:
    def get_value(serializer: Any, value: Any, key: str, shape: Any) -> Any:
        picker = serializer._value_picker
        if type(value) is not dict or type(picker) is not XFormedAttributePicker:
            return find(serializer, value, key, shape)
        if picker.response_transformers:
            return find(serializer, value, key, shape)
        for name in _names_of(picker, value, key, shape):
            if name in value:
                return value[name]
        return None

    return get_value


def _names_of(picker: Any, value: Any, key: str, shape: Any) -> tuple[str, ...]:
    """The member's possible names in a dictionary. The member of the model keeps them, since it is made once."""
    kept: dict[str, tuple[str, ...]] = vars(shape).setdefault(_NAMES, {})
    if key not in kept:
        context = AttributePickerContext(obj=value, key=key, shape=shape)
        kept[key] = tuple(dict.fromkeys(picker.get_possible_keys(context)))
    return kept[key]


def _parsing_once(parse: Any) -> Any:
    @cache
    def tree_of(definition: str) -> Any:
        _, tree = parse(definition)
        return tree

    def program_and_tree(definition: str) -> tuple[Any, Any]:
        tree = tree_of(definition)
        return Preprocessor().visit(tree), tree

    return staticmethod(program_and_tree)


def _reading_once(import_key: Any) -> Any:
    read: dict[str, Any] = {}

    def import_once(value: Any, *args: Any, **options: Any) -> Any:
        text = repr((value, args, options))
        if text not in read:
            read[text] = import_key(value, *args, **options)
        return read[text]

    return import_once


def _with_the_same_items(table: Any, _memo: Any) -> Any:
    """The copy of a table that moto restores if a transaction fails. Nothing changes an item in its place any more."""
    twin = copy.copy(table)
    twin.items = defaultdict(dict)
    for key, held in table.items.items():
        twin.items[key] = dict(held) if isinstance(held, dict) else held
    if table.stream_shard is not None:
        twin.stream_shard = copy.copy(table.stream_shard)
        twin.stream_shard.table, twin.stream_shard.items = twin, list(table.stream_shard.items)
    return twin


def _updating_a_copy(update: Any) -> Any:
    def update_item(backend: Any, table_name: str, key: Any, *args: Any, **options: Any) -> Any:
        table = backend.get_table(table_name)
        partition, place = backend.get_keys_value(table, key)
        items = table.items[partition] if place else table.items
        if (place or partition) in items:
            items[place or partition] = copy.deepcopy(items[place or partition])
        return update(backend, table_name, key, *args, **options)

    return update_item


def _visiting_with_known_kinds(_visit: Any) -> Any:
    def traverse_node_recursively(traverser: Any, node: Any, child_id: int = -1) -> Any:
        kinds = traverser.nodes_to_be_processed()

        def visit(node: Any, child_id: int) -> Any:
            if not isinstance(node, Node):
                return node
            parent = node.parent
            for position, child in enumerate(node.children or ()):
                traverser.pre_processing_of_child(node, position)
                visit(child, position)
            if isinstance(node, kinds):
                node = traverser.process(node)
                node.parent = parent
                if parent:
                    parent.children[child_id] = node
            return node

        return visit(node, child_id)

    return traverse_node_recursively

"""Spares botocore and moto work that repeats, and changes none of their answers.

**Clients are made once**, since that takes longer than most calls of one, and moto answers any client.

**Names of attributes are made up once.** moto looks for each member of AWS's model under several names. It makes them
up anew for each member of each answer, and for a dictionary they depend on the model alone.

**State machines are parsed once.** moto parses a definition whenever one is made, checked or started.

**A key is read once.** Each of moto's user pools reads the same private key, and finds its prime factors anew.

**The methods of a class are listed once**, not for each request.
"""

import os
from functools import cache
from typing import Any

from botocore.session import Session
from joserfc.jwk import RSAKey
from moto.core import responses
from moto.core.serialize import AttributePickerContext, ResponseSerializer, XFormedAttributePicker
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
    ):
        setattr(owner, name, shortcut(getattr(owner, name)))


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

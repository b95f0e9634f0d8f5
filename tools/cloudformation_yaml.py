"""Reads CloudFormation's YAML, whose short forms of intrinsic functions (`!Ref`) plain YAML does not know."""

from typing import Any

import yaml

_WITHOUT_PREFIX = frozenset({"Ref", "Condition"})


class _Loader(yaml.CSafeLoader):
    """Knows CloudFormation's tags. libyaml reads ten times as fast as PyYAML's own parser."""


def _intrinsic(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    match node:
        case yaml.ScalarNode():
            value = loader.construct_scalar(node)
            if name == "GetAtt":
                value = value.split(".", 1)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            value = loader.construct_mapping(node, deep=True)
    return {name if name in _WITHOUT_PREFIX else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def read_yaml(text: str) -> Any:
    """The document, in which each short form is a mapping: `!Ref Name` is `{"Ref": "Name"}`, as in JSON."""
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()

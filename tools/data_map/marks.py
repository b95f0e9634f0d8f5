"""The marks of personal data in the code: the fields of a class, each with the kind that its mark names."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAliasType, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from shared.record import Personal

type Field = tuple[str, Personal | None]
"""The path of a value, as `parcel.address.city` or `lines.[].sku`, and its kind if it is marked."""


def fields_of(kind: Any) -> Iterator[Field]:
    """The values that a class holds at any depth: a record, another dataclass, or a pydantic model."""
    yield from _within(kind, "", None)


def _within(kind: Any, path: str, mark: Personal | None) -> Iterator[Field]:
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, TypeAliasType):
        yield from _within(kind.__value__, path, mark)
    elif origin is Annotated:
        own = next((note for note in inner[1:] if isinstance(note, Personal)), mark)
        yield from _within(inner[0], path, own)
    elif origin in {Union, UnionType}:
        for member in inner:
            if member is not NoneType:
                yield from _within(member, path, mark)
    elif origin in {list, tuple, frozenset, set}:
        yield from _within(inner[0], _joined(path, "[]"), mark)
    elif origin is dict:
        yield from _within(inner[1], _joined(path, "*"), mark)
    elif isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, BaseModel)):
        hints = get_type_hints(kind, include_extras=True)
        for name in _names(kind):
            yield from _within(hints[name], _joined(path, name), mark)
    else:
        yield path, mark


def _names(kind: Any) -> list[str]:
    if is_dataclass(kind):
        return [field.name for field in fields(kind)]
    return list(kind.model_fields)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name

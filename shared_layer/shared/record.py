"""Records that only our own code writes: stored items, events, and what a state machine passes on.

They are plain dataclasses, because a function that needs no pydantic starts faster. Pydantic stands at the edges:
requests, answers, and the messages of others. A record may be a field of a pydantic model, and pydantic makes its
schema. The methods have pydantic's names, since they do the same:

    class Parcel(Record):
        country: Annotated[str, About(description="ISO 3166-1 alpha-2 code", examples=["DE"])]
        pieces: Annotated[int, About(ge=1)]

    parcel = Parcel.model_validate(item)

A constructor checks no types, as of any dataclass; the type checker does. `model_validate` and `check` check.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields, replace
from datetime import datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    ClassVar,
    Self,
    TypeAliasType,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

from shared.errors import PermanentError

type _Read = Callable[[Any], Any]


class ValidationError(PermanentError):
    """The values are none of the record's; the message says where and why, without them.

    It has the name of pydantic's error, which the state machines and the reasons of dead letters know.
    """

    def __init__(self, reason: str, *place: str | int) -> None:
        super().__init__(f"{'.'.join(map(str, place))}: {reason}" if place else reason)
        self.reason = reason
        self.place = place

    def within(self, *outer: str | int) -> "ValidationError":
        """The same, of a record that stands at the place `outer` in another."""
        return ValidationError(self.reason, *outer, *self.place)


PERSONAL: Mapping[str, Any] = {"x-personal-data": True}
"""Stands in the schema of each value that is personal."""


class Personal(Enum):
    """An annotation of a field, of a record or of a pydantic model: its value is personal, and of this kind.

    The schemas show it, and `python -m tools data-map` makes the map of all personal data from it. A service that
    stores the value deletes it on `user.deleted`, or the map says why it stays.
    """

    NAME = "name"
    MAIL_ADDRESS = "mail address"
    POSTAL_ADDRESS = "postal address"
    PAYMENT_TOKEN = "payment token"  # noqa: S105 # nosec B105 - the name of the kind
    PASSWORD = "password"  # noqa: S105 # nosec B105 - the same
    ACCOUNT_ID = "account id"
    LANGUAGE = "language"
    DIGEST = "digest of personal data"

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """For pydantic: the field's JSON Schema, with the mark."""
        return {**handler(schema), **PERSONAL}


@dataclass(frozen=True, kw_only=True)
class About:
    """An annotation of a record's field: its limits, and what its schema says to people."""

    description: str | None = None
    examples: list[Any] = field(default_factory=list)
    ge: int | None = None
    gt: int | None = None
    min_length: int | None = None
    json_schema_extra: Mapping[str, Any] = field(default_factory=dict)

    def check(self, value: Any) -> None:
        """Raises ValidationError if the value is beyond the limits."""
        if self.ge is not None and value < self.ge:
            raise ValidationError(f"Input should be greater than or equal to {self.ge}")
        if self.gt is not None and value <= self.gt:
            raise ValidationError(f"Input should be greater than {self.gt}")
        if self.min_length is not None and len(value) < self.min_length:
            raise ValidationError(f"Input should have at least {self.min_length} characters")

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """For pydantic: the field's own schema with the limits."""
        limits = {"ge": self.ge, "gt": self.gt, "min_length": self.min_length}
        return {**handler(source), **{name: limit for name, limit in limits.items() if limit is not None}}

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """For pydantic: the field's JSON Schema, with the words."""
        words = {"description": self.description, "examples": self.examples}
        said = {name: text for name, text in words.items() if text}
        return {**handler(schema), **said, **self.json_schema_extra}


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
class Record:
    """Base of a record: each subclass is a frozen dataclass, whose fields are given by name."""

    # An error that is logged must not repeat personal data; for pydantic, which reads it as a model's `model_config`.
    __pydantic_config__: ClassVar[Any] = {"hide_input_in_errors": True}

    # By name, in the order of the fields: the default, or None without one; and what makes a default anew.
    _defaults: ClassVar[dict[str, Any]] = {}
    _factories: ClassVar[dict[str, Callable[[], Any]]] = {}
    _required: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        if "__annotations__" in cls.__dict__:
            # All records share the methods below. Python would compile a class's own at each start of a function.
            dataclass(init=False, repr=False, eq=False, kw_only=True)(cls)
            own: tuple[Field[Any], ...] = fields(cls)  # type: ignore[arg-type]
            cls._defaults = {entry.name: None if entry.default is MISSING else entry.default for entry in own}
            cls._factories = {
                entry.name: entry.default_factory for entry in own if entry.default_factory is not MISSING
            }
            cls._required = frozenset(entry.name for entry in own if _is_required(entry))

    def __init__(self, **values: Any) -> None:
        """Takes the fields by name; raises TypeError if one is missing or unknown."""
        held = vars(self)
        held.update(self._defaults)
        for name, make in self._factories.items():
            held[name] = make()
        held.update(values)
        if not self._required <= values.keys() or len(held) > len(self._defaults):
            wrong = sorted((self._required - values.keys()) | (values.keys() - self._defaults.keys()))
            raise TypeError(f"{type(self).__name__}: missing or unknown: {', '.join(wrong)}")
        self.__post_init__()

    def __post_init__(self) -> None:
        """For a subclass that checks its values."""

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        held = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__qualname__}({held})"

    @classmethod
    def model_validate(cls, values: Any) -> Self:
        """The record with these values; unknown ones are left out. Raises ValidationError."""
        read: Self = _read_record(cls, values)
        return read

    @classmethod
    def model_validate_json(cls, text: str | bytes) -> Self:
        """The same, of JSON."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError):
            # Without the cause, which holds the text.
            raise ValidationError("Invalid JSON") from None
        return cls.model_validate(values)

    def check(self) -> None:
        """Raises ValidationError if a field has another type than it says, or is beyond its limits."""
        record: Any = type(self)
        for name, (reader, _) in _readers_of(record).items():
            _at(name, reader, getattr(self, name))

    def model_dump(self, *, exclude_defaults: bool = False, exclude_none: bool = False) -> dict[str, Any]:
        """The values as JSON has them; without the fields that have their default, or None, if that is wanted."""
        kept = {}
        for entry in fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            if (exclude_none and value is None) or (exclude_defaults and _is_default(entry, value)):
                continue
            kept[entry.name] = _plain(value, exclude_defaults=exclude_defaults, exclude_none=exclude_none)
        return kept

    def model_dump_json(self) -> str:
        """The values as compact JSON."""
        return json.dumps(self.model_dump(), ensure_ascii=False, separators=(",", ":"))

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """The record with other values for the fields in `update`."""
        return replace(self, **update)  # type: ignore[type-var]


def _plain(value: Any, **exclude: bool) -> Any:
    match value:
        case Record():
            return value.model_dump(**exclude)
        case Enum():
            return value.value
        case Mapping():
            return {name: _plain(entry, **exclude) for name, entry in value.items()}
        case list() | tuple():
            return [_plain(entry, **exclude) for entry in value]
    return value


def _is_required(entry: Field[Any]) -> bool:
    return entry.default is MISSING and entry.default_factory is MISSING


def _is_default(entry: Field[Any], value: Any) -> bool:
    if entry.default_factory is not MISSING:
        return bool(value == entry.default_factory())
    return bool(value == entry.default)


def _read_record(cls: Any, values: Any) -> Any:
    if isinstance(values, cls):
        return values
    if not isinstance(values, Mapping):
        raise ValidationError("Input should be an object")
    read = {}
    for name, (reader, required) in _readers_of(cls).items():
        if name in values:
            read[name] = _at(name, reader, values[name])
        elif required:
            raise ValidationError("Field required", name)
    return cls(**read)


def _at(place: str | int, reader: _Read, value: Any) -> Any:
    try:
        return reader(value)
    except ValidationError as error:
        failure = error.within(place)
    # Not within `except`, where Python would add the same once more as its context.
    raise failure


@cache
def _readers_of(cls: Any) -> dict[str, tuple[_Read, bool]]:
    """By field: what reads its value, and whether it must be there."""
    kinds = get_type_hints(cls, include_extras=True)
    return {
        entry.name: (
            _reader_of(kinds[entry.name]),
            entry.name in cls._required,
        )
        for entry in fields(cls)
    }


def _reader_of(kind: Any) -> _Read:
    """What reads values of a type as records use them."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, TypeAliasType):
        reader = _reader_of(kind.__value__)
    elif origin is Annotated:
        reader = _checked(_reader_of(inner[0]), [note for note in inner[1:] if hasattr(note, "check")])
    elif origin in {Union, UnionType}:
        reader = _any_of([_reader_of(member) for member in inner])
    elif origin in {list, tuple}:
        reader = _list_of(_reader_of(inner[0]), origin)
    elif origin is dict:
        reader = _map_of(_reader_of(inner[1]))
    else:
        reader = _reader_of_one(kind)
    return reader


def _reader_of_one(kind: Any) -> _Read:
    if kind is Any:
        return lambda value: value
    if kind is datetime:
        return _moment
    if kind in _WORDS:
        return lambda value: _of_type(kind, value)
    if issubclass(kind, Record):
        return lambda value: _read_record(kind, value)
    return lambda value: _member(kind, value)


# In pydantic's words.
_WORDS = {
    str: "Input should be a valid string",
    int: "Input should be a valid integer",
    float: "Input should be a valid number",
    bool: "Input should be a valid boolean",
    NoneType: "Input should be null",
}


def _checked(reader: _Read, notes: list[Any]) -> _Read:
    def read(value: Any) -> Any:
        found = reader(value)
        for note in notes:
            note.check(found)
        return found

    return read


def _any_of(readers: list[_Read]) -> _Read:
    """The value as the first type reads it that can; if none can, what the first one says is wrong."""

    def read(value: Any) -> Any:
        failures = []
        for reader in readers:
            try:
                return reader(value)
            except ValidationError as error:
                failures.append(error)
        raise failures[0]

    return read


def _list_of(reader: _Read, origin: type) -> _Read:
    def read(value: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise ValidationError("Input should be a list")
        return origin(_at(position, reader, entry) for position, entry in enumerate(value))

    return read


def _map_of(reader: _Read) -> _Read:
    def read(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValidationError("Input should be an object")
        return {name: reader(entry) for name, entry in value.items()}

    return read


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValidationError("Input should be a time") from None


def _member(kind: type[Enum], value: Any) -> Enum:
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(repr(member.value) for member in kind)
        raise ValidationError(f"Input should be one of {known}") from None


def _of_type(kind: type, value: Any) -> Any:
    # A truth value is an `int` of Python's, but no number.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValidationError(_WORDS[kind])
    return value

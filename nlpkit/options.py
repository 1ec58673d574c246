"""Options: frozen dataclasses that declare type, default, meaning and check of every option once.

From them come the flags of the command line, the checks of keyword arguments, the option lists of docstrings, the TOML
that `nlpkit config` prints, and the error messages. Nothing here imports a framework.

Example:

    >>> @options
    ... class Settings(Options):
    ...     group = "network"
    ...     width: int = option("channels of the encoder", default=64, least=1)
    ...     encoder: str = option("type of the encoder", default="gru", choices=("gru", "lstm"))
    >>> Settings.create({"encoder": "lstm"})
    Settings(width=64, encoder='lstm')
    >>> Settings.create({"widht": 3})
    Traceback (most recent call last):
    ...
    nlpkit.errors.ConfigError: unknown option 'widht', did you mean 'width'? accepted: encoder, width
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import tomllib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from nlpkit.errors import ConfigError, unknown_name

T = TypeVar("T", bound="Options")
FILE = "FILE"
"""Placeholder in help texts for the name of a file, which must be readable."""
MODEL = "DIR"
"""Placeholder in help texts for a trained folder, which becomes a sub-model."""
_LARGEST = 2**31 - 1  # largest integer
_KEY = "option"  # key in the metadata of a dataclass field


@dataclasses.dataclass(frozen=True)
class Option:
    """The declaration of one option.

    Attributes:
        name: name of the option; its flag has dashes for underscores.
        kind: its type, one of bool, int, float, str, dict, ``tuple[int, ...]``, ``tuple[str, ...]``, a union of these,
            or `Any`.
        default: its default.
        meaning: its help text.
        group: its heading in help texts.
        metavar: placeholder of the value in help texts.
        choices, least, above, below, other: accepted values, see `option`.
    """

    name: str
    kind: Any
    default: Any
    meaning: str
    group: str
    metavar: str
    choices: tuple[Any, ...] = ()
    least: float | None = None
    above: float | None = None
    below: float | None = None
    other: tuple[str, ...] = ()

    @property
    def accepted(self) -> str:
        """The accepted values in words; empty if there is no limit beside the type."""
        if self.choices:
            return ", ".join(map(str, self.choices))
        least, above = _plain(self.least), _plain(self.above)
        if self.below is not None:
            return f"from {least} to below {_plain(self.below)}" if least else f"below {_plain(self.below)}"
        if self.above is not None:
            return f"above {above} and finite"
        return f"at least {least}" if least else ""

    def check(self, value: Any) -> None:
        """Raise a `ConfigError` if a value of the right type is out of range."""
        if value is None or value == self.default:
            return
        if self.choices:
            if value not in self.choices:
                raise ConfigError(unknown_name(self.name, value, self.choices))
            return
        for each in value if isinstance(value, tuple) else (value,):
            if type(each) is int and abs(each) > _LARGEST:
                shown = f"{each:.3e}" if abs(each) < 10**300 else "more than 300 digits"  # as a float it would overflow
                raise ConfigError(f"{self.name} = {shown}: must be at most {_LARGEST:,}")
            # Written so that nan fails.
            if (
                (self.least is not None and not each >= self.least)
                or (self.above is not None and not self.above < each < math.inf)
                or (self.below is not None and not each < self.below)
            ):
                raise ConfigError(f"{self.name} = {value!r}: must be {self.accepted}")


def option(
    meaning: str,
    *,
    default: Any,
    choices: Iterable[Any] = (),
    least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    metavar: str = "",
    other: Iterable[str] = (),
) -> Any:
    """Declare an option of an `Options` class.

    Args:
        meaning: help text, a noun phrase in lower case.
        default: default of the option. A plain assignment gives an inherited option another default.
        choices: the only accepted values.
        least, above, below: bounds of a number, or of each number of a tuple.
        metavar: placeholder of the value in help texts; `FILE` must be a readable file, `MODEL` a trained folder.
        other: further accepted values of an option that names a file or folder.
    """
    bounds = {"choices": tuple(choices), "least": least, "above": above, "below": below, "other": tuple(other)}
    return dataclasses.field(default=default, metadata={_KEY: {"meaning": meaning, "metavar": metavar, **bounds}})


@typing.dataclass_transform(frozen_default=True, field_specifiers=(option,))
def options(cls: type[T]) -> type[T]:
    """Class decorator that makes a frozen dataclass of options, whose docstring lists them."""
    inherited = {field.name: field for field in dataclasses.fields(cls)} if dataclasses.is_dataclass(cls) else {}
    for name in inspect.get_annotations(cls):
        value = cls.__dict__.get(name)
        if isinstance(value, dataclasses.Field):
            value.metadata = types.MappingProxyType({_KEY: {**value.metadata[_KEY], "group": cls.group}})
        elif name in inherited:
            setattr(cls, name, dataclasses.field(default=value, metadata=inherited[name].metadata))
    result = dataclasses.dataclass(frozen=True)(cls)
    result.__doc__ = f"{cls.__doc__ or ''}\n\n{result.describe()}".strip()
    return result


@dataclasses.dataclass(frozen=True)
class Options:
    """Base of settings, reading options and prediction options; see the module."""

    noun: ClassVar[str] = "option"
    """Name of an option of the class in messages."""
    group: ClassVar[str] = "options"
    """Heading of the options declared by the class itself."""

    def __post_init__(self) -> None:
        for each in self.declared():
            each.check(getattr(self, each.name))
        self.validate()

    def validate(self) -> None:
        """Check conditions on several options at once; override it, and report errors by `require`."""

    def require(self, name: str, is_right: Any, accepted: str) -> None:
        """Raise a `ConfigError` with the option, its value and the accepted values, unless the value `is_right`."""
        if not is_right:
            raise ConfigError(f"{name} = {getattr(self, name)!r}: must be {accepted}")

    @classmethod
    @functools.cache
    def declared(cls) -> tuple[Option, ...]:
        """The options of the class itself, then the inherited ones."""
        kinds = typing.get_type_hints(cls)
        every = [
            Option(field.name, kinds[field.name], field.default, **field.metadata[_KEY])
            for field in dataclasses.fields(cls)
        ]
        groups = list(dict.fromkeys(each.group for each in every))
        return tuple(sorted(every, key=lambda each: -groups.index(each.group)))

    @classmethod
    def create(cls, values: Mapping[str, Any]) -> Self:
        """Options from plain values.

        Raises:
            ConfigError: if a key is unknown (with the nearest known one), or a value has another type or is out of
                range.
        """
        known = {each.name: each for each in cls.declared()}
        for key in values:
            if key not in known:
                if not known:
                    raise ConfigError(f"unknown {cls.noun} {key!r}: there are none")
                raise ConfigError(unknown_name(cls.noun, key, known))
        return cls(**{key: convert(key, value, known[key].kind) for key, value in values.items()})

    def check_files(self) -> None:
        """Raise a `DataError` if the file of an option can't be read."""
        from nlpkit.datasets.files import check_readable

        for each in self.declared():
            value = getattr(self, each.name)
            for path in value if isinstance(value, tuple) else [value]:
                if each.metavar == FILE and isinstance(path, (str, Path)) and path and path not in each.other:
                    check_readable(path)

    def model_folders(self) -> dict[str, str]:
        """The trained folders among the values, by option."""
        named = {each: getattr(self, each.name) for each in self.declared() if each.metavar == MODEL}
        return {each.name: value for each, value in named.items() if value and value not in each.other}

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON and TOML."""
        return {k: [*v] if isinstance(v, tuple) else v for k, v in vars(self).items()}

    @classmethod
    def describe(cls) -> str:
        """A list of the options for a docstring."""
        lines = [f"    {each.name}: {each.meaning}; {_default_in_words(each)}" for each in cls.declared()]
        return "\n".join(["Options:", *lines]) if lines else ""

    def to_toml(self) -> str:
        """All values with their meanings as a TOML file for `read_settings`; defaults are comments."""
        return "".join(self._toml_lines())

    def _toml_lines(self) -> Iterator[str]:
        group = None
        yield "# Defaults stand behind a #; take it away from what you change.\n\n"
        for each in self.declared():
            if each.group != group:
                yield f"{'' if group is None else chr(10)}# {each.group.upper()}\n"
                group = each.group
            accepted = f" ({each.accepted})" if each.accepted else ""
            value = getattr(self, each.name)
            mark = "#" if value == each.default else ""
            yield f"\n# {each.meaning}{accepted}\n{mark}{each.name} = {_toml(value)}\n"


def convert(key: str, value: Any, kind: Any) -> Any:
    """A plain value in the type of an option; a `ConfigError` if that is impossible."""
    kinds = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    for each in kinds:
        if each is Any or (each is type(None) and value is None) or type(value) is each:
            return value
        if each is float and type(value) is int:
            return float(value)
        if each == tuple[int, ...]:
            items = [value] if type(value) is int else value
            if isinstance(items, (list, tuple)) and all(type(item) is int for item in items):
                return tuple(items)
        is_list = isinstance(value, (list, tuple)) and all(isinstance(item, (str, Path)) for item in value)
        if each == tuple[str, ...] and is_list:
            return tuple(map(str, value))
    names = " or ".join(_NAMES[each] for each in kinds if each is not type(None))
    raise ConfigError(f"{key} = {value!r}: expected {names}")


_NAMES = {
    str: "a string", int: "an integer", float: "a number", bool: "true or false", tuple[int, ...]: "a list of integers",
    tuple[str, ...]: "a list of strings", dict: "a table",
}  # fmt: skip


def parse_flag(each: Option, text: str) -> Any:
    """The value of a flag of the command line from its text."""
    kinds = typing.get_args(each.kind) or (each.kind,)
    return text if str in kinds or Any in kinds else convert(each.name, _parse_value(text), each.kind)


def read_settings(path: Any = None, pairs: Iterable[str] = (), kind: type[Options] | None = None) -> dict[str, Any]:
    """Plain values from a TOML file, then from ``key=value`` strings, which win. Values have the syntax of TOML.

    Quotes of strings and brackets of lists are optional: ``encoder=gru``, ``dilations=1,2,1``.

    Args:
        path: TOML file, or None.
        pairs: the strings.
        kind: class of the options; the value of a string option is always a string.

    Raises:
        ConfigError: if the file is not TOML, or a string has no ``=``.
        DataError: if the file can't be read.
    """
    settings: dict[str, Any] = {}
    of_strings = {each.name for each in kind.declared() if each.kind is str} if kind is not None else set()
    if path is not None:
        from nlpkit.datasets.files import open_bytes

        with open_bytes(path) as file:
            try:
                settings = tomllib.loads(file.read().decode("utf-8"))
            except ValueError as error:
                raise ConfigError(f"{path}: is not TOML: {error}") from None
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {pair!r}: expected key=value")
        name, text = key.strip(), text.strip()
        is_text = name in of_strings and text[:1] not in ("'", '"')
        settings[name] = text if is_text else _parse_value(text)
    return settings


def _parse_value(text: str) -> Any:
    if not text:
        return ""
    for attempt in (text, f"[{text}]" if "," in text else f"0{text}"):  # a number may begin with its point
        try:
            return tomllib.loads(f"value = {attempt}")["value"]
        except ValueError:  # not TOML, or an integer of thousands of digits
            pass
    return text


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPES)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)


_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(32), 127)}  # TOML has no control characters
_ESCAPES |= {ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n", ord("\t"): "\\t"}


def _default_in_words(each: Option) -> str:
    accepted = f"{each.accepted}; " if each.accepted else ""
    value = repr(list(each.default) if isinstance(each.default, tuple) else each.default)
    return accepted + ("" if each.default is None else f"default {value}").rstrip("; ") or "no default"


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:g}"

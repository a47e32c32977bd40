"""Tables of settings, described once: reading, checking, showing and documenting all follow from the type of a key.

A table is a frozen Struct, and a key is one annotated field of it:

    head_bytes: Annotated[int, Key("longest request head", 1024, 65_536)] = 16_384  # why this default

Known types: bool, int, float, str, Secret, a Literal of strings, another Table, a tuple of one of them (of Tables it is
an array of tables in TOML, whose keys are all optional like any other), and Mapping[str, Table]: tables whose names
people choose. Which tables exist stands in config.py. This module reads no files, and it never quotes a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import (
    Annotated,
    Final,
    Literal,
    NamedTuple,
    NoReturn,
    TypeGuard,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from elizad.errors import Problem
from elizad.ops.visible import quoted, visible

MASK: Final = "********"  # what stands for a secret wherever settings are shown
_SHOWN_CHARS: Final = 60  # of a wrong value in a problem: enough to recognise it
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


class Secret(str):
    """A string that must not be shown. `repr` is masked, so that it does not slip into a log; `str` is the secret."""

    __slots__ = ()

    def __repr__(self) -> str:
        return MASK


class Key(NamedTuple):
    """What a type alone does not say about a key.

    `low` and `high` bound a number, the length of a string in characters, or the entries of a list. `form` describes a
    string in words, and `check` raises ValueError for one that does not have it, with or without a sentence to say why.
    Of a Mapping, `high` bounds how many tables there are, and `form` and `check` are about their names.
    """

    meaning: str = ""
    low: float | None = None
    high: float | None = None
    form: str = ""
    check: Callable[[str], object] | None = None


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every table; every key has a default."""


class Row(NamedTuple):
    """One key, for people: its path, what is allowed, its default as TOML, and what it means."""

    path: str
    allowed: str
    default: str
    meaning: str


T = TypeVar("T", bound=Table)


class _Bad(Exception):
    """A value that cannot be used; what is wrong with it has been noted."""


def read(table: type[T], data: Mapping[str, object]) -> tuple[T, list[Problem]]:
    """Return the table that `data` (parsed TOML) describes, and every problem; a bad value is left at its default."""
    reader = _Reader([row.path for row in rows(table())])
    return reader.table(table, data, ""), reader.problems


def rows(table: Table, prefix: str = "") -> Iterator[Row]:
    """Every key of `table` and of the tables in it, in order; what stands in `table` counts as the default."""
    for name, annotation in _fields(type(table)).items():
        kind, key = _split(annotation)
        value = getattr(table, name)
        entry = get_args(kind)[0] if get_origin(kind) is tuple else None
        named = _named(kind)
        if isinstance(value, Table):
            yield from rows(value, prefix + name + ".")
        elif _is_table(entry):
            yield from rows(entry(), f"{prefix}{name}[].")
        elif named is not None:
            yield from rows(named(), f"{prefix}{name}.NAME.")
        else:
            yield Row(prefix + name, _expected(kind, key), json.dumps(plain(value)), key.meaning)


def plain(value: object) -> object:
    """Return `value` as TOML types, with every secret masked."""
    if isinstance(value, Table):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Secret):
        return MASK if value else ""
    if isinstance(value, tuple):
        return [_given(entry) if isinstance(entry, Table) else plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return {name: _given(entry) for name, entry in value.items()}
    return value


def _given(entry: Table) -> dict[str, object]:
    """Return an entry of an array of tables without the keys that are at their default, as people write it."""
    default = type(entry)()
    names = (name for name in entry.__struct_fields__ if getattr(entry, name) != getattr(default, name))
    return {name: plain(getattr(entry, name)) for name in names}


def masked(value: object, path: str = "") -> Iterator[str]:
    """The paths of the secrets whose text is the mask itself, as in a file that came from `plain`."""
    if isinstance(value, Table):
        for name in value.__struct_fields__:
            yield from masked(getattr(value, name), _join(path, name))
    elif isinstance(value, tuple):
        for index, entry in enumerate(value):
            yield from masked(entry, f"{path}[{index}]")
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            yield from masked(entry, _join(path, name))
    elif isinstance(value, Secret) and value == MASK:
        yield path


class _Reader:
    """One pass over parsed TOML: collects the problems, and knows all paths for the hints."""

    def __init__(self, paths: list[str]) -> None:
        self.problems: list[Problem] = []
        self._paths = paths

    def table(self, table: type[T], data: Mapping[str, object], path: str) -> T:
        kinds = _fields(table)
        found: dict[str, object] = {}
        for name, value in data.items():
            where = _join(path, name)
            if name not in kinds:
                what = "table" if isinstance(value, dict) else "key"
                self.problems.append(Problem(where, f"unknown {what}; {self._instead(name, list(kinds))}"))
                continue
            try:
                found[name] = self._value(kinds[name], value, where)
            except _Bad:
                pass  # noted; the default stands in, so that the rest can still be checked
        return table(**found)

    def _value(self, annotation: object, value: object, path: str) -> object:
        kind, key = _split(annotation)
        if not _fits(kind, key, value):
            found = _found(value, secret=_holds_secret(kind))
            hint = _did_you_mean(str(value if isinstance(value, str) else found), _choices(kind))
            self._bad(path, f"found {found}, expected {_expected(kind, key)}" + (hint and f"; {hint}"))
        if _is_table(kind):
            return self.table(kind, cast("dict[str, object]", value), path)
        if get_origin(kind) is tuple:
            return self._entries(get_args(kind)[0], cast("list[object]", value), path)
        if (named := _named(kind)) is not None:
            return self._tables(named, key, cast("dict[str, object]", value), path)
        if kind is str or kind is Secret:
            return kind(self._formed(key, cast(str, value), path, secret=kind is Secret))
        return float(cast(float, value)) if kind is float else value

    def _entries(self, annotation: object, values: list[object], path: str) -> tuple[object, ...]:
        entries = []
        for index, value in enumerate(values):
            try:
                entries.append(self._value(annotation, value, f"{path}[{index}]"))
            except _Bad:
                pass  # noted; go on to the next, and give up the list afterwards
        if len(entries) < len(values):
            raise _Bad
        return tuple(entries)

    def _tables(self, table: type[T], key: Key, values: dict[str, object], path: str) -> dict[str, T]:
        found: dict[str, T] = {}
        for name, value in values.items():
            where = _join(path, name)
            try:
                self._formed(key, name, where, secret=False)
                if not isinstance(value, dict):
                    self._bad(where, f"found {_found(value, secret=False)}, expected a table: [{path}.NAME]")
                found[name] = self.table(table, value, where)
            except _Bad:
                pass  # noted; the others can still be checked
        return found

    def _formed(self, key: Key, value: str, path: str, *, secret: bool) -> str:
        if key.check is not None:
            try:
                key.check(value)
            except ValueError as wrong:
                generic = f"found {_found(value, secret=secret)}, expected {key.form}"
                # The check's own sentence may quote the value, so a secret's is not told.
                self._bad(path, generic if secret else visible(str(wrong)) or generic)
        return value

    def _bad(self, path: str, message: str) -> NoReturn:
        self.problems.append(Problem(path, message))
        raise _Bad

    def _instead(self, name: str, known: list[str]) -> str:
        if near := _did_you_mean(name, known):
            return near
        elsewhere = [path for path in self._paths if path.rpartition(".")[2] == name]
        return _did_you_mean(elsewhere[0], elsewhere) if elsewhere else "known here: " + ", ".join(known)


def _fields(table: type[Table]) -> dict[str, object]:
    hints = get_type_hints(table, include_extras=True)
    return {name: hints[name] for name in table.__struct_fields__}


def _split(annotation: object) -> tuple[object, Key]:
    """Part `Annotated[kind, Key(...)]` into kind and Key."""
    if get_origin(annotation) is Annotated:
        kind, key = get_args(annotation)
        return kind, key
    return annotation, Key()


def _is_table(kind: object) -> TypeGuard[type[Table]]:
    return isinstance(kind, type) and issubclass(kind, Table)


def _named(kind: object) -> type[Table] | None:
    """The table that each of a Mapping's entries is; None for what is no such Mapping."""
    if get_origin(kind) is Mapping and _is_table(entry := get_args(kind)[1]):
        return entry
    return None


def _choices(kind: object) -> tuple[str, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def _fits(kind: object, key: Key, value: object) -> bool:
    """Whether a TOML value is of `kind` and within bounds; a bool is no integer, and an integer will do for a float."""
    if _is_table(kind):
        return isinstance(value, dict)
    if _named(kind) is not None:
        return isinstance(value, dict) and _within(len(value), key)
    if get_origin(kind) is tuple:
        return isinstance(value, list) and _within(len(value), key)
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in _choices(kind)
    if kind is bool:
        return isinstance(value, bool)
    if kind is int or kind is float:
        number = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
        return number and _within(cast(float, value), key)
    if kind is str or kind is Secret:
        return isinstance(value, str) and _within(len(value), key)
    raise TypeError(f"{kind} is not a type that a key may have")


def _within(measure: float, key: Key) -> bool:
    # Written so that NaN, which TOML knows, is outside every range.
    return (key.low is None or measure >= key.low) and (key.high is None or measure <= key.high)


def _expected(kind: object, key: Key) -> str:
    """What a key takes, in words: the same in a problem and in the README."""
    if _is_table(kind):
        return "a table"
    if _named(kind) is not None:
        return f"at most {key.high} tables with names of your own" if key.high else "tables with names of your own"
    if get_origin(kind) is tuple:
        least = f" of at least {key.low}" if key.low else ""
        return f"a list{least}, each entry {_expected(*_split(get_args(kind)[0]))}"
    if get_origin(kind) is Literal:
        *others, last = (quoted(choice) for choice in _choices(kind))
        return f"{', '.join(others)} or {last}"
    if kind is bool:
        return "true or false"
    if kind is str or kind is Secret:
        return key.form or "a string"
    if kind is not int and kind is not float:
        raise TypeError(f"{kind} is not a type that a key may have")
    noun = "an integer" if kind is int else "a number"
    if key.low is not None and key.high is not None:
        return f"{noun} from {key.low} to {key.high}"
    return noun


def _found(value: object, *, secret: bool) -> str:
    if isinstance(value, bool):
        return "a truth value" if secret else str(value).lower()
    if isinstance(value, str):
        return "a string" if secret else f"the string {_shown(value)}"
    if isinstance(value, int | float):
        # Python refuses to write out an integer of thousands of digits, which TOML can give in hexadecimal.
        if secret:
            return "a number"
        return str(value) if isinstance(value, float) or abs(value) < 10**18 else "a number beyond all sense"
    if isinstance(value, list):
        return "an empty list" if not value else "a list"
    return "a table" if isinstance(value, dict) else "a date or time"


def _shown(text: str) -> str:
    # What follows a "?" may be a query string, and those hold secrets.
    head, mark, _ = text.partition("?")
    return quoted(_cut(head + mark + ("…" if mark else "")))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"


def _holds_secret(kind: object) -> bool:
    return kind is Secret or any(_holds_secret(_split(inner)[0]) for inner in get_args(kind))


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    import difflib  # only needed for a mistake

    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {quoted(near[0])}?" if near else ""


def _join(path: str, name: str) -> str:
    name = name if _BARE_KEY.fullmatch(name) else quoted(_cut(name))
    return f"{path}.{name}" if path else name

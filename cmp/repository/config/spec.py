"""The language in which the keys of a configuration file are specified.

One specification (`keys.py`) gives both the loader's check (`check.py`) and the JSON Schema (`schema.py`): what one
accepts, the other accepts.  Every shape has a `noun` for "expected …, found …" and, where people read it, a `doc`.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Rule(NamedTuple):
    """What a text must look like: a regular expression for the whole of it, which Python and ECMAScript read alike.

    `explain` turns a text that breaks the rule into the error's message; `holds` are
    pieces that it must contain, unless it is empty.
    """

    regex: str
    explain: Callable[[str], str]
    holds: tuple[str, ...] = ()

    def accepts(self, text: str) -> bool:
        """Say whether a text follows the rule."""
        return bool(re.fullmatch(self.regex, text)) and (not text or all(piece in text for piece in self.holds))


class Text(NamedTuple):
    """A scalar, kept as written.

    Without a rule a number or a boolean is text too (`1.30` stays 1.30); with one, what YAML does not read as text must
    be quoted.
    """

    noun: str = "text"
    rule: Rule | None = None
    doc: str = ""


class Flag(NamedTuple):
    """`true` or `false`, without quotes."""

    doc: str = ""
    noun: str = "true or false"


class Exactly(NamedTuple):
    """One whole number."""

    number: int
    doc: str = ""

    @property
    def noun(self) -> str:
        return f"the number {self.number}"


class Choice(NamedTuple):
    """One of some words; `what` says what they are ("engine")."""

    what: str
    words: tuple[str, ...]
    doc: str = ""

    @property
    def noun(self) -> str:
        return " or ".join(f"`{word}`" for word in self.words)


class Items(NamedTuple):
    """A list of things of one shape; `is_set` refuses an empty list and repeated items."""

    noun: str
    item: Spec
    doc: str = ""
    is_set: bool = False


class Others(NamedTuple):
    """The keys that a map may have beside the known ones: any name that follows the rule."""

    name: Rule
    value: Spec


class Keys(NamedTuple):
    """A map with known keys and perhaps others.

    No value at all (`clusters:`) is an empty map, unless a key is required or the map `is_filled` (has a key at least).
    `what` names a key in "unknown …".
    """

    known: Mapping[str, Spec] = MappingProxyType({})
    others: Others | None = None
    required: tuple[str, ...] = ()
    what: str = "key"
    noun: str = "a map"
    is_filled: bool = False
    doc: str = ""

    @property
    def may_be_nothing(self) -> bool:
        return not (self.required or self.is_filled)


class Either(NamedTuple):
    """One of several shapes, told apart by being a scalar, a list or a map."""

    noun: str
    shapes: tuple[Spec, ...]
    doc: str = ""


class Switch(NamedTuple):
    """A map that has one shape if a key is there, and another if not."""

    key: str
    present: Keys
    absent: Keys
    doc: str = ""

    @property
    def noun(self) -> str:
        return self.absent.noun


Spec: TypeAlias = Text | Flag | Exactly | Choice | Items | Keys | Either | Switch

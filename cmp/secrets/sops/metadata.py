"""The metadata of an encrypted file, in whichever format, as maps, lists and texts.

The checked metadata must be those that sops uses, and sops has parsers of its own: go-yaml, Go's JSON, gopkg.in/ini.v1.
So a text that two parsers could read in two ways is refused, and not read in one of them.  Sops itself writes no such
text.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias

from cmp import yamldoc
from cmp.errors import SecretError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.yamldoc.nodes import Node

Value: TypeAlias = str | list["Value"] | dict[str, "Value"]
Metadata: TypeAlias = dict[str, Value]

KEY = "sops"
PREFIX = "sops_"  # of a dotenv file's names
# Sops writes lower-case names.  Go's JSON, and newer versions of sops in every format, ignore the case of a name.
NAME = re.compile(r"[a-z0-9_]+")
FREE = "context"  # a map whose names are the author's own

_STEP = re.compile(r"__(map|list)_")
_INDEX = re.compile(r"0|[1-9][0-9]{0,3}")
QUOTES = '"""'
_NO_SPACE = re.compile(r"[\0\x1c-\x1f]")  # Python strips some of these as space, and Go none
_INI_KEY = re.compile(r'(?:`[^`]*`|"[^"]*")?[^=:]*[=:]\s*')
_INI_SECTION = re.compile(r"\[([^\[\]]*)\]")
_INI_ENTRY = re.compile(r"([^=:\"]+)=([^#;\"']*)")


class _UnclearError(ValueError):
    """Metadata that can be read in two ways, and the reason; `line` is 0 where it is not known."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


def read(kind: str, path: str, data: bytes) -> list[Metadata]:
    """Return the metadata of each document that has some; SecretError where they can be read in no way or in two.

    `kind` is sops' name for the format of the file.
    """
    restore = f"restore the file from Git, and change it with `sops edit {path}` only"
    unreadable = "sops cannot parse this file"
    try:
        return _all(kind, data)
    except _UnclearError as error:
        what = f"the sops metadata of this file can be read in two ways: {error.problem}"
        place = f"{path}:{error.line}" if error.line else path
        failure = SecretError(what, file=place, hint=f"sops writes no such thing: {restore}")
    except yamldoc.YamlError as error:
        place = f"{path}:{error.line}"
        failure = SecretError(unreadable, file=place, hint=f"is it half-merged or cut off? {restore}")
    except (ValueError, RecursionError):  # of JSON and of UTF-8: their texts quote the file
        failure = SecretError(unreadable, file=path, hint=f"is it half-merged or cut off? {restore}")
    raise failure  # outside of the blocks above: so no other exception, which may hold the text, is its context


def _all(kind: str, data: bytes) -> list[Metadata]:
    documents = list(_READERS[kind](data))
    if not documents:
        raise _UnclearError(f"there is no `{KEY}` at the top of it")
    for metadata in documents:
        _require_clear_names(metadata)
    return documents


def _require_clear_names(value: Value, *, is_free: bool = False) -> None:
    if isinstance(value, list):
        for item in value:
            _require_clear_names(item)
    if isinstance(value, dict):
        for name, item in value.items():
            if not (is_free or NAME.fullmatch(name)):
                raise _UnclearError("a name that is not in lower case")
            _require_clear_names(item, is_free=name == FREE)


def _yaml(data: bytes) -> Iterator[Metadata]:
    from cmp.yamldoc import strict  # noqa: PLC0415  # PyYAML costs more than a bare interpreter's start

    try:
        nodes = strict.top_level(data, KEY)
    except strict.AmbiguousError as error:
        raise _UnclearError(error.problem, error.line) from None
    for node in nodes:
        value = _of_node(node)
        if not isinstance(value, dict):
            raise _UnclearError(f"`{KEY}` is no map", node.line)
        yield value


def _of_node(node: Node) -> Value:
    if node.kind == "list":
        return [_of_node(item) for item in node.items]
    if node.kind == "map":
        return {name: _of_node(field.value) for name, field in node.fields.items()}
    return "" if node.is_null else node.text


class _Pairs(list[tuple[str, object]]):
    """An object of JSON with all its names, also those that stand twice."""


def _json(data: bytes) -> Iterator[Metadata]:
    root = json.loads(data.decode(), object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
    named = [(name, value) for name, value in root if name.casefold() == KEY] if isinstance(root, _Pairs) else []
    if len(named) > 1:
        raise _UnclearError(f"the key `{KEY}` stands twice")
    for name, value in named:
        metadata = _of_json(value)
        if name != KEY or not isinstance(metadata, dict):
            raise _UnclearError(f"`{KEY}` is no map" if name == KEY else "a name that is not in lower case")
        yield metadata


def _of_json(value: object) -> Value:
    if isinstance(value, _Pairs):
        if len({name.casefold() for name, _ in value}) < len(value):
            raise _UnclearError("a key that stands twice")
        return {name: _of_json(item) for name, item in value}
    if isinstance(value, list):
        return [_of_json(item) for item in value]
    return "" if value is None else value if isinstance(value, str) else str(value).lower()


def _dotenv(data: bytes) -> Iterator[Metadata]:
    pairs = []
    for number, line in enumerate(data.decode().split("\n"), 1):
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#") and name.startswith(PREFIX):
            pairs.append((number, name.removeprefix(PREFIX), value))
    if pairs:
        yield _unflattened(pairs)


def _ini(data: bytes) -> Iterator[Metadata]:
    pairs: list[tuple[int, str, str]] = []
    section, sections = "", 0
    for number, line in _ini_lines(data):
        if line.startswith("["):
            header = _INI_SECTION.fullmatch(line)
            section = header[1] if header else line
            sections += section.strip().casefold() == KEY
            if sections > 1 or (section != KEY and KEY in section.casefold()):
                raise _UnclearError(f"the section `{KEY}` stands twice, or beside one of a similar name", number)
        elif section == KEY:
            entry = _INI_ENTRY.fullmatch(line)
            if entry is None:
                raise _UnclearError("a line that is not `name = value`", number)
            pairs.append((number, entry[1].strip(), entry[2].strip()))
    if pairs:
        yield _unflattened(pairs)


def _ini_lines(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield the lines with a section or a key, each with its number; the first line of a value of several."""
    lines = enumerate(data.decode("utf-8-sig").split("\n"), 1)
    for number, written in lines:
        line = written.strip()
        if not line or line[0] in "#;":
            continue
        if _NO_SPACE.search(line):
            raise _UnclearError("a control character", number)
        key = None if line.startswith("[") else _INI_KEY.match(line)
        value = line[key.end() :] if key else ""
        if value.startswith(QUOTES):
            if QUOTES not in value[len(QUOTES) :]:
                _skip_value(lines, number)
        elif line.endswith("\\") or value.count("`") == 1:
            raise _UnclearError("a value that goes on in the next line", number)
        yield number, line


def _skip_value(lines: Iterator[tuple[int, str]], number: int) -> None:
    """Skip the other lines of a value in three quotes: sops writes one that is not encrypted so."""
    for _, line in lines:
        if QUOTES in line:
            return
        if line.lstrip().startswith("["):
            break
    raise _UnclearError("a value that may hold a section", number)


def _unflattened(pairs: list[tuple[int, str, str]]) -> Metadata:
    """Return the metadata that sops flattened into names such as `hc_vault__list_0__map_key_name`."""
    root: Metadata = {}
    for line, name, value in pairs:
        first, *inner_steps = _STEP.split(name)
        steps = [("map", first), *zip(inner_steps[::2], inner_steps[1::2], strict=True)]
        if any(kind == "list" and not _INDEX.fullmatch(step) for kind, step in steps):
            raise _UnclearError("an index that is no number", line)
        at: dict[str, Value] = root
        for kind, step in steps[:-1]:
            inner = at.setdefault(f"{kind} {step}", {})
            if not isinstance(inner, dict):
                raise _UnclearError("a key that stands twice", line)
            at = inner
        last = " ".join(steps[-1])
        if last in at:
            raise _UnclearError("a key that stands twice", line)
        at[last] = value
    metadata = _with_lists(root)
    if not isinstance(metadata, dict):
        raise _UnclearError("a name that is not in lower case")
    return metadata


def _with_lists(value: Value) -> Value:
    """Turn maps whose names are `list` and an index into lists."""
    if not isinstance(value, dict):
        return value
    kinds = {name.partition(" ")[0] for name in value}
    inner = {name.partition(" ")[2]: _with_lists(item) for name, item in value.items()}
    if len(kinds) > 1:
        raise _UnclearError("a map that is a list as well")
    return [inner[index] for index in sorted(inner, key=int)] if kinds == {"list"} else inner


_READERS = {"yaml": _yaml, "json": _json, "binary": _json, "dotenv": _dotenv, "ini": _ini}

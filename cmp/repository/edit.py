"""Edits of YAML files that people own: one scalar is set, and everything else stays as it was written.

ruamel.yaml gives the positions of nodes.  The file is cut there and one piece is put in, so that comments, order,
quotes, indentation and line ends stay: ruamel.yaml's own output would be wrapped and indented anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import ConfigError
from cmp.system import files

if TYPE_CHECKING:
    from typing import Any

    Node = Any  # of ruamel.yaml
    Path = tuple[str | int, ...]

_BOM = b"\xef\xbb\xbf"
_INDENT = "  "
_NULL = "tag:yaml.org,2002:null"


class Splice(NamedTuple):
    """A text that replaces the characters from `start` to `end`."""

    start: int
    end: int
    text: str


def set_text(data: bytes, path: Path, value: str, file: str, *, document: int = 0) -> bytes:
    """Return the file with this text at the end of a path of keys; maps that are missing on the way are added.

    `data` is a file that the loader has accepted, or nothing; `document` counts its documents from 0.  A number in the
    path is the index of an item that is there.  The text gets quotes where YAML would take it for something else.
    ConfigError when something else would change too (a value that is written once and used twice), or the file is
    written in a way that cannot be edited.
    """
    edited = _edited(data, path, value, document)
    if edited is None or not _differs_only_there(data, edited, (document, *path), value):
        raise ConfigError(
            f"cannot set {'.'.join(map(str, path))} without a change of something else in this file",
            file=file,
            hint=f"write {value} there by hand",
        )
    return edited


def replace(path: str, data: bytes) -> None:
    """Replace a file by one with this content and the same mode, or create it; ConfigError when that fails."""
    try:
        files.replace(path, data)
    except OSError as error:
        raise ConfigError(f"cannot write this file: {error.strerror}", file=path) from None


def _edited(data: bytes, path: Path, value: str, document: int) -> bytes | None:
    from ruamel.yaml import YAML  # noqa: PLC0415  # it costs five bare interpreters' starts
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    text = data.decode("utf-8-sig")
    try:
        roots = [root for root in YAML(typ="safe", pure=True).compose_all(text) if not _is_null(root)]
    except YAMLError:
        return None
    root = roots[document] if document < len(roots) else None
    newline = "\r\n" if "\r\n" in text else "\n"
    splice = _splice(text, root, path, value)
    if splice is None:
        return None
    put = text[: splice.start] + splice.text.replace("\n", newline) + text[splice.end :]
    return (_BOM if data.startswith(_BOM) else b"") + put.encode()


def _splice(text: str, root: Node | None, path: Path, value: str) -> Splice | None:
    """Return what is to be put where; None for an item that is not there."""
    value, bare = _scalar(value), value
    if root is None:
        is_open = bool(text) and not text.endswith("\n")
        return Splice(len(text), len(text), ("\n" if is_open else "") + _block(path, value, ""))
    node, missing = root, path
    while missing and (below := _entry(node, missing[0])):
        (key, node), missing = below, missing[1:]
        if node.value == "" and node.style is None:
            behind = text.find(":", key.end_mark.index) + 1
            return Splice(behind, behind, f" {_flow(missing, value)}")
    if missing and isinstance(missing[0], int):
        return None
    if not missing or not _is_map(node):
        return _replaced(text, node, _flow(missing, value) if missing or node.style is None else bare)
    if node.flow_style:
        return _into_flow(node, _flow(missing, value)[1:-1])
    return _below(text, node, missing, value)


def _replaced(text: str, node: Node, value: str) -> Splice:
    """Replace the old value by a text: inside its quotes, behind its anchor."""
    start, end = node.start_mark.index, node.end_mark.index
    if not node.value:  # an empty text in quotes
        return Splice(end - 1, end - 1, value)
    before, _, after = text[start:end].rpartition(node.value)
    return Splice(start, end, f"{before}{value}{after}")


def _into_flow(node: Node, entry: str) -> Splice:
    if not node.value:
        inside = node.end_mark.index - 1
        return Splice(inside, inside, entry)
    last = _end(node.value[-1])
    return Splice(last, last, f", {entry}")


def _below(text: str, node: Node, path: Path, value: str) -> Splice:
    """Put a new entry into the line after the last one of a map."""
    last = _end(node.value[-1])
    entry = _block(path, value, " " * node.value[0][0].start_mark.column)
    if text[last - 1] == "\n":  # behind a text of several lines
        return Splice(last, last, entry)
    line_end = text.find("\n", last)
    if line_end < 0:
        return Splice(len(text), len(text), f"\n{entry}")
    return Splice(line_end + 1, line_end + 1, entry)


def _end(entry: tuple[Node, Node]) -> int:
    """Return the end of an entry's last token, without the comments behind it."""
    key, node = entry
    if node.start_mark.index < key.start_mark.index:  # the node of an alias is written above its key
        return int(key.end_mark.index)
    if not isinstance(node.value, list) or node.flow_style:
        return int((node if node.value else key).end_mark.index)
    last = node.value[-1]
    return _end(last if _is_map(node) else (node, last))


def _block(path: Path, value: str, indent: str) -> str:
    *above, last = path
    lines = [f"{indent}{_INDENT * depth}{key}:" for depth, key in enumerate(above)]
    return "\n".join([*lines, f"{indent}{_INDENT * len(above)}{last}: {value}", ""])


def _flow(path: Path, value: str) -> str:
    return f"{{{path[0]}: {_flow(path[1:], value)}}}" if path else value


def _is_null(node: Node | None) -> bool:
    """Say whether a document is null: the loader drops it."""
    return node is None or str(node.ctag) == _NULL


def _is_map(node: Node) -> bool:
    return isinstance(node.value, list) and node.id == "mapping"


def _entry(node: Node, name: str | int) -> tuple[Node, Node] | None:
    """Return the key and the value of an entry of a map; an item of a list has itself in place of a key."""
    if isinstance(name, int):
        return (node.value[name], node.value[name]) if node.id == "sequence" and name < len(node.value) else None
    if not _is_map(node):
        return None
    return next(((key, value) for key, value in node.value if key.value == name), None)


def _scalar(value: str) -> str:
    """Return a text as it is written in YAML: bare, or in quotes where it would be something else."""
    try:
        is_text = yamldoc.load_all(value.encode()) == [value]
    except yamldoc.YamlError:
        is_text = False
    return value if is_text else f'"{value}"'


def _differs_only_there(before: bytes, after: bytes, path: Path, value: str) -> bool:
    """Say whether two files differ only at a path, which begins with the index of a document."""
    try:
        edited = yamldoc.load_all(after)
    except yamldoc.YamlError:
        return False
    wanted: Any = yamldoc.load_all(before) or [{}]
    inner = wanted
    for key in path[:-1]:
        inner[key] = (inner[key] if isinstance(key, int) else inner.get(key)) or {}
        inner = inner[key]
    inner[path[-1]] = value
    # As texts: to Python, 1 and true are equal.
    return [yamldoc.to_json(document) for document in edited] == [yamldoc.to_json(document) for document in wanted]

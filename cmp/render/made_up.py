"""Functions of templates that make values up anew in each render: two renders of one revision differ by them.

Source: Masterminds/sprig, and helm's own functions (pkg/engine/funcs.go).  `keys` and `values` give the entries of a
map in any order, and `getHostByName` asks a network.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts.charts.file_access import ACTION
from cmp.engines.registry import HELMFILE
from cmp.errors import and_more
from cmp.render import chart_texts, cleartext
from cmp.render.unread import needs_of
from cmp.system.tree import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cmp.artifacts.charts import Restored
    from cmp.model import Instance
    from cmp.system.tree import Tree

_FUNCTIONS = re.compile(
    rb"(?<![\w.$\"-])(?:rand(?:AlphaNum|Alpha|Ascii|Numeric|Bytes|Int)|gen(?:PrivateKey|CA|SelfSignedCert|SignedCert)"
    rb"(?:WithKey)?|uuidv4|now|date(?:InZone|Modify)?|ago|htpasswd|bcrypt|encryptAES|shuffle|keys|values|getHostByName)"
    rb"(?![\w-])"
)
_VALUES = re.compile(r"(?:\A|/)[^/]*values[^/]*\.ya?ml\Z")
_FORMATS = (b"date", b"dateInZone", b"dateModify")  # of a time that is given; it is `now` that makes one up
_STRING = re.compile(rb"""\"(?:\\.|[^\"\\])*\"|`[^`]*`""")
_IN_ORDER = re.compile(rb"\b(?:sortAlpha|len|has)\b")


class Use(NamedTuple):
    """A call of a function that makes a value up: its name, the file, and the line there."""

    function: str
    path: str
    line: int


def texts_of(
    tree: Tree, instance: Instance, restored: Iterable[Restored], cache_dir: str
) -> Iterator[tuple[str, bytes]]:
    """Yield every text that may make a value up in a render: templates, and values files that may reach `tpl`.

    `restored` are the charts that were obtained, in the cache below `cache_dir`.
    """
    archives = cleartext.archives(restored, cache_dir)
    yield from chart_texts.files(tree, needs_of(tree, instance), archives, is_wanted=_is_read)
    for layer in instance.layers:
        if layer.is_in_tree:
            yield layer.path, tree.read(layer.path)
        elif layer.data:
            yield layer.path, layer.data
    if HELMFILE in instance.engines:
        yield from ((path, tree.read(path)) for path in walk(tree, instance.folder))


def may_be(texts: Iterable[tuple[str, bytes]]) -> bool:
    """Say whether one of some texts calls such a function."""
    return any(_makes_up(text) for _, text in texts)


def uses(texts: Iterable[tuple[str, bytes]]) -> list[Use]:
    """Return the calls in some texts, each line once, in the order of files and lines.

    Less is told than may be: what only formats a given time, or brings entries of a map in order, makes nothing up.
    """
    found = {use for path, text in texts if _makes_up(text) for use in _uses(path, text)}
    return sorted(found, key=lambda use: (use.path, use.line, use.function))


def warning(found: Sequence[Use]) -> str:
    """Return the sentence about the calls of a render."""
    calls = and_more([f"{use.function} ({use.path}:{use.line})" for use in found])
    return f"each render may make up other values, so that no two are the same: {calls}"


def _uses(path: str, text: bytes) -> Iterator[Use]:
    for action in ACTION.finditer(text):
        code = _STRING.sub(lambda match: b" " * len(match[0]), action[1])
        is_ordered = _IN_ORDER.search(code) is not None
        for match in _FUNCTIONS.finditer(code):
            name = match[0]
            if name not in _FORMATS and not (is_ordered and name in (b"keys", b"values")):
                line = text.count(b"\n", 0, action.start(1) + match.start()) + 1
                yield Use(name.decode(), path, line)


def _is_read(path: str) -> bool:
    return chart_texts.is_template(path) or _VALUES.search(path) is not None


def _makes_up(text: bytes) -> bool:
    if b"{{" not in text or not _FUNCTIONS.search(text):
        return False
    return any(_FUNCTIONS.search(action) for action in ACTION.findall(text))

"""The files of a chart's folder that can have an effect: Helm's own parts, and others if a template may read them.

Values files often lie in the chart's folder, and READMEs do.  Templates reach such files through `.Files` alone, in
their own text or in that of a named template to which they hand their context.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PARTS = ("Chart.yaml", "Chart.lock", "requirements.yaml", "requirements.lock", "values.yaml", "values.schema.json")
FOLDERS = ("templates/", "charts/", "crds/")
IGNORE = ".helmignore"
ACCESS = b"Files"  # in each of its spellings: `.Files`, `index . "Files"`

_DEFINED = re.compile(rb"""\{\{-?\s*(?:define|block)\s+(?:"([^"]+)"|`([^`]+)`)""")
# A template file that is called by its path is one of the same chart: the usual way to a checksum.
_BY_PATH = rb"""\(\s*print\s+\$?\.Template\.BasePath\s+"[^"]+"\s*\)"""
_CALLED = re.compile(rb"""\b(?:include|template)\s+(?:"([^"]+)"|`([^`]+)`|%s|(\S))""" % _BY_PATH)
# A template that prints, or walks through, its whole context has the files without naming them.  Inside `with` and
# `range` the dot is something else; `$` is not.
ACTION = re.compile(rb"""\{\{-?\s*(?!/\*)((?:"(?:\\.|[^"\\])*"|`[^`]*`|[^"`}]|\}(?!\}))*)\}\}""")
_TAKES = (
    rb"to(?:Raw|Pretty)?(?:Yaml|Json|Toml)|mustTo\w+|print(?:f|ln)?|omit|pick|values|keys|merge\w*|deepCopy|range|quote"
)
_WHOLE = re.compile(
    rb"""(?:\b(?:%s)\b[^|()]*?(?<![\w.$")])([.$])(?=\s|[|)]|-?$)|(?:^|:=\s*)([.$])\s*(?=[|)]|-?$))""" % _TAKES
)


def is_part(path: str) -> bool:
    """Say whether Helm itself reads a file, by its path from the chart's folder."""
    return path in (*PARTS, IGNORE) or path.startswith(FOLDERS)


def may_read_others(texts: Iterable[bytes]) -> bool:
    """Say whether templates may read files that are no part of their chart.

    `texts` are all files of the charts, and the values that may hold templates.  A named template without a definition
    in them is one of a chart that is not here: it may do anything with its context.
    """
    defined: set[bytes] = set()
    called: set[bytes] = set()
    for text in texts:
        if ACCESS in text or _takes_whole_context(text):
            return True
        defined.update(quoted or raw for quoted, raw in _DEFINED.findall(text))
        for quoted, raw, other in _CALLED.findall(text):
            if other:  # the name is made up
                return True
            called.add(quoted or raw)
    return not called - {b""} <= defined


def _takes_whole_context(text: bytes) -> bool:
    """Say whether a template hands its whole context, `.` or `$`, to a function that prints it or walks through it."""
    inside: list[bytes] = []
    for action in ACTION.findall(text):
        words = action.split(None, 1)
        verb = words[0] if words else b""
        is_own = not any(block in (b"with", b"range") for block in inside)
        signs = {first or second for first, second in _WHOLE.findall(action)}
        if (b"$" in signs or (signs and is_own)) and verb not in (b"template", b"include"):
            return True
        if verb in (b"with", b"range", b"if", b"define", b"block"):
            inside.append(verb)
        elif verb.rstrip(b"-") == b"end" and inside:
            inside.pop()
    return False

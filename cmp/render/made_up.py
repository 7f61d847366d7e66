"""Functions of templates that make values up anew in each render: two renders of one revision differ by them.

Source: Masterminds/sprig, and helm's own functions (pkg/engine/funcs.go).  `keys` and `values` give the entries of a
map in any order, and `getHostByName` asks a network.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.artifacts.charts.file_access import ACTION
from cmp.render import chart_texts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp.engines.protocol import Needs
    from cmp.system.tree import Tree

_FUNCTIONS = re.compile(
    rb"(?<![\w.$\"-])(?:rand(?:AlphaNum|Alpha|Ascii|Numeric|Bytes|Int)|gen(?:PrivateKey|CA|SelfSignedCert|SignedCert)"
    rb"(?:WithKey)?|uuidv4|now|date(?:InZone|Modify)?|ago|htpasswd|bcrypt|encryptAES|shuffle|keys|values|getHostByName)"
    rb"(?![\w-])"
)
_VALUES = re.compile(r"(?:\A|/)[^/]*values[^/]*\.ya?ml\Z")


def may_be(tree: Tree, needs: Needs, archives: Iterable[bytes], layers: Iterable[bytes]) -> bool:
    """Say whether a render may make a value up: a template does, or a values file that may reach `tpl`."""
    read = chart_texts.texts(tree, needs, archives, is_wanted=_is_read)
    return any(_makes_up(text) for source in (read, layers) for text in source)


def _is_read(path: str) -> bool:
    return chart_texts.is_template(path) or _VALUES.search(path) is not None


def _makes_up(text: bytes) -> bool:
    if b"{{" not in text or not _FUNCTIONS.search(text):
        return False
    return any(_FUNCTIONS.search(action) for action in ACTION.findall(text))

"""Helm's rule for whether Chart.lock still belongs to Chart.yaml: the digest of both lists of dependencies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cmp.system.digest import sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The fields of Helm's Dependency in its order; all but the first and `repository` are left out when they are empty.
_FIELDS = ("name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias")
_ALWAYS = ("name", "repository")
# Go's JSON encoder escapes what could end a script element.
_GO_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def digest(declared: Iterable[Mapping[str, object]], locked: Iterable[Mapping[str, object]]) -> str:
    """Return what a current lock has as its digest; aliases of repositories in `declared` are URLs already."""
    return _sha256([[_canonical(one) for one in declared], [_canonical(one) for one in locked]])


def helm2_digest(declared: Iterable[Mapping[str, object]]) -> str:
    """Return the digest that Helm 2 wrote, which later versions accept for charts of apiVersion v1."""
    return _sha256({"dependencies": [_canonical(one) for one in declared]})


def _canonical(dependency: Mapping[str, object]) -> dict[str, object]:
    return {name: dependency.get(name) or "" for name in _FIELDS if name in _ALWAYS or dependency.get(name)}


def _sha256(value: object) -> str:
    text = json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":")).translate(_GO_ESCAPES)
    return f"sha256:{sha256(text.encode())}"


def _sorted(value: object, *, is_entry: bool = True) -> object:
    """Sort the keys of maps inside `import-values`, as Go prints them; those of a dependency have their own order."""
    if isinstance(value, list):
        return [_sorted(item, is_entry=is_entry) for item in value]
    if not isinstance(value, dict):
        return value
    items = value.items() if is_entry else sorted(value.items())
    return {key: _sorted(item, is_entry=is_entry and key == "dependencies") for key, item in items}

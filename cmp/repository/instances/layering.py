"""The values layers of one application on one cluster: which files, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.model import Layer
from cmp.repository import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.repository.config import ValuesPattern
    from cmp.repository.layout import Captures
    from cmp.system.tree import Tree


class Sources(NamedTuple):
    """Patterns of values files, weakest first.

    `repository` are those of cmp.yaml, which may name any file of the tree; `application` those of cmp-app.yaml and of
    the parameters, which may name what lies in the application's own `folders`, or what cmp.yaml names too.
    """

    repository: tuple[ValuesPattern, ...]
    application: tuple[ValuesPattern, ...]
    folders: tuple[str, ...]


class Scope(NamedTuple):
    """What patterns are filled from: the names that are known, the secret suffixes, and whose facts they are."""

    known: Captures
    suffixes: tuple[str, ...]
    whose: str


class _Hit(NamedTuple):
    path: str
    is_named: bool  # by a path without a wildcard
    source: str


def layers(tree: Tree, sources: Sources, scope: Scope) -> tuple[Layer, ...]:
    """Return the layers, weakest first, each file once.

    A file that a path without a wildcard names stands where that path stands, any other where a pattern first matched
    it (Argo CD's rule for `valueFiles`).  ConfigError for a named path that is missing, for what is not a file, and for
    a file that the application may not use.
    """
    hits = [hit for pattern in sources.repository for hit in _hits(tree, pattern, scope)]
    listed = {hit.path for hit in hits}
    for pattern in sources.application:
        for hit in _hits(tree, pattern, scope):
            if hit.path not in listed:
                _require_own(tree, hit, sources.folders)
            hits.append(hit)
    named = {hit.path for hit in hits if hit.is_named}
    first: dict[str, _Hit] = {}
    for hit in hits:
        if hit.is_named or hit.path not in named:
            first.setdefault(hit.path, hit)
    return tuple(Layer(hit.path, hit.path.endswith(scope.suffixes), hit.source) for hit in first.values())


def _hits(tree: Tree, written: ValuesPattern, scope: Scope) -> Iterator[_Hit]:
    pattern = layout.parse(written.pattern, written.place)
    layout.require(pattern, scope.known, scope.whose)
    found = [
        hit for hit in layout.expand(tree, pattern, scope.known) if layout.may_name(pattern, hit.path, scope.suffixes)
    ]
    is_named = not pattern.has_wildcard
    if is_named and not found and not written.optional:
        raise ConfigError(
            f"the values file {layout.fill(pattern, scope.known)} does not exist",
            file=written.place,
            hint=f"if it may be missing, write {{path: '{written.pattern}', optional: true}}"
            if ":" in written.place  # a file's line; a parameter or flag has no such form
            else "values files are named from the root of the repository",
        )
    for hit in found:
        if hit.kind == "file":
            yield _Hit(hit.path, is_named, written.place)
        elif is_named or hit.kind != "folder":
            what = "a folder" if hit.kind == "folder" else "neither a file nor a link to one"
            raise ConfigError(f"the values file {hit.path} is {what}", file=written.place, hint="mend or remove it")


def _require_own(tree: Tree, hit: _Hit, folders: tuple[str, ...]) -> None:
    """Check the path, and where links lead from it: a link is no way into another application's folder."""
    own = tuple(f"{path}/" for folder in folders for path in (folder, tree.resolve(folder)))
    for path in (hit.path, tree.resolve(hit.path)):
        if not path.startswith(own):
            leads = "" if path == hit.path else f" leads to {path}, which"
            raise ConfigError(
                f"the values file {hit.path}{leads} is not in the application's own folders",
                file=hit.source,
                hint=f"those are {' and '.join(folders)}; any other file must be named in layout.values of cmp.yaml",
            )

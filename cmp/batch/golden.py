"""Rendered manifests of chosen pairs, kept in the repository: what they are, and how they differ from a render.

A pair is chosen by its file, `<cluster>/<app>.yaml` below the folder.
"""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, NamedTuple

from cmp.batch.printed import canonical, file_of, label
from cmp.errors import UsageError, suggestion
from cmp.system.tree import join, walk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmp.render.output import CheckedOutput
    from cmp.repository.instances import Pair
    from cmp.secrets.redact import Redactor, Secret
    from cmp.system.tree import Tree

SUFFIX = ".yaml"
HEADER = b"# Written by `cmp golden --update`, and compared by `cmp golden`; secrets are masked.\n"


class Chosen(NamedTuple):
    """The pairs that are compared by their files, which may be missing, and the files of pairs that are no more.

    All files are relative to the root.
    """

    pairs: Mapping[str, Pair]
    stale: tuple[str, ...]


class Asked(NamedTuple):
    """What the command line names: applications (none: all) and a cluster (empty: all)."""

    apps: tuple[str, ...]
    cluster: str

    def has(self, app: str, cluster: str) -> bool:
        """Whether this pair is meant."""
        return (not self.apps or app in self.apps) and self.cluster in ("", cluster)


def choose(tree: Tree, folder: str, pairs: Sequence[Pair], asked: Asked) -> Chosen:
    """Return what is asked for: the pairs that have a file, and those that are named and have none.

    A named application without a cluster means its pairs that have files, or where none has, all of them.  UsageError
    for an application or a cluster that is not there, where nothing at all has a file, and for a file that is in the
    place of a golden one.
    """
    every = {join(folder, file_of(pair.app, pair.cluster)): pair for pair in pairs}
    files = {path: tree.read(path).startswith(HEADER) for path in walk(tree, folder) if path.endswith(SUFFIX)}
    there = {path for path, is_golden in files.items() if is_golden}
    stale = tuple(sorted(path for path in there - every.keys() if asked.has(*_named(path, folder))))
    meant = {path: pair for path, pair in every.items() if asked.has(pair.app, pair.cluster)}
    for path in sorted(meant.keys() & files.keys() - there):
        raise UsageError("this is no golden file", file=path, hint="keep them in a folder of their own: --dir")
    gone = {_named(path, folder)[0] for path in stale}
    for app in asked.apps:
        if app not in {pair.app for pair in meant.values()} | gone:
            raise _unknown(app, asked.cluster, pairs)
    chosen = {path: pair for path, pair in meant.items() if path in there or _is_new(pair, meant, there, asked)}
    if not (chosen or stale):
        raise UsageError(
            f"there are no golden files{f' of cluster {asked.cluster}' if asked.cluster else ''} in {folder}",
            hint="choose a pair: `cmp golden APP --cluster CLUSTER --update` writes its file",
        )
    return Chosen(chosen, stale)


def _is_new(pair: Pair, meant: Mapping[str, Pair], there: set[str], asked: Asked) -> bool:
    """Whether a pair without a file is asked for by its name."""
    of_app = (path for path, other in meant.items() if other.app == pair.app)
    return pair.app in asked.apps and (bool(asked.cluster) or there.isdisjoint(of_app))


def _named(path: str, folder: str) -> tuple[str, str]:
    """Return the application and the cluster that a file is named for."""
    cluster, _, app = path.removeprefix(f"{folder}/").removesuffix(SUFFIX).rpartition("/")
    return app, cluster


def _unknown(app: str, cluster: str, pairs: Sequence[Pair]) -> UsageError:
    clusters = sorted({pair.cluster for pair in pairs if pair.app == app})
    if not clusters:
        return UsageError(f"there is no application {app}", hint=suggestion(app, {pair.app for pair in pairs}))
    return UsageError(f"application {app} does not run on cluster {cluster}", hint=suggestion(cluster, clusters))


def golden(output: CheckedOutput, redactor: Redactor) -> bytes:
    """Return a golden file."""
    return HEADER + canonical(output, redactor)


def difference(path: str, kept: bytes, output: CheckedOutput, redactor: Redactor) -> bytes:
    """Return a unified diff of what is kept in `path` and what is rendered; nothing where they are equal.

    Plaintext that somebody put into the file is not shown, but that there is some.
    """
    new = golden(output, redactor)
    if kept == new:
        return b""
    old_lines, new_lines = (_shown(data, redactor) for data in (kept, new))
    lines = unified_diff(old_lines, new_lines, path, f"{path} (rendered)", lineterm="")
    return "".join(f"{line}\n" for line in lines).encode()


def _shown(data: bytes, redactor: Redactor) -> list[str]:
    return redactor.labelled(data.decode(errors="backslashreplace"), _plaintext).split("\n")


def _plaintext(secret: Secret) -> str:
    return f"‹plaintext of {label(secret)[1:]}"

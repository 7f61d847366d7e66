"""Golden files: rendered manifests of some pairs, kept in the repository, and their difference from a new render.

A pair has a golden file where `<cluster>/<app>.yaml` exists below the folder.
"""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, NamedTuple

from cmp.batch.renderer import canonical, file_of, label
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


class GoldenFiles(NamedTuple):
    """The pairs to compare, by their files, which may be missing; and the stale files, of pairs that are gone.

    All files are relative to the root.
    """

    pairs: Mapping[str, Pair]
    stale: tuple[str, ...]


class PairFilter(NamedTuple):
    """The applications of the command line (none: all), and its cluster (empty: all)."""

    apps: tuple[str, ...]
    cluster: str

    def accepts(self, app: str, cluster: str) -> bool:
        """Return whether the command line names this pair."""
        return (not self.apps or app in self.apps) and self.cluster in ("", cluster)


def choose(tree: Tree, folder: str, pairs: Sequence[Pair], wanted: PairFilter) -> GoldenFiles:
    """Return the pairs that have a golden file, and those that the command line names and that have none.

    An application that is named without a cluster stands for its pairs that have files, or where none has, for all of
    them.  UsageError for an unknown application or cluster, where no file exists at all, and for a file in the place of
    a golden one.
    """
    every = {join(folder, file_of(pair.app, pair.cluster)): pair for pair in pairs}
    is_golden = {path: tree.read(path).startswith(HEADER) for path in walk(tree, folder) if path.endswith(SUFFIX)}
    existing = {path for path, has_header in is_golden.items() if has_header}
    stale = tuple(sorted(path for path in existing - every.keys() if wanted.accepts(*_pair_of(path, folder))))
    accepted = {path: pair for path, pair in every.items() if wanted.accepts(pair.app, pair.cluster)}
    for path in sorted(accepted.keys() & is_golden.keys() - existing):
        raise UsageError("this is no golden file", file=path, hint="keep them in a folder of their own: --dir")
    known = {pair.app for pair in accepted.values()} | {_pair_of(path, folder)[0] for path in stale}
    for app in wanted.apps:
        if app not in known:
            raise _unknown(app, wanted.cluster, pairs)
    chosen = {
        path: pair for path, pair in accepted.items() if path in existing or _is_new(pair, accepted, existing, wanted)
    }
    if not (chosen or stale):
        raise UsageError(
            f"there are no golden files{f' of cluster {wanted.cluster}' if wanted.cluster else ''} in {folder}",
            hint="choose a pair: `cmp golden APP --cluster CLUSTER --update` writes its file",
        )
    return GoldenFiles(chosen, stale)


def _is_new(pair: Pair, accepted: Mapping[str, Pair], existing: set[str], wanted: PairFilter) -> bool:
    """Return whether the command line asks by name for a pair without a file."""
    of_app = (path for path, other in accepted.items() if other.app == pair.app)
    return pair.app in wanted.apps and (bool(wanted.cluster) or existing.isdisjoint(of_app))


def _pair_of(path: str, folder: str) -> tuple[str, str]:
    """Return the application and the cluster of a golden file."""
    cluster, _, app = path.removeprefix(f"{folder}/").removesuffix(SUFFIX).rpartition("/")
    return app, cluster


def _unknown(app: str, cluster: str, pairs: Sequence[Pair]) -> UsageError:
    clusters = sorted({pair.cluster for pair in pairs if pair.app == app})
    if not clusters:
        return UsageError(f"there is no application {app}", hint=suggestion(app, {pair.app for pair in pairs}))
    return UsageError(f"application {app} does not run on cluster {cluster}", hint=suggestion(cluster, clusters))


def golden(output: CheckedOutput, redactor: Redactor) -> bytes:
    """Print a golden file."""
    return HEADER + canonical(output, redactor)


def difference(path: str, kept: bytes, output: CheckedOutput, redactor: Redactor) -> bytes:
    """Return a unified diff of the golden file `path`, which holds `kept`, and a render; empty where they are equal.

    Plaintext in the golden file is masked by a label of its own, so that a reader sees that there is some.
    """
    rendered = golden(output, redactor)
    if kept == rendered:
        return b""
    before, after = (_lines(data, redactor) for data in (kept, rendered))
    lines = unified_diff(before, after, path, f"{path} (rendered)", lineterm="")
    return "".join(f"{line}\n" for line in lines).encode()


def _lines(data: bytes, redactor: Redactor) -> list[str]:
    return redactor.labelled(data.decode(errors="backslashreplace"), _plaintext).split("\n")


def _plaintext(secret: Secret) -> str:
    return f"‹plaintext of {label(secret)[1:]}"

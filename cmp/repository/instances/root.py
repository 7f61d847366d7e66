"""The root of a source tree, found from the working directory of a person or of Argo CD."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cmp.errors import ConfigError
from cmp.system.tree import GIT, WorkTree, git_root, in_git, is_in_git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.model import BuildEnv

MARKER = "cmp.yaml"
REFERENCE_FOLDERS = ("namespaces", "clusters")  # of the built-in layout
ANNOTATION = "argocd.argoproj.io/manifest-generate-paths"


def open_repository(start: str) -> tuple[WorkTree, str]:
    """Return the source tree around a folder, and that folder relative to its root.

    The root is the nearest folder upwards with a cmp.yaml, else the nearest in the reference layout, never above the
    Git root.  ConfigError when there is neither.
    """
    start = os.path.realpath(start)
    return _open(git_root(start), start, start)


def open_checkout(start: str) -> WorkTree:
    """Return the source tree around a folder; where it has nothing of cmp, the whole checkout.

    Such a repository has no application of the layout, but it may have Applications of Argo CD.
    """
    root = git_root(os.path.realpath(start))
    return WorkTree(root, root) if root and not has_repository(start) else open_repository(start)[0]


def checkout(start: str) -> str:
    """Return the Git root around a folder; where there is no Git, the root of its source tree (else ConfigError)."""
    return git_root(os.path.realpath(start)) or open_repository(start)[0].root


def has_repository(start: str) -> bool:
    """Return whether `open_repository` would find a source tree around a folder."""
    return _root("/", os.path.realpath(start)) is not None


def open_sidecar(cwd: str, build_env: BuildEnv) -> tuple[WorkTree, str]:
    """Return the source tree that Argo CD sent, and the source path relative to its root.

    The root is never above the working directory without the source path.  ConfigError when the working directory does
    not end in it: then only a part of the repository arrived, and the missing files would be lost in silence.
    """
    path = os.path.normpath(build_env.source_path) if build_env.source_path else ""
    if not path:
        raise ConfigError(
            "ARGOCD_APP_SOURCE_PATH is not set",
            hint="`cmp generate` is called by Argo CD, for a Git source with a path; a person calls `cmp render`",
        )
    cwd = os.path.realpath(cwd)
    top = _without_suffix(cwd, path)
    if top is None:
        raise ConfigError(
            f"only a part of the repository arrived: the working directory does not end in the source path {path}",
            hint=f"name everything the application uses in the annotation {ANNOTATION}, from the root: "
            "/cmp.yaml;/namespaces;/clusters in the reference layout, or / for everything",
            is_external=True,  # an annotation is no part of a commit
        )
    return _open(top, cwd if path == "." else os.path.join(top, path), cwd)


def _without_suffix(cwd: str, path: str) -> str | None:
    if path == ".":
        return cwd
    if path.startswith(("/", "..")):
        return None
    # The source path may lead through a symbolic link of the repository, which the kernel has resolved in cwd.  The
    # highest folder counts: by links a repository could make the path lead here from folders below its root as well,
    # and the administrator's policy counts its folders from the root.
    tops = reversed([*_upwards(cwd)])
    return next((top for top in tops if _leads_to(os.path.join(top, path), cwd)), None)


def _leads_to(path: str, folder: str) -> bool:
    try:
        return os.path.samefile(path, folder)
    except OSError:  # one of them is missing
        return False


def _open(top: str, start: str, real: str) -> tuple[WorkTree, str]:
    root = _root(top, start)
    if root is None:
        raise ConfigError(
            f"no repository here: no {MARKER} and no folders {' and '.join(REFERENCE_FOLDERS)} in {real} or above",
            hint=f"go into the repository; its root holds {MARKER}, or the folders of the reference layout",
        )
    if is_in_git(inside := os.path.relpath(start, top or root)):
        raise in_git(inside)
    folder = os.path.relpath(start, root)
    return WorkTree(root, top), "" if folder == "." else folder


def _root(top: str, start: str) -> str | None:
    candidates = list(_candidates(top, start))
    return next(
        (folder for folder in candidates if os.path.lexists(os.path.join(folder, MARKER))),
        next((folder for folder in candidates if _is_reference(folder)), None),
    )


def _is_reference(folder: str) -> bool:
    return all(os.path.isdir(os.path.join(folder, name)) for name in REFERENCE_FOLDERS)


def _candidates(top: str, start: str) -> Iterator[str]:
    for folder in _upwards(start):
        yield folder
        if folder == top or os.path.lexists(os.path.join(folder, GIT)):
            return


def _upwards(folder: str) -> Iterator[str]:
    yield folder
    while folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
        yield folder

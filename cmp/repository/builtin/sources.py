"""A source of an Application in the tree: its folder, and the paths and variables that its block may use."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.reposerver import expand
from cmp.environ import application_variables
from cmp.errors import ConfigError
from cmp.model import BuildEnv, Cluster
from cmp.system.urls import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp.argocd.application import Application
    from cmp.argocd.settings import ArgoCDSettings
    from cmp.argocd.source import Source
    from cmp.system.tree import Tree


class Surroundings(NamedTuple):
    """All that a built-in source depends on beside the tree and the Application: its Argo CD and its cluster.

    `revision` is the commit that its variables tell.  `is_own` says of a URL whether it is that of the tree's
    repository; `others` are the trees of other repositories, by the URL and the target revision of a source.
    """

    settings: ArgoCDSettings
    is_own: Callable[[str], bool]
    cluster: Cluster = Cluster("")
    revision: str = ""
    others: Mapping[tuple[str, str], Tree] = {}


class SourceContext(NamedTuple):
    """A source that is being resolved: the tree, the folder of the source in it, and all else that counts."""

    tree: Tree
    folder: str
    application: Application
    surroundings: Surroundings

    @property
    def settings(self) -> ArgoCDSettings:
        return self.surroundings.settings

    @property
    def build_env(self) -> BuildEnv:
        """The Application as Argo CD's variables tell it."""
        source = self.application.source
        return BuildEnv(
            app_name=self.application.instance_name,
            app_namespace=self.application.destination.namespace,
            project=self.application.project,
            revision=self.surroundings.revision,
            repo_url=source.repo_url,
            source_path=source.path,
            target_revision=source.target_revision,
        )

    def expanded(self, text: str) -> str:
        """Replace variables as Argo CD does: an unknown one by nothing, and `$$` by `$`."""
        return expand(text, application_variables(self.build_env)) if "$" in text else text

    def place(self, *path: str | int) -> str:
        """Return `file:line` of a value of the source."""
        return self.application.location.inner(*path).place


OCI = "oci://"


def is_oci(source: Source) -> bool:
    """Say whether a source is an artifact of a registry by itself: for cmp it must be a chart."""
    return source.repo_url.startswith(OCI)


def elsewhere(subject: str, url: str, place: str) -> ConfigError:
    """Return the error for something in a repository that is not here; `subject` is that, and its verb."""
    name = shown(url)
    return ConfigError(
        f"{subject} in another repository, {name}, which is not here",
        file=place,
        hint=f"--repository {name}=FOLDER names a clone of it",
    )


def in_tree(tree: Tree, path: str) -> str | None:
    """Return a path of the repository as one of the tree, which may be a folder of it; None where it is not in that."""
    clean = posixpath.normpath(path) if path else ""
    clean = "" if clean == "." else clean
    if not tree.prefix:
        return clean
    if clean == tree.prefix:
        return ""
    return clean.removeprefix(f"{tree.prefix}/") if clean.startswith(f"{tree.prefix}/") else None


def folder_of(tree: Tree, application: Application) -> str:
    """Return the folder of a source in the tree; ConfigError for one that is not there."""
    path = application.source.path
    place = application.location.inner("path").place
    folder = None if path.startswith("/") or posixpath.normpath(path).startswith("..") else in_tree(tree, path)
    if folder is None or tree.kind(folder) != "folder":
        raise ConfigError(
            f"there is no folder {path} in this checkout",
            file=place,
            hint="go into a checkout of the repository and revision that the Application names",
        )
    return folder

"""The context of the user's kubeconfig that is asked for a release: named, that of the cluster, or the current one.

The files are the user's own, as kubectl and helm find them.  Names of contexts are read here and nothing else:
credentials stay between the file and helm.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import ConfigError, UsageError, suggestion
from cmp.yamldoc.access import dig, maps

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE = "KUBECONFIG"
DEFAULT = ".kube/config"


class Kubeconfig(NamedTuple):
    """The names of contexts in the user's files, in their order, and the current one; `files` are those that exist."""

    files: tuple[str, ...]
    contexts: tuple[str, ...]
    current: str

    def choose(self, asked: str, configured: str = "") -> str:
        """Return the context that is asked for, else the one that cmp.yaml has for the cluster, else the current one.

        UsageError without any, and for one that the files do not have.
        """
        chosen = asked or configured or self.current
        if not chosen:
            raise UsageError(
                "no context of a cluster is chosen: the kubeconfig has no current one",
                file=", ".join(self.files),
                hint="--kube-context names one; the file is that of KUBECONFIG, or ~/.kube/config",
            )
        if chosen in self.contexts:
            return chosen
        source = "" if asked or not configured else ", which the inventory has; --kube-context names another"
        raise UsageError(
            f"the kubeconfig has no context {chosen}{source}",
            file=", ".join(self.files),
            hint=suggestion(chosen, self.contexts),
        )


def read(env: Mapping[str, str], cwd: str) -> Kubeconfig:
    """Read the files of KUBECONFIG, else ~/.kube/config; ConfigError for one that cannot be read.

    The first file that names a current context decides, as in kubectl.
    """
    files = [path for path in _paths(env, cwd) if os.path.exists(path)]
    documents = [document for path in files for document in _documents(path)]
    current = (str(dig(document, "current-context") or "") for document in documents)
    names = (str(entry.get("name")) for document in documents for entry in maps(dig(document, "contexts")))
    return Kubeconfig(tuple(files), tuple(dict.fromkeys(names)), next(filter(None, current), ""))


def variable(env: Mapping[str, str], cwd: str) -> dict[str, str]:
    """Return KUBECONFIG as a program needs it that runs in another folder; nothing where it is not set."""
    return {VARIABLE: os.pathsep.join(_paths(env, cwd))} if env.get(VARIABLE) else {}


def _paths(env: Mapping[str, str], cwd: str) -> Iterator[str]:
    if named := env.get(VARIABLE, ""):
        yield from (os.path.join(cwd, path) for path in named.split(os.pathsep) if path)
    else:
        yield os.path.join(env.get("HOME") or "/", DEFAULT)


def _documents(path: str) -> list[object]:
    try:
        with open(path, "rb") as file:
            return yamldoc.load_all(file.read())
    except OSError as error:
        raise ConfigError(f"cannot read the kubeconfig: {error.strerror}", file=path) from None
    except yamldoc.YamlError:  # its words could quote a credential
        raise ConfigError(
            "the kubeconfig is not valid YAML", file=path, hint="`kubectl config view` reads it, too"
        ) from None

"""The administrator's file: the places where it may lie, its keys, and its content as values."""

from __future__ import annotations

import os
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.policy.flags import HELM_FLAG, KUSTOMIZE_FLAG
from cmp.policy.hosts import HOST
from cmp.policy.secrets import KEY, ROLE, SECRET_HOST, SecretRules
from cmp.policy.sources import REPOSITORY, REVISION
from cmp.repository import config
from cmp.repository.config.rules import PATTERN
from cmp.schema.spec import Converted, Exactly, Flag, Items, Keys, Rule, Text, check, quoted
from cmp.system.tree import WorkTree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.system.tree import Tree

VERSION = 1
ANY = ("*",)
HINT = "CMP_POLICY names this file; nothing is rendered before an administrator corrects it"


class Permission(NamedTuple):
    """A rule of `applications`: AppProjects, and the folders that they may use for the given namespaces and sources.

    The Application's destination and the render must both have one of the namespaces.  Projects and namespaces are
    texts in which `*` stands for any text, folders are patterns.  `repositories` and `revisions` are those of the
    Application's source, and empty where any will do.  `line` is that of the rule.
    """

    projects: tuple[str, ...]
    namespaces: tuple[str, ...]
    folders: tuple[str, ...]
    repositories: tuple[str, ...] = ()
    revisions: tuple[str, ...] = ()
    line: int = 0


class Policy(NamedTuple):
    """The whole file; `applications` and `hosts` are None where everything is allowed, `flags` is by engine.

    `redirects` are hosts to which chart repositories may lead, `remote_hosts` those of kustomize's remote bases;
    `features` are the allowed ones of FEATURES, such as `cue.cmd`.
    """

    file: str = ""
    applications: tuple[Permission, ...] | None = None
    hosts: tuple[str, ...] | None = None
    redirects: tuple[str, ...] = ()
    remote_hosts: tuple[str, ...] = ()
    flags: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    features: frozenset[str] = frozenset()
    secrets: SecretRules = SecretRules()


NO_POLICY = Policy()


def _explain_name(text: str) -> str:
    return f"{quoted(text)} is no name: it has lower-case letters, digits, `-`, `.`, and `*` for any text"


def _explain_folder(text: str) -> str:
    if PATTERN.accepts(text):
        return f"{quoted(text)} is no pattern of folders: nothing fills `{{name}}` here; write `*`"
    return PATTERN.explain(text)


FEATURES = {  # by engine, the features that let an application run programs or read more than its own files
    "cue": {"cmd": Flag("Whether `cue cmd` may run, and with it whatever programs its tasks name.")},
    "helmfile": {
        "hooks": Flag("Whether hooks and post-renderers of a helmfile may run: they are programs."),
        "exec": Flag("Whether templates may run programs (exec) and read files by names that they make up."),
        "ref": Flag("Whether vals may resolve ref+…:// and with it read any file and any secret store."),
    },
}
_NAMES = Items("a list of names", Text("a name", Rule(r"(?:[a-z0-9.-]|\*(?!\*))+", _explain_name)), is_set=True)
_FOLDER = Rule(rf"(?![^{{}}]*[{{}}])(?:{PATTERN.regex})", _explain_folder)
_PERMISSION: Keys[Permission] = Keys(
    {
        "projects": _NAMES,
        "namespaces": _NAMES,
        "folders": Items("a list of patterns", Text("a pattern", _FOLDER), is_set=True),
        "repositories": Items("a list of repositories", Text("a repository", REPOSITORY), is_set=True),
        "revisions": Items("a list of revisions", Text("a revision", REVISION), is_set=True),
    },
    partial(Permission, namespaces=ANY),
    required=("projects", "folders"),
)
_HOSTS = Items("a list of hosts", Text("a host", HOST))


def _policy(
    applications: tuple[Permission, ...] | None = None,
    charts: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    kustomize: tuple[str, ...] = (),
    secrets: SecretRules = SecretRules(),  # noqa: B008  # immutable
    flags: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    *,
    version: int,  # noqa: ARG001  # there is one
    **features: Mapping[str, bool],
) -> Policy:
    return Policy(
        applications=applications,
        hosts=charts.get("hosts"),
        redirects=charts.get("redirects", ()),
        remote_hosts=kustomize,
        flags={engine: flags.get(engine, ()) for engine in ("helm", "kustomize")},
        features=frozenset(
            f"{engine}.{name}" for engine, known in features.items() for name, is_allowed in known.items() if is_allowed
        ),
        secrets=secrets,
    )


_POLICY = Keys(
    {
        "version": Exactly(VERSION),
        "applications": Items(
            "a list of rules", Converted(_PERMISSION, lambda permission, node: permission._replace(line=node.line))
        ),
        "charts": Keys({"hosts": _HOSTS, "redirects": _HOSTS}, dict[str, tuple[str, ...]], is_filled=True),
        "kustomize": Keys({"hosts": _HOSTS}, lambda hosts: hosts, required=("hosts",)),
        "secrets": Keys(
            {
                "hosts": Items("a list of hosts", Text("a host", SECRET_HOST)),
                "keys": Items("a list of keys", Text("a key", KEY)),
                "roles": Items("a list of roles and profiles", Text("a role or profile", ROLE)),
            },
            SecretRules,
            is_filled=True,
        ),
        "flags": Keys(
            {
                "helm": Items("a list of flags", Text("a flag", HELM_FLAG)),
                "kustomize": Items("a list of flags", Text("a flag", KUSTOMIZE_FLAG)),
            },
            dict[str, tuple[str, ...]],
            is_filled=True,
        ),
        **{engine: Keys(known, dict[str, bool], is_filled=True) for engine, known in FEATURES.items()},
    },
    _policy,
    required=("version",),
)


def load(path: str, tree: Tree | None) -> Policy:
    """Read the policy in an absolute path; ConfigError lists its mistakes, or says why it cannot be trusted.

    It must lie outside the repository of `tree`: no file in Git decides about it.
    """
    _require_outside(path, tree)
    try:
        root, problems = config.read(WorkTree("/"), path)
    except ConfigError as error:
        raise _unusable(path, error.what) from None
    problems += check(_POLICY, root) if root is not None else []
    if root is None or problems:
        wrong = ConfigError.of(problems, hint=HINT)
        wrong.is_external = True
        raise wrong
    return _POLICY.build(root)._replace(file=path)


def _require_outside(path: str, tree: Tree | None) -> None:
    if not os.path.isabs(path):
        raise _unusable(path, "CMP_POLICY must be an absolute path")
    if isinstance(tree, WorkTree) and any(_is_inside(folder, tree.repository) for folder in _upwards(path)):
        raise _unusable(path, "it lies in the repository that it is to guard")


def _is_inside(path: str, folder: str) -> bool:
    real = os.path.realpath(path)
    return real == folder or real.startswith(folder.rstrip("/") + "/")


def _upwards(path: str) -> list[str]:
    """Return the path and all folders on the way: a link in the repository could lead out of it again."""
    parts = os.path.normpath(path).split("/")
    return ["/".join(parts[:count]) for count in range(len(parts), 1, -1)]


def _unusable(path: str, why: str) -> ConfigError:
    return ConfigError(f"the administrator's policy cannot be used: {why}", file=path, hint=HINT, is_external=True)

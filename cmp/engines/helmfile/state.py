"""The check of a state of helmfile, as YAML: its hooks, credentials, charts made by kustomize, files of the machine.

Source of the keys: helmfile 1.1.7 and 1.8.0, pkg/state/state.go.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.engines.helmfile.template import PLACEHOLDER, without_actions
from cmp.errors import ConfigError
from cmp.yamldoc.access import mapping, maps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cmp.yamldoc.access import Map

    Path = tuple[str | int, ...]

HOOKS, EXEC, REF = "helmfile.hooks", "helmfile.exec", "helmfile.ref"  # features that a policy can allow

STATE_KEYS = frozenset(
    ("bases", "environments", "helmBinary", "helmDefaults", "helmfiles", "hooks", "releases", "repositories")
) | {"commonLabels", "templates"}
SUFFIXES = (".yaml", ".yml", ".yaml.gotmpl", ".yml.gotmpl")
CHARTIFY = ("jsonPatches", "strategicMergePatches", "transformers", "dependencies", "forceNamespace", "directory")
CREDENTIALS = ("username", "password", "certFile", "keyFile", "caFile", "registryConfig")

# The events of hooks that `build`, `list` and `template` fire; all others belong to verbs that change a cluster
# (helmfile 1.1.7 and 1.8.0, the calls of Trigger…Event in pkg/app/run.go and pkg/state/state.go).
FIRED = ("prepare", "cleanup")

# In a text that can be a state: a key of one, or an escape that could spell it.
_KEY = re.compile(rf"{'|'.join(sorted(STATE_KEYS))}|\\[xuU\n]|!!binary")
_YAML = re.compile(r"\.y[^/]*ml(\.gotmpl)?$")  # the names that helmfile looks for
_REMOTE = re.compile(r"\w[\w+.-]*(?:://|::)|git@")
FLAGS = ("args", "templateArgs")  # of helmDefaults, for `helm template`


class FeatureUse(NamedTuple):
    """A use of a feature that only the administrator's policy can allow: its subject, such as a hook, and its place."""

    feature: str
    subject: str
    place: str


class _Lines(NamedTuple):
    """The file of a state, and the lines of its keys."""

    file: str
    lines: Mapping[Path, int]

    def place(self, path: Path) -> str:
        line = self.lines.get(path)
        return f"{self.file}:{line}" if line else self.file


def is_state(path: str, text: str) -> bool:
    """Say whether a file of any name can be a state, or a part of one."""
    if not _KEY.search(text):
        return False
    return any(STATE_KEYS & value.keys() for _, value in documents(text, is_template=path.endswith(".gotmpl")))


def require_readable(text: str, file: str, *, is_rendered: bool) -> None:
    """ConfigError for a file that could be a state and is not YAML: helmfile's reader takes more than this one."""
    if (
        not _KEY.search(text)
        or not (is_rendered or _YAML.search(file))
        or (file.endswith(".gotmpl") and not is_rendered)
    ):
        return
    try:
        yamldoc.parse(text.encode(errors="replace"))
    except yamldoc.YamlError as error:
        raise ConfigError(
            f"this file cannot be looked at before helmfile reads it: {error.problem}",
            file=file if is_rendered else f"{file}:{error.line}:{error.column}",
            hint="correct it; where it is no YAML at all, give it another name",
        ) from None


def features(text: str, file: str, is_checked: Callable[[str], bool], *, is_rendered: bool) -> Iterator[FeatureUse]:
    """Yield the uses of features that a policy can allow; ConfigError for keys that no render supports.

    `is_checked` says whether the states that a text names are checked.
    """
    for document, value in documents(text, is_template=file.endswith(".gotmpl") and not is_rendered):
        lines = _Lines(file, {} if is_rendered else yamldoc.lines(document))
        _require_files(value, lines)
        _require_no_helm(value, lines)
        _require_checked_states(value, lines, is_checked)
        for index, repository in enumerate(maps(value.get("repositories"))):
            _require_no_credentials(repository, lines, ("repositories", index))
        yield from _hooks(value, "the helmfile", lines, ())
        defaults = mapping(value.get("helmDefaults"))
        _require_no_flags(defaults, lines)
        yield from _post_renderer(defaults, "helmDefaults", lines, ("helmDefaults",))
        for path, release in _releases(value):
            name = f"the release {release.get('name', path[-1])}"
            _require_chart(release, name, lines, path)
            yield from (*_hooks(release, name, lines, path), *_post_renderer(release, name, lines, path))


def documents(text: str, *, is_template: bool) -> Iterator[tuple[yamldoc.Document, Map]]:
    """Yield the maps of a stream; none of a text that is not YAML, whose mistakes helmfile tells itself."""
    try:
        parsed = yamldoc.parse((without_actions(text) if is_template else text).encode(errors="replace"))
    except yamldoc.YamlError:
        return
    for document in parsed:
        if isinstance(document.value, dict):
            yield document, document.value


def _releases(value: Map) -> Iterator[tuple[Path, Map]]:
    for index, release in enumerate(maps(value.get("releases"))):
        yield ("releases", index), release
    for name, template in mapping(value.get("templates")).items():
        yield ("templates", name), mapping(template)


def _hooks(value: Map, owner: str, lines: _Lines, path: Path) -> Iterator[FeatureUse]:
    for index, hook in enumerate(maps(value.get("hooks"))):
        if not _may_run(hook.get("events")):
            continue  # it never runs here, or these are values of a chart
        command = hook.get("command") or "kubectl apply"
        yield FeatureUse(HOOKS, f"the hook {command} of {owner}", lines.place((*path, "hooks", index)))


def _may_run(events: object) -> bool:
    """Say whether a hook of these events runs in a render, as far as its text tells: a template may make any name."""
    if not isinstance(events, list):
        return bool(events)
    return any(not isinstance(event, str) or event in FIRED or PLACEHOLDER in event for event in events)


def _post_renderer(value: Map, owner: str, lines: _Lines, path: Path) -> Iterator[FeatureUse]:
    if program := value.get("postRenderer"):
        subject = f"the postRenderer {program} of {owner}"
        yield FeatureUse(HOOKS, subject, lines.place((*path, "postRenderer")))


def _require_no_flags(defaults: Map, lines: _Lines) -> None:
    for key in FLAGS:
        if defaults.get(key):
            raise ConfigError(
                f"helmDefaults has {key}, which could be any flags of helm",
                file=lines.place(("helmDefaults", key)),
                hint="the values of releases, kubeVersion and apiVersions have keys of their own; move args for "
                "`helmfile sync` to syncArgs",
            )


def _require_no_helm(value: Map, lines: _Lines) -> None:
    """ConfigError for a helm that is not the pinned one: helmfile 1.8.0 runs it for the secrets of an environment."""
    program = value.get("helmBinary")
    if program and program != "helm":
        raise ConfigError(
            f"the helmfile names a helm of its own, {program}",
            file=lines.place(("helmBinary",)),
            hint="remove helmBinary: the version of helm is pinned, for helmfile alone by "
            "`helmfile: {helmVersion: …}` in cmp-app.yaml",
        )


def _require_chart(release: Map, name: str, lines: _Lines, path: Path) -> None:
    for key in CHARTIFY:
        if release.get(key):
            raise ConfigError(
                f"{name} has {key}: helmfile would make a chart of its own with kustomize",
                file=lines.place((*path, key)),
                hint="render the chart with `engine: [helm, kustomize]`, or patch it by its values",
            )
    if release.get("forceGoGetter"):
        raise _remote(f"{name} has a chart", lines.place(path))


def _require_no_credentials(repository: Map, lines: _Lines, path: Path) -> None:
    for key in CREDENTIALS:
        if repository.get(key):
            raise ConfigError(
                f"the repository {repository.get('name')} has {key} in the helmfile",
                file=lines.place((*path, key)),
                hint="credentials and certificates of repositories come from the files that HELM_REPOSITORY_CONFIG and "
                "HELM_REGISTRY_CONFIG name; remove them here",
            )


def _require_files(value: Map, lines: _Lines) -> None:
    for path, text in _named(value):
        if os.path.isabs(text):
            raise ConfigError(
                f"the helmfile names {text}, which leads outside the source tree",
                file=lines.place(path),
                hint="everything an application uses must lie in its repository",
            )
        if _REMOTE.match(text):
            raise _remote(f"the helmfile names {text}", lines.place(path))


def _require_checked_states(value: Map, lines: _Lines, is_checked: Callable[[str], bool]) -> None:
    """ConfigError for a state that is not checked because of its name."""
    for path, text in _named(value):
        is_other_state = path[0] in ("bases", "helmfiles") and "values" not in path
        if is_other_state and PLACEHOLDER not in text and not is_checked(text):
            raise ConfigError(
                f"the helmfile names the state {text}, which is not looked at before helmfile reads it",
                file=lines.place(path),
                hint="let its name end in .yaml or .yaml.gotmpl, and keep it out of the folders of charts",
            )


def _remote(subject: str, place: str) -> ConfigError:
    return ConfigError(
        f"{subject}, which helmfile would fetch over the network",
        file=place,
        hint="commit a copy and name that; charts come from repositories",
    )


def _named(value: Map) -> Iterator[tuple[Path, str]]:
    """Yield every text that names a file, or a state."""
    yield from _texts(value.get("bases"), ("bases",))
    yield from _texts(value.get("values"), ("values",))
    helmfiles = value.get("helmfiles")
    for index, entry in enumerate(helmfiles if isinstance(helmfiles, list) else ()):
        path: Path = ("helmfiles", index)
        yield from ((path, text) for text in (entry, mapping(entry).get("path")) if isinstance(text, str))
        yield from _texts(mapping(entry).get("values"), (*path, "values"))
    for path, owner in (*_environments(value), *_releases(value)):
        for key in ("values", "secrets", "valuesTemplate"):
            yield from _texts(owner.get(key), (*path, key))
        for key in ("set", "setTemplate"):
            for index, item in enumerate(maps(owner.get(key))):
                if isinstance(file := item.get("file"), str):
                    yield (*path, key, index, "file"), file


def _environments(value: Map) -> Iterator[tuple[Path, Map]]:
    for name, environment in mapping(value.get("environments")).items():
        yield ("environments", name), mapping(environment)


def _texts(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    for index, item in enumerate(value) if isinstance(value, list) else ():
        if isinstance(item, str):
            yield (*path, index), item

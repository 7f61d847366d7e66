"""What a state of helmfile asks for, as YAML: hooks, credentials, charts made by kustomize, files of the machine.

Source of the keys: helmfile 1.1.7, pkg/state/state.go.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.engines.helmfile.template import STAND_IN, outline
from cmp.errors import ConfigError
from cmp.yamldoc.access import mapping, maps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Path = tuple[str | int, ...]
    Map = dict[str, object]

STATE = frozenset(
    ("bases", "environments", "helmDefaults", "helmfiles", "hooks", "releases", "repositories", "templates")
) | {"commonLabels"}
NAMES = (".yaml", ".yml", ".yaml.gotmpl", ".yml.gotmpl")
CHARTIFY = ("jsonPatches", "strategicMergePatches", "transformers", "dependencies", "forceNamespace", "directory")
CREDENTIALS = ("username", "password", "certFile", "keyFile", "caFile", "registryConfig")

# What a text has that can be a state: a key of one, or what could write it in another way.
_KEY = re.compile(rf"{'|'.join(sorted(STATE))}|\\[xuU\n]|!!binary")
_YAML = re.compile(r"\.y[^/]*ml(\.gotmpl)?$")  # the names that helmfile looks for
_REMOTE = re.compile(r"\w[\w+.-]*://|git::|git@|s3::")


class Finding(NamedTuple):
    """Something that only the administrator's policy can allow: the feature, what would use it, and its place."""

    feature: str
    what: str
    place: str


class _Where(NamedTuple):
    """The file of a state, and the lines of its keys."""

    file: str
    lines: Mapping[Path, int]

    def place(self, path: Path) -> str:
        line = self.lines.get(path)
        return f"{self.file}:{line}" if line else self.file


def is_state(path: str, text: str) -> bool:
    """Say whether a file can be a state, or a part of one, whatever its name is."""
    if not _KEY.search(text):
        return False
    return any(STATE & value.keys() for _, value in documents(text, is_template=path.endswith(".gotmpl")))


def require_readable(text: str, file: str, *, is_rendered: bool) -> None:
    """ConfigError for what could be a state, and hold anything: helmfile's reader of YAML takes more than this one."""
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


def findings(text: str, file: str, is_seen: Callable[[str], bool], *, is_rendered: bool) -> Iterator[Finding]:
    """Yield what a policy can allow; ConfigError for what no render does.

    `is_seen` says whether the states that a text names are looked at.
    """
    for document, value in documents(text, is_template=file.endswith(".gotmpl") and not is_rendered):
        where = _Where(file, {} if is_rendered else yamldoc.lines(document))
        _require_files(value, where)
        _require_states(value, where, is_seen)
        for index, repository in enumerate(maps(value.get("repositories"))):
            _require_no_credentials(repository, where, ("repositories", index))
        yield from _hooks(value, "the helmfile", where, ())
        defaults = mapping(value.get("helmDefaults"))
        _require_no_flags(defaults, where)
        yield from _post_renderer(defaults, "helmDefaults", where, ("helmDefaults",))
        for at, release in _releases(value):
            name = f"the release {release.get('name', at[-1])}"
            _require_chart(release, name, where, at)
            yield from (*_hooks(release, name, where, at), *_post_renderer(release, name, where, at))


def documents(text: str, *, is_template: bool) -> Iterator[tuple[yamldoc.Document, Map]]:
    """Yield the maps of a stream, as far as it is one; helmfile says what is wrong with it."""
    try:
        parsed = yamldoc.parse((outline(text) if is_template else text).encode(errors="replace"))
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


def _hooks(value: Map, owner: str, where: _Where, path: Path) -> Iterator[Finding]:
    for index, hook in enumerate(maps(value.get("hooks"))):
        if not hook.get("events"):
            continue  # it never runs, or these are values of a chart
        command = hook.get("command") or "kubectl apply"
        yield Finding("helmfile.hooks", f"the hook {command} of {owner}", where.place((*path, "hooks", index)))


def _post_renderer(value: Map, owner: str, where: _Where, path: Path) -> Iterator[Finding]:
    if program := value.get("postRenderer"):
        what = f"the postRenderer {program} of {owner}"
        yield Finding("helmfile.hooks", what, where.place((*path, "postRenderer")))


def _require_no_flags(defaults: Map, where: _Where) -> None:
    if defaults.get("args"):
        raise ConfigError(
            "helmDefaults has args, which could be any flags of helm",
            file=where.place(("helmDefaults", "args")),
            hint="the values of releases, kubeVersion and apiVersions have keys of their own; move args for "
            "`helmfile sync` to syncArgs",
        )


def _require_chart(release: Map, name: str, where: _Where, path: Path) -> None:
    for key in CHARTIFY:
        if release.get(key):
            raise ConfigError(
                f"{name} has {key}: helmfile would make a chart of its own with kustomize",
                file=where.place((*path, key)),
                hint="render the chart with `engine: [helm, kustomize]`, or patch it by its values",
            )
    if release.get("forceGoGetter"):
        raise _remote(f"{name} has a chart", where.place(path))


def _require_no_credentials(repository: Map, where: _Where, path: Path) -> None:
    for key in CREDENTIALS:
        if repository.get(key):
            raise ConfigError(
                f"the repository {repository.get('name')} has {key} in the helmfile",
                file=where.place((*path, key)),
                hint="credentials and certificates of repositories come from the files that HELM_REPOSITORY_CONFIG and "
                "HELM_REGISTRY_CONFIG name; remove them here",
            )


def _require_files(value: Map, where: _Where) -> None:
    for path, text in _named(value):
        if os.path.isabs(text):
            raise ConfigError(
                f"the helmfile names {text}, which leads outside the source tree",
                file=where.place(path),
                hint="everything an application uses must lie in its repository",
            )
        if _REMOTE.match(text):
            raise _remote(f"the helmfile names {text}", where.place(path))


def _require_states(value: Map, where: _Where, is_seen: Callable[[str], bool]) -> None:
    """ConfigError for a state whose name keeps it from being looked at."""
    for path, text in _named(value):
        is_state_of_another = path[0] in ("bases", "helmfiles") and "values" not in path
        if is_state_of_another and STAND_IN not in text and not is_seen(text):
            raise ConfigError(
                f"the helmfile names the state {text}, which is not looked at before helmfile reads it",
                file=where.place(path),
                hint="let its name end in .yaml or .yaml.gotmpl, and keep it out of the folders of charts",
            )


def _remote(what: str, place: str) -> ConfigError:
    return ConfigError(
        f"{what}, which helmfile would fetch over the network",
        file=place,
        hint="commit a copy and name that; charts come from repositories",
    )


def _named(value: Map) -> Iterator[tuple[Path, str]]:
    """Yield every text that names a file, or a state."""
    yield from _texts(value.get("bases"), ("bases",))
    yield from _texts(value.get("values"), ("values",))
    helmfiles = value.get("helmfiles")
    for index, one in enumerate(helmfiles if isinstance(helmfiles, list) else ()):
        path: Path = ("helmfiles", index)
        yield from ((path, text) for text in (one, mapping(one).get("path")) if isinstance(text, str))
        yield from _texts(mapping(one).get("values"), (*path, "values"))
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

"""The keys of a configuration that changed, behind the settings of a pair that differ: the file and line of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp.model import Instance
    from cmp.repository.config import AppConfig
    from cmp.repository.instances import Repository


class KeyPlace(NamedTuple):
    """The file of a key, and its line there, in words; the line is that of the base where the key is gone."""

    file: str
    line: str


def place_of(
    sides: tuple[Repository, Repository], instances: tuple[Instance, Instance], setting: str
) -> KeyPlace | None:
    """Return the place of the first key that differs and decides about a setting; None where none is known to.

    The setting has the name that `cmp affected` gives it; `sides` are the repositories of base and head, `instances`
    those of the pair there.
    """
    changed = _CHANGED.get(setting)
    if changed is None or any(instance.is_builtin for instance in instances):
        return None
    before, after = (_settings(*side) for side in zip(sides, instances, strict=True))
    for key in changed(before, after):
        for settings, when in ((after, ""), (before, " before")):
            if key in settings.places:
                file, line, _ = settings.places[key].split(":")
                return KeyPlace(file, f"line {line}{when}")
    return None


def _settings(repository: Repository, instance: Instance) -> AppConfig:
    cluster = repository.places.cluster(instance.cluster)
    return repository.settings(instance.app, cluster, instance.app_folder, instance.instance_folder)


def _single(key: str, value: Callable[[AppConfig], object]) -> Callable[[AppConfig, AppConfig], Iterator[str]]:
    def changed(before: AppConfig, after: AppConfig) -> Iterator[str]:
        if value(before) != value(after):
            yield key

    return changed


def _options(before: AppConfig, after: AppConfig) -> Iterator[str]:
    for engine in sorted(before.options.keys() | after.options.keys()):
        old, new = before.options.get(engine, {}), after.options.get(engine, {})
        yield from (f"{engine}.{name}" for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name))


def _output(before: AppConfig, after: AppConfig) -> Iterator[str]:
    old, new = before.output, after.output
    yield from (f"output.{name}" for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name))


_CHANGED: dict[str, Callable[[AppConfig, AppConfig], Iterator[str]]] = {
    "engine": _single("engine", lambda settings: settings.engines),
    "release name": _single("release", lambda settings: settings.release),
    "namespace": _single("namespace", lambda settings: settings.namespace),
    "options": _options,
    "output rules": _output,
    "secret files": _single("secrets.files", lambda settings: settings.secret_files),
    "kept secrets": _single("secrets.keep", lambda settings: settings.kept_secrets),
}

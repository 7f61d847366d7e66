"""What the files in the folders of one application on one cluster are for: each has a use, or somebody is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import ConfigError
from cmp.repository import layout
from cmp.repository.instances.claims import OWN, Claims, unclaimed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.model import Layer
    from cmp.repository.config import AppConfig
    from cmp.repository.instances.engine import Built
    from cmp.repository.instances.manifests import Offer
    from cmp.repository.instances.repository import Repository
    from cmp.repository.instances.target import Target


class Chosen(NamedTuple):
    """The plain manifests that are read, in order, and those that the options leave out."""

    files: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class Files:
    """The folders of an application, with what its repository and its own configuration say of the files in them."""

    def __init__(self, repository: Repository, target: Target, own: AppConfig) -> None:
        self._repository = repository
        self._tree = repository.tree
        self._target = target
        self._own = own

    def manifests(self, folder: str) -> Iterator[str]:
        """Yield the paths of the plain manifests in a folder; no folder has none."""
        return self._offer().within(self._tree, folder)

    def chosen(self, built: Built) -> Chosen:
        """Return the manifests that an engine without a file of its own reads; nothing for any other engine."""
        if not self._is_plain(built):
            return Chosen()
        from cmp.repository.instances.manifests import Choice  # noqa: PLC0415  # few applications need it

        options = self._own.options.get(built.engines[-1], {})
        offered = [*self.manifests(built.folder)]
        files = Choice(built.folder, options, self._target.known, self._target.whose).of(offered)
        return Chosen(files, tuple(path for path in offered if path not in files))

    def unused(self, built: Built, used: frozenset[str]) -> Iterator[str]:
        """Yield a note for each YAML file of the application's folder that nothing uses.

        ConfigError for those of the instance's.
        """
        claims = self._values()._replace(files=used)
        of_engine = tuple(layout.parse(text) for one in built.engines for text in self._repository.engines[one].claims)
        if self._target.instance_folder:
            exact = claims._replace(values=(), known=self._target.known, built=built.folder, engine=of_engine)
            lost = [*unclaimed(self._tree, self._target.instance_folder, exact, self._is_other)]
            if lost:
                raise _lost(lost, self._advice(built, lost[0]))
        if self._is_plain(built) and built.folder != self._target.app_folder:
            yield from self._note_of_application(built)
            return
        claims = claims._replace(built=self._target.app_folder, engine=of_engine)
        for path in unclaimed(self._tree, self._target.app_folder, claims, self._is_other):
            advice = self._advice(built, path) or "no pattern of values files or of layout.ignore matches it"
            yield f"nothing uses the file {layout.shown(path)} here: {advice}"

    def _advice(self, built: Built, path: str) -> str:
        """Say why a file is no plain manifest; nothing where there could be none."""
        if not self._is_plain(built) or not path.startswith(f"{built.folder}/"):
            return ""
        if layout.match_name(OWN, path.rpartition("/")[2], {}) is not None:
            return "names that begin with cmp are kept for files of cmp"
        return "`plain: {recurse: true}` in cmp-app.yaml reads the folders below"

    def unread(self, built: Built, found: tuple[Layer, ...]) -> Iterator[str]:
        """Yield a note when there are values files and only plain manifests, which have no values."""
        if found and self._is_plain(built):
            paths = [layer.path for layer in found]
            yield f"nothing reads the {_listed(paths, 'values file')}: plain manifests take no values"

    def _note_of_application(self, built: Built) -> Iterator[str]:
        """Say that the manifests of the application's folder are not rendered, where the instance has its own."""
        folder = self._target.app_folder
        if next(self.manifests(folder), ""):
            own = layout.shown(next(self.manifests(built.folder), ""))
            yield f"nothing of {folder} is rendered: {built.folder} is, because it holds a manifest of its own, {own}"

    def _is_plain(self, built: Built) -> bool:
        return self._repository.engines[built.engines[-1]].is_fallback

    def _is_other(self, folder: str) -> bool:
        return bool(self._repository.place(folder, is_exact=True).app)

    def _values(self) -> Claims:
        """Return what has a use for a values file: a layer of another cluster has one, and what is ignored too.

        What only a fact tells apart is free.
        """
        config = self._repository.config
        ignored = tuple(layout.parse(text, "layout.ignore") for text in config.layout.ignore)
        values = tuple(layout.parse(text.pattern) for text in (*config.layout.values, *self._own.values))
        known = {"app": self._target.app}
        return Claims(frozenset(), ignored, values, config.secret_suffixes, known, (), "")

    def _offer(self) -> Offer:
        from cmp.repository.instances.manifests import Offer  # noqa: PLC0415  # few applications need it

        engine, facts = next((name, facts) for name, facts in self._repository.engines.items() if facts.is_fallback)
        is_deep = bool(self._own.options.get(engine, {}).get("recurse"))
        return Offer(facts.markers, self._values().has_file, self._is_other, is_deep)


def _lost(paths: list[str], advice: str) -> ConfigError:
    usual = "rename it so that a pattern of layout.values matches it, or name it in layout.ignore of cmp.yaml"
    return ConfigError(f"nothing uses the {_listed(paths, 'file')}", hint="; ".join(filter(None, (advice, usual))))


def _listed(paths: list[str], noun: str) -> str:
    return f"{noun}{'s' if len(paths) > 1 else ''} {', '.join(layout.shown(path) for path in paths)}"

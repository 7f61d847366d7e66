"""The files and kinds that `secrets` of cmp.yaml and cmp-app.yaml lists: to be decrypted, or to stay encrypted."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, NamedTuple

from cmp.engines.registry import HELM
from cmp.errors import ConfigError
from cmp.repository import layout
from cmp.repository.config import FILE as CONFIG_FILE
from cmp.repository.instances.files import SecretLists

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.repository.config import AppConfig
    from cmp.repository.instances.files import EngineChoice
    from cmp.repository.instances.repository import Repository, Target


class _List(NamedTuple):
    """One list of patterns: its key, the folder from which they start, and the place that says it."""

    key: str
    patterns: tuple[str, ...]
    folder: str
    file: str


def read(repository: Repository, target: Target, choice: EngineChoice, *, settings: AppConfig) -> SecretLists:
    """Return what is listed for a pair.

    ConfigError for a literal path that is no file, and for a file outside of the charts that are rendered.
    """
    reader = _Reader(repository, target)
    folder = choice.chart_folder or choice.folder
    files = _List("files", settings.secret_files, folder, settings.places.get("secrets.files", ""))
    kept = _List("keep", settings.kept_secrets, folder, settings.places.get("secrets.keep", ""))
    everywhere = _List("keep", repository.config.kept_secrets, "", CONFIG_FILE)
    if choice.chart and not choice.folder:
        _require_no_files(files, kept)
    paths = tuple(reader.paths(files))
    reader.require_rendered(paths, choice, files)
    return SecretLists(
        files=paths,
        kept_files=tuple(dict.fromkeys((*reader.paths(everywhere), *reader.paths(kept)))),
        kept_kinds=tuple(dict.fromkeys(filter(_is_kind, (*everywhere.patterns, *kept.patterns)))),
    )


def _require_no_files(*lists: _List) -> None:
    """ConfigError for a file of a chart that lies in no folder of the tree."""
    for listed in lists:
        for text in listed.patterns:
            if listed.key == "files" or not _is_kind(text):
                raise ConfigError(
                    f"secrets.{listed.key} names {text}, and the chart is one of a repository: no file of it lies here",
                    file=listed.file,
                    hint="encrypted values files need no list: their names, or sops' metadata in them, say so",
                )


class _Reader:
    def __init__(self, repository: Repository, target: Target) -> None:
        self._tree = repository.tree
        self._target = target

    def paths(self, listed: _List) -> Iterator[str]:
        """Yield the files that a list names, each once."""
        patterns = (text for text in listed.patterns if listed.key == "files" or not _is_kind(text))
        yield from dict.fromkeys(path for text in patterns for path in self._matches(text, listed))

    def _matches(self, text: str, listed: _List) -> Iterable[str]:
        whole = posixpath.normpath(posixpath.join(listed.folder, text))
        if whole.startswith("../"):
            raise ConfigError(
                f"secrets.{listed.key} names {text}, which leads outside the source tree", file=listed.file
            )
        pattern = layout.parse(whole, listed.file)
        layout.require(pattern, self._target.known, self._target.whose)
        paths = [match.path for match in layout.expand(self._tree, pattern, self._target.known) if match.kind == "file"]
        # A file that cmp.yaml lists may be that of another application.
        if not (paths or pattern.has_wildcard or not listed.folder):
            raise ConfigError(
                f"secrets.{listed.key} names {text}, but there is no file {layout.fill(pattern, self._target.known)}",
                file=listed.file,
                hint=f"its paths start in the folder that is rendered, {listed.folder}",
            )
        return paths

    def require_rendered(self, paths: Iterable[str], choice: EngineChoice, listed: _List) -> None:
        """ConfigError for a file outside of the folder that is rendered, and of the `file://` charts that it takes."""
        outside = [path for path in paths if not path.startswith(f"{listed.folder}/")]
        if not outside:
            return
        from cmp.artifacts.charts.dependencies import local_folders  # noqa: PLC0415  # most lists stay in the folder

        folders = local_folders(self._tree, listed.folder) if HELM in choice.engines else ()
        for path in outside:
            if not path.startswith(tuple(f"{folder}/" for folder in folders)):
                raise ConfigError(
                    f"secrets.files names {path}, which is in no chart that is rendered",
                    file=listed.file,
                    hint=f"its paths start in the folder that is rendered, {listed.folder}, and lead out of it only "
                    "to a chart that its Chart.yaml names by `repository: file://…`",
                )


def _is_kind(text: str) -> bool:
    """Return whether an entry of `keep` is a kind, as in `SopsSecret`, and no pattern of files."""
    return text[:1].isupper() and text.isalnum()

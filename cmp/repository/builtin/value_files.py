"""The files that the block `helm` names, as values and as texts of values, found as Argo CD finds them.

Source: argoproj/argo-cd 3.6, reposerver/repository/repository.go (`getResolvedValueFiles`), util/io/path/resolved.go.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.settings import VALUE_FILE_GLOBS
from cmp.errors import ConfigError, suggestion
from cmp.model import Layer, RemoteRef
from cmp.repository.builtin.patterns import doublestar, is_pattern
from cmp.repository.builtin.sources import elsewhere, in_tree, is_oci
from cmp.system.globs import PatternError
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.repository.builtin.sources import SourceContext
    from cmp.system.tree import Tree

WEB = ("http", "https")  # of the URLs that helm fetches by itself
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")  # as Go's url.Parse finds it
_REF = re.compile(r"[a-zA-Z0-9_-]+")


class _Path(NamedTuple):
    """A path in a tree; `name` is that of another repository, and empty for the Application's own."""

    tree: Tree
    path: str
    name: str = ""


class ValueFiles:
    """Finds the files that a source names; ConfigError, at their place in the Application, for what is not there."""

    def __init__(self, context: SourceContext) -> None:
        self._context = context
        self._is_chart = bool(context.application.source.chart) or is_oci(context.application.source)
        self._has_patterns = context.settings.is_from(VALUE_FILE_GLOBS)

    def layers(self, texts: tuple[str, ...], *, may_miss: bool) -> tuple[Layer, ...]:
        """Return the values files in Argo CD's order, weakest first.

        From 3.4 on an entry may be a pattern, which stands for the files that no other entry names, and a file counts
        once, where it is first.
        """
        entries = [
            (self._is_pattern(text), [*self._entry(text, index, may_miss=may_miss)]) for index, text in enumerate(texts)
        ]
        if not self._has_patterns:
            return tuple(layer for _, layers in entries for layer in layers)
        named = {layer.path for is_glob, layers in entries if not is_glob for layer in layers}
        wanted = (layer for is_glob, layers in entries for layer in layers if not (is_glob and layer.path in named))
        first: dict[str, Layer] = {}
        for layer in wanted:
            first.setdefault(layer.path, layer)
        return tuple(first.values())

    def text(self, text: str, index: int) -> Layer:
        """Return the file of an entry of `fileParameters`."""
        place = self._context.place("helm", "fileParameters", index, "path")
        found = self._located(text, place)
        return found if isinstance(found, Layer) else self._file(found, text, place)

    def _is_pattern(self, text: str) -> bool:
        return self._has_patterns and is_pattern(self._context.expanded(text)) and not _SCHEME.match(text)

    def _entry(self, text: str, index: int, *, may_miss: bool) -> Iterator[Layer]:
        place = self._context.place("helm", "valueFiles", index)
        found = self._located(text, place)
        if isinstance(found, Layer):
            if not found.in_chart or self._has_patterns or not is_pattern(found.path):
                yield found._replace(is_optional=may_miss)
            elif not may_miss:
                raise ConfigError(
                    f"Argo CD {self._context.settings.version} takes no pattern, and the chart has no file {text}",
                    file=place,
                    hint="name the files, or update Argo CD to 3.4",
                )
        elif self._has_patterns and is_pattern(found.path):
            yield from self._matches(found, text, place, may_miss=may_miss)
        elif not (may_miss and found.tree.kind(found.path) in ("missing", "other")):
            yield self._file(found, text, place)

    def _matches(self, found: _Path, text: str, place: str, *, may_miss: bool) -> Iterator[Layer]:
        try:
            paths = doublestar(found.tree, found.path)
        except PatternError as error:
            raise ConfigError(f"the pattern {text} is malformed: {error}", file=place) from None
        if not (paths or may_miss):
            raise ConfigError(
                f"no values file matches {text}",
                file=place,
                hint="correct the pattern, or set `ignoreMissingValueFiles: true`",
            )
        yield from (self._file(found._replace(path=path), text, place) for path in paths)

    def _file(self, found: _Path, text: str, place: str) -> Layer:
        kind = found.tree.kind(found.path)
        if kind != "file":
            name = join(found.name, found.path) or "."
            what = "does not exist" if kind in ("missing", "other") else f"is a {kind}"
            where = "" if text in (name, f"/{name}") else f" ({name})"
            raise ConfigError(
                f"the file {text}{where} {what}",
                file=place,
                hint="correct the path, or commit the file; `ignoreMissingValueFiles: true` leaves out values files "
                "that are not there",
            )
        if found.name:
            return Layer(join(found.name, found.path), is_secret=False, source=place, data=found.tree.read(found.path))
        return Layer(found.tree.resolve(found.path), is_secret=False, source=place)

    def _located(self, text: str, place: str) -> _Path | Layer:
        """Return where a path leads: into a tree, to a web server, or into the chart that is rendered."""
        ref = text.partition("/")[0] if text.startswith("$") else ""
        if ref and self._has_refs:
            return self._in_ref(ref.removeprefix("$"), self._context.expanded(text.removeprefix(ref)), text, place)
        path = self._context.expanded(text)
        if scheme := _SCHEME.match(path):
            return self._remote(path, scheme[1].lower(), place)
        if self._is_chart:
            return self._in_chart(path, text, place)
        tree, folder = self._context.tree, self._context.folder
        top = "" if path.startswith("/") else join(tree.prefix, folder)
        return _Path(tree, self._inside(tree, join(top, path.lstrip("/")), text, place))

    @property
    def _has_refs(self) -> bool:
        """Say whether the Application has a list of sources: only there `$name/…` names one of them."""
        return "sources" in self._context.application.location.path

    def _in_ref(self, ref: str, path: str, text: str, place: str) -> _Path:
        refs = {one.source.ref: one for one in self._context.application.sources if one.source.ref}
        if ref not in refs:
            raise ConfigError(
                f"{text} names the source ${ref}, and no source has `ref: {ref}`",
                file=place,
                hint=suggestion(ref, refs),
            )
        source, surroundings = refs[ref].source, self._context.surroundings
        if source.chart or not _REF.fullmatch(ref):
            why = (
                "a chart has no files for other sources"
                if source.chart
                else "its name may have letters, digits, _ and -"
            )
            raise ConfigError(f"Argo CD refuses the source ${ref}: {why}", file=refs[ref].location.place)
        if surroundings.is_own(source.repo_url):
            return _Path(self._context.tree, self._inside(self._context.tree, path, text, place))
        other = surroundings.others.get((source.repo_url, source.target_revision))
        if other is None:
            raise elsewhere(f"{text} lies", source.repo_url, place)
        return _Path(other, self._inside(other, path, text, place), f"${ref}")

    def _inside(self, tree: Tree, path: str, text: str, place: str) -> str:
        clean = posixpath.normpath(path.lstrip("/"))
        inside = None if clean.split("/")[0] == ".." else in_tree(tree, clean)
        if not inside:
            what = (
                "outside the repository" if clean.split("/")[0] in ("..", ".") else f"outside the folder {tree.prefix}"
            )
            raise ConfigError(
                f"{text} leads {what}", file=place, hint="Argo CD refuses it, too" if ".." in what else ""
            )
        return inside

    def _remote(self, url: str, scheme: str, place: str) -> Layer:
        schemes = self._context.settings.schemes
        if scheme not in (allowed.lower() for allowed in schemes):
            raise ConfigError(
                f"Argo CD does not allow the scheme {scheme} of values files",
                file=place,
                hint=f"its setting helm.valuesFileSchemes has {', '.join(schemes) or 'none'}",
            )
        if scheme not in WEB:
            raise ConfigError(
                f"a values file of the scheme {scheme} needs a plugin of helm, which no render runs", file=place
            )
        if "@" in url.partition("://")[2].partition("/")[0]:
            raise ConfigError(
                "the URL of a values file holds a name or a password, which would stand in every message",
                file=place,
                hint="commit the file to a repository: files of web servers are fetched without credentials",
            )
        return Layer(url, is_secret=False, source=place, remote=RemoteRef(url, "", place, is_file=True))

    def _in_chart(self, path: str, text: str, place: str) -> Layer:
        clean = posixpath.normpath(path.lstrip("/"))
        if clean.split("/")[0] in ("..", "."):
            raise ConfigError(f"{text} leads outside the chart", file=place)
        return Layer(clean, is_secret=False, source=place, in_chart=True)

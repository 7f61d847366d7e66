"""The files of a chart with all its subcharts -> the keys of its values that something reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import suggestion
from cmp.render.values_use import known
from cmp.render.values_use.atoms import TooMuchError
from cmp.render.values_use.reading import Reader
from cmp.render.values_use.syntax import OPEN, NotATemplateError
from cmp.render.values_use.use import GLOBAL, Use
from cmp.repository.values.chart import parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cmp.repository.values.chart import ChartPart

TEMPLATES = "templates/"
NEAR = "did you mean"
SCHEMA = "values.schema.json"

_OWN = re.compile(r"(?!charts/|templates/)")  # what `.Files` of a chart may be


def hint(path: tuple[str, ...], uses: Sequence[ChartUse]) -> str:
    """Return more about a key that nothing reads, as the end of a sentence: a key like it, and what a schema says."""
    beside = {key for use in uses for key in use.keys.known_beside(path)}
    near = suggestion(path[-1], beside)
    parts = [SCHEMA + " does not know it"] if any(use.is_unknown(path) for use in uses) else []
    return "; ".join([*parts, *([near] if near.startswith(NEAR) else [])])


class Texts(NamedTuple):
    """The texts in the values that a chart gets that may be templates; with `are_hidden` there are others."""

    known: tuple[str, ...] = ()
    are_hidden: bool = False


class ChartUse(NamedTuple):
    """The keys that a chart and its subcharts read, and their schemas by the paths of their values."""

    keys: Use
    schemas: tuple[tuple[tuple[str, ...], bytes], ...]

    def unread(self, path: Sequence[str | int]) -> tuple[str, ...] | None:
        """Return the beginning of a path from which on nothing reads it; None where something does, or may.

        Of a list nobody reads a part without the whole.  A key that a schema may ask for, or refuses, is one that is
        read.
        """
        found = self.keys.unread(tuple(str(part) for part in path[: _first_index(path)]))
        return None if found is None or "unclear" in self._judged(found) else found

    def is_unknown(self, path: tuple[str, ...]) -> bool:
        """Say whether a schema lists the keys at the place of this one, and not this one."""
        return "unknown" in self._judged(path)

    def _judged(self, path: tuple[str, ...]) -> list[str]:
        """Return how each schema takes a key; those of all charts see what is `global`."""
        of_all = path[path.index(GLOBAL) :] if GLOBAL in path else None
        return [
            known.judged(schema, of_all or path[len(prefix) :])
            for prefix, schema in self.schemas
            if of_all or path[: len(prefix)] == prefix
        ]


def use_of(files: Mapping[str, bytes], texts: Callable[[], Texts]) -> ChartUse | None:
    """Return the use of a chart's values; None where nobody can tell.

    `files` are those of the chart, with packed subcharts unpacked beside themselves.  `texts` is called where
    the templates read such.
    """
    try:
        charts = list(parts(files, ""))
    except yamldoc.YamlError:
        return None
    if any(_is_incomplete(chart, charts) for chart in charts):
        return None
    use = Use(chart.prefix for chart in charts)
    for chart in charts:
        _declared(chart, use)
    reader = Reader(use)
    try:
        bodies = [
            (chart.prefix, reader.add("/".join((*chart.prefix, path)), _text(data)))
            for chart in charts
            for path, data in chart.files.items()
            if path.startswith(TEMPLATES)
        ]
        for prefix, body in bodies:
            reader.follow_root(body, prefix)
        if reader.contexts:
            given = texts()
            if given.are_hidden:
                return None
            reader.follow_texts([*given.known, *_texts(charts)])
            if reader.has_files:
                reader.follow_texts(_files(charts))
    except (NotATemplateError, TooMuchError, RecursionError, yamldoc.YamlError):
        return None
    use.reads_files = reader.has_files
    if use.is_whole():
        return None
    schemas = ((chart.prefix, chart.files[SCHEMA]) for chart in charts if SCHEMA in chart.files)
    return ChartUse(use, tuple(schemas))


def _first_index(path: Sequence[str | int]) -> int | None:
    return next((at for at, part in enumerate(path) if isinstance(part, int)), None)


def texts_of(data: bytes) -> tuple[str, ...]:
    """Return the texts in a values file that may be templates."""
    return tuple(strings(yamldoc.load_all(data)[:1])) if OPEN.encode() in data else ()


def strings(value: object) -> Iterator[str]:
    """Yield the texts in a value, keys too, that may be templates."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str) and OPEN in value:
        yield value


def _texts(charts: Sequence[ChartPart]) -> Iterator[str]:
    for chart in charts:
        yield from texts_of(chart.files.get("values.yaml", b""))


def _files(charts: Sequence[ChartPart]) -> Iterator[str]:
    """Yield the files that templates may read."""
    for chart in charts:
        yield from (_text(data) for path, data in chart.files.items() if _OWN.match(path))


def _is_incomplete(chart: ChartPart, charts: Sequence[ChartPart]) -> bool:
    """Say whether a dependency is missing."""
    there = {one.prefix for one in charts}
    return any((*chart.prefix, str(one.get("alias") or one.get("name"))) not in there for one in chart.declared)


def _declared(chart: ChartPart, use: Use) -> None:
    """Mark the values that Chart.yaml reads: conditions and tags of dependencies, and `import-values`."""
    for dependency in chart.declared:
        for condition in str(dependency.get("condition") or "").split(","):
            if condition.strip():
                use.read((*chart.prefix, *condition.strip().split(".")))
        if dependency.get("tags"):
            use.read((*chart.prefix, "tags"))
    for _, source in chart.imports:
        use.read(source)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")

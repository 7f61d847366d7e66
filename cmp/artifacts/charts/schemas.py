"""The values.schema.json of a chart and of all charts inside it, folders and archives: found, searched, replaced.

A search of the bytes tells almost all schemas apart from those that refer to another document; its result for an
archive is kept in the chart cache.
"""

from __future__ import annotations

import os
import posixpath
import re
from typing import TYPE_CHECKING

from cmp import __version__
from cmp.errors import ChartError
from cmp.system.files import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.artifacts.cache import ChartCache
    from cmp.artifacts.charts.archive import SchemaChange

FILE = "values.schema.json"
CHARTS = "charts"
ARCHIVE = ".tgz"

# A schema without a match refers to itself alone.  The expression finds a key that could be spelled another way, a
# reference or dialect that is a URL, and a name with a fragment, which the older of Helm's libraries would look up.
_OUTSIDE = re.compile(
    rb'\\u|"\$(?:ref|dynamicRef|recursiveRef)"\s*:\s*"(?!#)|"\$?id"\s*:\s*"(?:[^"\\#]|\\.)+#[^"]'
    rb'|"\$schema"\s*:\s*"(?!https?://json-schema\.org/(?:draft-0[467]/|draft/20(?:19-09|20-12)/)?schema#?")'
)


def may_refer(schema: bytes) -> bool:
    """Say whether a schema may refer to another document."""
    return _OUTSIDE.search(schema) is not None


def referring(chart: str, cache: ChartCache) -> list[str]:
    """Return the schemas, and the archives with a schema, that may refer to other documents, by path from a chart.

    `chart` is a folder or an archive.  ChartError for a file that is no archive.
    """
    if os.path.isfile(chart):
        return [""] if _archive_may_refer(_read(chart), posixpath.basename(chart), cache) else []
    return [path for path, content in _schemas(chart) if _may_refer(path, content, cache)]


def replaced(chart: str, path: str, label: str, change: SchemaChange) -> bytes:
    """Return the changed content of a file that `referring` returned."""
    data = _read(os.path.join(chart, path) if path else chart)
    name = posixpath.join(label, path) if path else label
    if posixpath.basename(path) == FILE:
        return change(name, data)
    from cmp.artifacts.charts.archive import repacked  # noqa: PLC0415  # few archives have such a schema

    return repacked(data, name, change)


def _schemas(folder: str, below: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield schemas and archives of a chart's folder, each by its path."""
    place = os.path.join(folder, below)
    if os.path.isfile(file := os.path.join(place, FILE)):
        yield posixpath.join(below, FILE), _read(file)
    try:
        with os.scandir(os.path.join(place, CHARTS)) as entries:
            names = sorted((entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith(("_", ".")))
    except OSError:
        return
    for name, is_folder in names:
        path = posixpath.join(below, CHARTS, name)
        if is_folder:
            yield from _schemas(folder, path)
        elif name.endswith(ARCHIVE):
            yield path, _read(os.path.join(folder, path))


def _may_refer(path: str, content: bytes, cache: ChartCache) -> bool:
    return _archive_may_refer(content, path, cache) if path.endswith(ARCHIVE) else may_refer(content)


def _archive_may_refer(data: bytes, label: str, cache: ChartCache) -> bool:
    question = f"{__version__}\n{sha256(data)}"
    answer = cache.note("schemas", question)
    if not isinstance(answer, bool):
        from cmp.artifacts.charts.archive import repacked  # noqa: PLC0415  # only for an archive that was not seen before

        answers: list[bool] = []

        def search(_: str, schema: bytes) -> bytes:
            answers.append(may_refer(schema))
            return schema

        repacked(data, label, search)
        answer = any(answers)
        cache.keep_note("schemas", question, answer)
    return answer


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ChartError(f"cannot read {posixpath.basename(path)}: {error.strerror}", is_external=True) from None

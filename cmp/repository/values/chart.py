"""The files of a chart and its subcharts, packed or not, and those that decide its values: Chart.yaml, values.yaml."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import ChartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Files = dict[str, bytes]

TEMPLATE = b'{"values": {{ toJson .Values }}}\n'

_CHART = r"(?:charts/[^/._][^/]*/)*"  # Helm passes over names that begin with a dot or an underline
_DECIDES = re.compile(rf"{_CHART}(?:(?:Chart|requirements|values)\.yaml|charts/[^/._][^/]*\.tgz)")
_PACKED = re.compile(rf"{_CHART}charts/[^/._][^/]*\.tgz")
_SUBCHART = re.compile(r"(charts/[^/]+)/Chart\.yaml")


class Defaults(NamedTuple):
    """A chart's values.yaml; `prefix` is the path of its values in those of the chart at the top.

    `imports` are the chart's `import-values`: a key that takes values from a subchart, and that of the subchart.
    """

    prefix: tuple[str, ...]
    label: str
    data: bytes
    imports: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()


class ChartPart(NamedTuple):
    """A chart or one of its subcharts: its files by their paths in it, those of its own subcharts among them.

    `prefix` is the path of its values in those of the chart at the top, `declared` are its dependencies.
    """

    prefix: tuple[str, ...]
    label: str
    files: Mapping[str, bytes]
    declared: tuple[Mapping[str, object], ...]

    @property
    def imports(self) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        """The `import-values`: a key that takes values from a subchart, and that of the subchart."""
        prefix = self.prefix
        return tuple((prefix + target, prefix + source) for use in self.declared for target, source in _imports(use))


def skeleton(folder: str, target: str) -> Files:
    """Write a chart to `target` that has the values of the chart in `folder`, prints them and does nothing else.

    No template of the chart can fail in it, and no schema refuses.  Returns the files that decide the values.
    """
    files = {
        name: data
        for path, content in of_folder(folder, is_wanted=_decides)
        for name, data in _unpacked(path, content, _decides)
    }
    for path, data in {**files, "templates/values.yaml": TEMPLATE}.items():
        place = os.path.join(target, path)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as file:
            file.write(data)
    return files


def title(files: Mapping[str, bytes]) -> str:
    """Return the name and the version of a chart, as in `redis-1.2.3`."""
    return "-".join(_identity(files))


def defaults(files: Mapping[str, bytes], label: str) -> list[Defaults]:
    """Return the default values of a chart, called `label`, and of its subcharts; parents first: they are stronger."""
    found = (
        Defaults(part.prefix, part.label, part.files.get("values.yaml", b""), part.imports)
        for part in parts(files, label)
    )
    return sorted(found, key=lambda chart: (len(chart.prefix), chart.prefix))


def whole(files: Iterable[tuple[str, bytes]]) -> Files:
    """Return all files of a chart by their paths in it, those of packed subcharts as if they were unpacked there.

    ChartError for a file in charts/ that should be an archive.
    """
    return {name: data for path, content in files for name, data in _unpacked(path, content, _is_any)}


def of_folder(folder: str, *, is_wanted: Callable[[str], bool] | None = None) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a folder by their paths in it."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.relpath(os.path.join(parent, name), folder)
            if (is_wanted is None or is_wanted(path)) and os.path.isfile(os.path.join(folder, path)):
                with open(os.path.join(folder, path), "rb") as file:
                    yield path, file.read()


def _decides(path: str) -> bool:
    return _DECIDES.fullmatch(path) is not None


def _is_any(_: str) -> bool:
    return True


def _unpacked(path: str, data: bytes, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yield a file, or the files of a packed chart as if they were unpacked beside it."""
    if not _PACKED.fullmatch(path):
        yield path, data
        return
    import tarfile  # noqa: PLC0415  # few commands look into archives
    from io import BytesIO  # noqa: PLC0415

    try:
        with tarfile.open(fileobj=BytesIO(data), mode="r:gz") as archive:
            for member in archive:
                inner = member.name.partition("/")[2]
                file = archive.extractfile(member) if member.isfile() and is_wanted(inner) else None
                if file:
                    yield from _unpacked(f"{path.removesuffix('.tgz')}/{inner}", file.read(), is_wanted)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ChartError(f"this is not a chart archive ({error})", file=path) from None


def parts(files: Mapping[str, bytes], label: str, prefix: tuple[str, ...] = ()) -> Iterator[ChartPart]:
    """Yield a chart, called `label`, and its subcharts."""
    declared = tuple(_dependencies(files))
    yield ChartPart(prefix, label, files, declared)
    for path in files:
        if match := _SUBCHART.fullmatch(path):
            folder = f"{match[1]}/"
            inside = {name.removeprefix(folder): data for name, data in files.items() if name.startswith(folder)}
            name, version = _identity(inside)
            for known_as in _names(name, version, declared):
                yield from parts(inside, f"{name}-{version}/values.yaml", (*prefix, known_as))


def _identity(files: Mapping[str, bytes]) -> tuple[str, str]:
    chart = _mapping(files.get("Chart.yaml", b""))
    return str(chart.get("name")), str(chart.get("version"))


def _dependencies(files: Mapping[str, bytes]) -> Iterator[Mapping[str, object]]:
    """Yield the dependencies that Chart.yaml, or the requirements.yaml of an old chart, declares."""
    for name in ("Chart.yaml", "requirements.yaml"):
        declared = _mapping(files.get(name, b"")).get("dependencies")
        for dependency in declared if isinstance(declared, list) else ():
            if isinstance(dependency, dict):
                yield dependency


def _names(name: str, version: str, declared: Sequence[Mapping[str, object]]) -> list[str]:
    """Return the names under which a subchart's values stand: its aliases, each a use of its own."""
    uses = [dependency for dependency in declared if dependency.get("name") == name]
    exact = [dependency for dependency in uses if dependency.get("version") == version]
    return [str(dependency.get("alias") or name) for dependency in exact or uses] or [name]


def _imports(use: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield (key in the chart, key in its values for the subchart) for each of the two ways to write an import."""
    subchart = str(use.get("alias") or use.get("name"))
    wanted = use.get("import-values")
    for item in wanted if isinstance(wanted, list) else ():
        if isinstance(item, str):
            yield (), (subchart, "exports", *item.split("."))
        elif isinstance(item, dict):
            child, parent = str(item.get("child")), str(item.get("parent"))
            yield () if parent == "." else tuple(parent.split(".")), (subchart, *child.split("."))


def _mapping(data: bytes) -> Mapping[str, object]:
    documents = yamldoc.load_all(data)
    return documents[0] if documents and isinstance(documents[0], dict) else {}

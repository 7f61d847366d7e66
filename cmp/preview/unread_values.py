"""The changed keys of values files that nothing reads, such as a misspelled one beside the real one.

A key is told only where all pairs that have the file as a layer are rendered by helm, every chart of theirs is at hand,
and none of them can read it.  A key that holds an anchor is there for that.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import lockfile
from cmp.changes import UnreadValue
from cmp.engines.registry import HELM
from cmp.errors import CmpError
from cmp.preview.labels import pair_order
from cmp.render.values_use.at_hand import NotAtHandError, chart_of
from cmp.render.values_use.charts import Texts, hint, texts_of, use_of
from cmp.repository import values
from cmp.secrets.sops import CIPHERTEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cmp.changes import Subject
    from cmp.context import Context
    from cmp.model import Instance, Layer
    from cmp.preview.affected import TouchedPair
    from cmp.preview.sides import Side
    from cmp.render.values_use.charts import ChartUse
    from cmp.repository.values.provenance import Origin

    Path = tuple[str, ...]
    Key = tuple[str | int, ...]

_ANCHOR = re.compile(rb"(?:^|[\s:,\[{-])&[^\s,\[\]{}]+", re.MULTILINE)


class _User(NamedTuple):
    """A pair that has a file as a layer, and the instance of it."""

    subject: Subject
    instance: Instance


def unread_values(base: Side, head: Side, touched: Iterable[TouchedPair], context: Context) -> tuple[UnreadValue, ...]:
    """Return the keys that a change adds or changes and that nothing reads, sorted by place."""
    users = _users(head, touched)
    charts = _Charts(head, [user.instance for of_layer in users.values() for user in of_layer], context)
    found: list[UnreadValue] = []
    for path, of_layer in users.items():
        try:
            found += _of_layer(path, base, head, of_layer, charts)
        except CmpError:  # the render reports it
            continue
    return tuple(sorted(found, key=_order))


def _order(one: UnreadValue) -> tuple[object, ...]:
    file, _, line = one.place.rpartition(":")
    return file, int(line), one.path


def _users(head: Side, touched: Iterable[TouchedPair]) -> dict[str, list[_User]]:
    """Return the changed layers, each with all that use it."""
    users: dict[str, list[_User]] = defaultdict(list)
    for pair in touched:
        paths = {changed.path for changed in pair.inputs}
        resolved = head.pairs.get(pair.key)
        for source in resolved.sources if resolved else ():
            for path in paths.intersection(source.inputs.layers):
                users[path].append(_User(pair.subject, source.instance))
    return users


def _of_layer(path: str, base: Side, head: Side, users: Sequence[_User], charts: _Charts) -> Iterator[UnreadValue]:
    used = [charts.of(user.instance, path) for user in users]
    uses = [use for use in dict.fromkeys(used) if use is not None]
    if None in used:
        return
    data = head.tree.read(path)
    origins = values.provenance([(path, data)])
    before = values.provenance([(path, base.tree.read(path))]) if base.tree.kind(path) == "file" else {}
    lines = sorted({origin.place.line for origin in origins.values()})
    subjects = tuple(sorted(dict.fromkeys(user.subject for user in users), key=pair_order))
    told: set[Path] = set()
    for leaf, origin in origins.items():
        is_inner = isinstance(origin.value, dict) and origin.value
        if is_inner or (leaf in before and before[leaf].value == origin.value):
            continue
        unread = _unread(leaf, uses)
        if unread is None or unread in told:
            continue
        told.add(unread)
        place = origins[unread].place
        if not _holds_anchor(data, unread, origins, lines):
            yield UnreadValue(place.text, unread, hint(unread, uses), subjects)


def _unread(leaf: Key, uses: Iterable[ChartUse]) -> Path | None:
    """Return the key on the way to a leaf from which on no chart reads anything; None where one does, or may."""
    found: Path = ()
    for use in uses:
        unread = use.unread(leaf)
        if unread is None:
            return None
        found = max(found, unread, key=len)
    return found or None


def _holds_anchor(data: bytes, path: Path, origins: Mapping[Key, Origin], lines: Sequence[int]) -> bool:
    """Say whether an anchor stands in the lines of a key, for aliases elsewhere."""
    own = [origin.place.line for key, origin in origins.items() if key[: len(path)] == path]
    last = max(own)
    end = next((line for line in lines if line > last), None)
    text = b"\n".join(data.split(b"\n")[min(own) - 1 : end - 1 if end else None])
    return _ANCHOR.search(text) is not None


class _Charts:
    """The use of the values of each chart; every chart is read once, with the values of all pairs that have it."""

    def __init__(self, head: Side, instances: Iterable[Instance], context: Context) -> None:
        self._head = head
        self._context = context
        self._instances: dict[tuple[object, ...], dict[Path, Instance]] = defaultdict(dict)
        self._uses: dict[tuple[object, ...], ChartUse | None] = {}
        for instance in instances:
            self._instances[_identity(instance)][instance.app, instance.cluster] = instance

    def of(self, instance: Instance, path: str) -> ChartUse | None:
        """Return the use of an instance's values; None where nobody can tell, or its templates may read the layer."""
        if instance.engines[:1] != (HELM,):
            return None
        chart = _identity(instance)
        if chart not in self._uses:
            self._uses[chart] = self._use(instance, [*self._instances[chart].values()])
        use = self._uses[chart]
        is_inside = not instance.chart and path.startswith(f"{instance.chart_folder}/" if instance.chart_folder else "")
        return None if use and use.keys.reads_files and is_inside else use

    def _use(self, instance: Instance, instances: Sequence[Instance]) -> ChartUse | None:
        tree = self._head.repository.tree
        lock = None if instance.is_builtin else lockfile.load(tree)
        try:
            return use_of(chart_of(tree, instance, lock, self._context), partial(self._texts, instances))
        except (NotAtHandError, CmpError):
            return None

    def _texts(self, instances: Iterable[Instance]) -> Texts:
        """Return the texts in the values of instances."""
        instances = [*instances]
        texts = [layer for instance in instances for _, layer in instance.value_texts]
        layers = [*texts, *(layer for instance in instances for layer in instance.layers)]
        contents = {self._content(layer) for layer in dict.fromkeys(layers)}
        contents |= {instance.parameters.values_yaml.encode() for instance in instances}
        known = [
            *(value for instance in instances for _, value in instance.parameters.set_pairs),
            *(self._content(layer).decode("utf-8", "replace") for layer in texts),
            *(text for data in sorted(contents) for text in texts_of(data)),
        ]
        are_hidden = (
            any(instance.secret_files for instance in instances)
            or any(layer.remote or layer.in_chart for layer in layers)
            or any(CIPHERTEXT in data for data in contents)
        )
        return Texts(tuple(known), are_hidden)

    def _content(self, layer: Layer) -> bytes:
        if layer.is_in_tree:
            return self._head.tree.read(layer.path)
        return layer.data or b""


def _identity(instance: Instance) -> tuple[object, ...]:
    return instance.chart or (instance.chart_folder,), instance.is_builtin

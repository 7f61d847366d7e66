"""The key of a change: everything in which the changes of two pairs must agree to be shown as one.

The key is written as JSON, so that general terms can be put into its texts, and read back with names for its parts:

    ["storefront", ["apps", "Deployment", "shop", "web"], [[["spec", "replicas"], "changed", 3, 5]], …, []]
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from cmp.changes import Danger, Field
from cmp.compare.noise import without_hash
from cmp.model import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.changes import Change

    Path = tuple[str, ...]


class Leaf(NamedTuple):
    """One scalar difference, its values as texts.  A changed map or list is flattened into its leaves."""

    kind: str
    path: Path
    before: str
    after: str


class Key(NamedTuple):
    """A key that was read back from JSON.

    `effect` holds the kind of the change, the API versions, the former identity of a renamed object, and whether pods
    restart.
    """

    app: str
    identity: Identity
    fields: list[Field]
    effect: list[object]
    dangers: list[Danger]

    @property
    def object_text(self) -> str:
        """The application and the identity of the object, as JSON."""
        return json.dumps([self.app, self.identity], ensure_ascii=False)

    @property
    def shape(self) -> str:
        """The key without values: the object, the effect, the changed paths, and the rules of the dangers."""
        paths = [leaf[:2] for leaf in self.leaves()]
        return json.dumps((self.app, self.identity, paths, self.effect, [danger.rule for danger in self.dangers]))

    def leaves(self) -> list[Leaf]:
        """Return the scalar differences."""
        return [leaf for field in self.fields for leaf in _leaves(field)]


def key_text(change: Change) -> str:
    """Return the key of a change as JSON.

    Names count without the hash that kustomize appends.  Of a text of many lines only those count that came or went:
    the others may differ from cluster to cluster.
    """
    identity = _unhashed(change.identity)
    former = _unhashed(change.was) if change.was else None
    effect = (change.what, change.api_versions, former if former != identity else None, change.is_restart)
    fields = [_with_changed_lines(field) for field in change.fields]
    key = (_app(change), identity, fields, effect, change.dangers)
    return json.dumps(key, ensure_ascii=False, sort_keys=True, default=repr)


def read_key(text: str) -> Key:
    """Return a key with its parts."""
    app, identity, fields, effect, dangers = json.loads(text)
    return Key(
        app=app,
        identity=Identity._make(identity),
        fields=[Field(tuple(path), kind, before=before, after=after) for path, kind, before, after in fields],
        effect=effect,
        dangers=[Danger._make(danger) for danger in dangers],
    )


def _app(change: Change) -> str:
    """Return the application of a change; of an object that moves both: `shop → web`."""
    return f"{change.move.source.app} → {change.move.target.app}" if change.move else change.subject.app


def _unhashed(identity: Identity) -> Identity:
    return identity._replace(name=without_hash(identity.name))


def _with_changed_lines(field: Field) -> Field:
    before, after = field.before, field.after
    if not isinstance(before, str) or not isinstance(after, str) or "\n" not in before + after:
        return field
    old, new = Counter(before.splitlines()), Counter(after.splitlines())
    removed, added = ("\n".join(lines.elements()) if lines else None for lines in (old - new, new - old))
    return field if removed == added else field._replace(before=removed, after=added)


def _leaves(field: Field) -> Iterator[Leaf]:
    old, new = (dict(_scalars(value, field.path)) for value in (field.before, field.after))
    for path in dict.fromkeys((*old, *new)):
        yield Leaf(field.kind, path, before=old.get(path, ""), after=new.get(path, ""))


def _scalars(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _scalars(item, (*path, str(key)))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            name = item.get("name", index) if isinstance(item, dict) else index
            yield from _scalars(item, (*path, f"[{name}]"))
    else:
        yield path, _one_line(value)


def _one_line(value: object) -> str:
    """Return a value in one line: a text as it is, null as a dash, any other value as JSON."""
    if isinstance(value, str):
        return value.replace("\n", "⏎") or '""'
    return "–" if value is None else json.dumps(value, ensure_ascii=False)

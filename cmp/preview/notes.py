"""Sentences of a report about what no difference of manifests shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.preview.labels import few_names
from cmp.secrets.placeholders import CIPHERTEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.changes import Delivery
    from cmp.model import Instance
    from cmp.system.tree import Tree

    Key = tuple[str, str, str]


LEAST = 3  # values: two, and the code by which sops authenticates the file, which every edit changes
NOTE = (
    "every value of `{path}` is encrypted anew: most likely its data key was rotated; whether a value is another one, "
    "only the key can tell"
)


def rotated(base: tuple[Tree, Instance], head: tuple[Tree, Instance]) -> Iterator[str]:
    """Yield a sentence for each such file among the layers and secret files of a pair."""
    old, new = (dict(_encrypted(tree, instance)) for tree, instance in (base, head))
    for path in sorted(old.keys() & new.keys()):
        if len(old[path]) == len(new[path]) >= LEAST and not old[path] & new[path]:
            yield NOTE.format(path=path)


def _encrypted(tree: Tree, instance: Instance) -> Iterator[tuple[str, set[str]]]:
    """Yield what may be an encrypted file, with its ciphertexts."""
    for path in (*(layer.path for layer in instance.layers if layer.is_secret), *instance.secret_files):
        text = tree.read(path).decode("utf-8", "replace") if tree.kind(path) == "file" else ""
        yield path, {found[0] for found in CIPHERTEXT.finditer(text)}


def sync_policy(before: Iterable[Delivery], after: Iterable[Delivery]) -> tuple[str, ...]:
    """Return sentences on what differs, the same of several Applications once.

    Another revision to follow changes the cluster in a way that no comparison of two commits shows.
    """
    old = {_key(one): one for one in before}
    found: dict[str, list[str]] = {}
    for new in sorted(after):
        for sentence in _differences(old.get(_key(new), new), new):
            found.setdefault(sentence, []).append(new.application)
    return tuple(f"{few_names(names)} {sentence}" for sentence, names in found.items())


def _key(one: Delivery) -> Key:
    return one.subject.app, one.subject.cluster, one.application


def _differences(old: Delivery, new: Delivery) -> Iterator[str]:
    if old.target_revision != new.target_revision:
        yield (
            f"will follow `{new.target_revision}` instead of `{old.target_revision}`: "
            "what that brings to the cluster is not in this report"
        )
    for name, was, now in (
        ("sync automatically", old.automated, new.automated),
        ("prune", old.prune, new.prune),
        ("undo what others change (self-heal)", old.self_heal, new.self_heal),
    ):
        if was != now:
            yield f"will {name} from now on" if now else f"will no longer {name}"

"""Encrypted files of which every value was encrypted anew: without the key, all that can be told of a new data key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.secrets.placeholders import CIPHERTEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.model import Instance
    from cmp.system.tree import Tree

LEAST = 3  # values: two, and the code by which sops authenticates the file, which every edit changes
NOTE = (
    "every value of `{path}` is encrypted anew: most likely its data key was rotated; whether a value is another one, "
    "only the key can tell"
)


def notes(base: tuple[Tree, Instance], head: tuple[Tree, Instance]) -> Iterator[str]:
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

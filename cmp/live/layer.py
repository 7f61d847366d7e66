"""The values that only a release has, as a layer for Git, without what is secret."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from cmp import yamldoc
from cmp.errors import UsageError
from cmp.repository import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cmp.live.releases import Release
    from cmp.live.values import Difference, GivenValues, SecretPaths
    from cmp.repository.values.provenance import Path

PRIVATE = 0o600


class LiveLayer(NamedTuple):
    """Values that make Git's those of the release, and the paths that are left out, as `helm --set` takes them."""

    values: Mapping[str, object]
    left_out: tuple[str, ...]


def layer_of(
    differences: Sequence[Difference], given: GivenValues, secrets: SecretPaths, may_hold: Callable[[str], bool]
) -> LiveLayer:
    """Return the values that the release was given and Git does not have; a list is taken as a whole.

    Left out is what is secret, and a text in which `may_hold` finds a secret.
    """
    wanted = dict.fromkeys(_whole(one.path) for one in differences if one.what != "only in Git")
    made: dict[str, object] = {}
    left_out: list[str] = []
    for path in wanted:
        value = _at(given.supplied, path)
        leaves = [*values.flat(value, path)]
        if any(secrets.holds(inner, leaf) or may_hold(_text(leaf)) for inner, leaf in leaves):
            left_out.append(values.path_text(path))
        else:
            _put(made, path, value)
    return LiveLayer(made, tuple(left_out))


def _whole(path: Path) -> Path:
    """Return the path of the outermost list that holds a leaf, or of the leaf."""
    return next((path[:index] for index, part in enumerate(path) if isinstance(part, int)), path)


def _at(value: object, path: Path) -> object:
    for part in path:
        value = value[part] if isinstance(value, dict) else None
    return value


def _put(target: dict[str, object], path: Path, value: object) -> None:
    *maps, last = map(str, path)
    for part in maps:
        inner = target.setdefault(part, {})
        assert isinstance(inner, dict)  # noqa: S101  # no path of a leaf goes on below another leaf
        target = inner
    target[last] = value


def _text(leaf: object) -> str:
    return leaf if isinstance(leaf, str) else yamldoc.to_json(leaf)


def require_new(path: str) -> None:
    """UsageError for a file that exists: nothing is written over one."""
    if os.path.lexists(path):
        raise UsageError(
            "the file of --write-values exists", file=path, hint="name another one: no file is written over"
        )


def write(path: str, layer: LiveLayer, release: Release, kube_context: str) -> None:
    """Write a layer into a new file that its owner alone may read; UsageError where that fails."""
    comment = (
        f"# Values of the release {release.name} in namespace {release.namespace} (context {kube_context}, "
        f"revision {release.revision}) that Git does not have.\n"
    )
    data = comment.encode() + yamldoc.dump_all([layer.values]).removeprefix(b"---\n")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with open(descriptor, "wb") as file:
            file.write(data)
    except OSError as error:
        raise UsageError(f"cannot write the values: {error.strerror}", file=path) from None

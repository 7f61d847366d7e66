"""Applications of Argo CD that will bring their pair to its cluster in another way than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.preview.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.changes import Delivery

    Key = tuple[str, str, str]


def changed(before: Iterable[Delivery], after: Iterable[Delivery]) -> tuple[str, ...]:
    """Return sentences on what differs, the same of several Applications once.

    Another revision to follow changes the cluster in a way that no comparison of two commits shows.
    """
    old = {_key(one): one for one in before}
    found: dict[str, list[str]] = {}
    for new in sorted(after):
        for sentence in _differences(old.get(_key(new), new), new):
            found.setdefault(sentence, []).append(new.application)
    return tuple(f"{listed(names)} {sentence}" for sentence, names in found.items())


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

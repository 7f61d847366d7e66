"""How paths, values, objects and pairs are written on one line: every part of a report calls the same thing alike."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from cmp.report.document import TIMES, code, joined, line, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cmp.changes import Field, Subject
    from cmp.model import Identity
    from cmp.report.document import Extent, Line

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": "~"}
_NUMBER = re.compile("([0-9]+)")


def path_line(field: Field) -> str:
    """Return `~ spec.replicas  3 → 5`."""
    return f"{_SIGNS[field.kind]} {path_text(field.path)}  {_values(field)}"


def path_text(path: Iterable[str]) -> str:
    """Return `spec.containers[web].image`; a key with a dot or a bracket stands in brackets and quotes."""
    parts = [_part(part) for part in path]
    return "".join(parts).removeprefix(".") or "(all)"


def _part(part: str) -> str:
    if part.startswith("[") and part.endswith("]"):
        return part
    return f"[{json.dumps(part, ensure_ascii=False)}]" if not part or set(part) & set(".[] ") else f".{part}"


def _values(field: Field) -> str:
    if field.kind == "moved":
        return "order only"
    if field.kind == "changed":
        return f"{scalar(field.before)} → {scalar(field.after)}"
    return scalar(field.after if field.kind == "added" else field.before)


def scalar(value: object) -> str:
    """Return a value on one line: texts as they are where nobody could take them for something else."""
    if isinstance(value, str) and value.isprintable() and value.strip() == value and not _is_ambiguous(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_ambiguous(text: str) -> bool:
    return text in {"", "true", "false", "null"} or text[0] in '"[{' or text.replace(".", "").lstrip("+-").isdigit()


def object_name(identity: Identity) -> str:
    """Return kind, namespace and name: `Deployment shop/web`."""
    return f"{identity.kind} {qualified_name(identity)}"


def qualified_name(identity: Identity) -> str:
    """Return namespace and name: `shop/web`, the name alone where the object has no namespace."""
    return f"{identity.namespace}/{identity.name}" if identity.namespace else identity.name


def natural(text: str) -> list[tuple[int, str, str]]:
    """Return a key that sorts `dev-2` before `dev-10`; numbers may have any length."""
    key: list[tuple[int, str, str]] = []
    for index, part in enumerate(_NUMBER.split(text)):  # texts and numbers take turns
        digits = part.lstrip("0") if index % 2 else ""
        key.append((len(digits), digits, part))
    return key


def listed(texts: Sequence[str], extent: Extent) -> Line:
    """Return `a`, `b`, … and the number of those that do not fit."""
    told = line(joined((line(code(text)) for text in texts[: extent.names]), ", "))
    rest = len(texts) - extent.names
    return line(told, f", and {rest:,} more") if rest > 0 else told


def clusters(subjects: Iterable[Subject]) -> list[str]:
    """Return the clusters, each once, in natural order."""
    return sorted({subject.cluster for subject in subjects if subject.cluster}, key=natural)


def pairs_by_app(subjects: Iterable[Subject], extent: Extent) -> Line:
    """Return `app` on its cluster, or how many there are and their names; then the next app."""
    apps: dict[str, list[Subject]] = {}
    for subject in subjects:
        apps.setdefault(subject.app, []).append(subject)
    told = joined((_app(app, of_app, extent) for app, of_app in list(apps.items())[: extent.names]), "; ")
    rest = len(apps) - extent.names
    return line(told, f"; and {plural(rest, 'more app')}") if rest > 0 else told


def _app(app: str, subjects: list[Subject], extent: Extent) -> Line:
    found = clusters(subjects)
    if len(found) > 1:
        return line(code(app), f" on {plural(len(found), 'cluster')} (", cluster_summary(subjects, extent), ")")
    return line(code(app), " on ", code(found[0])) if found else line(code(app))


def cluster_summary(subjects: Iterable[Subject], extent: Extent) -> Line:
    """Return the names of the clusters or, where they are too many, how many there are in each environment."""
    each = {subject.cluster: subject.environment for subject in subjects if subject.cluster}
    counts = Counter(each.values())
    if len(each) <= extent.names or "" in counts or len(counts) > extent.names:
        return listed(sorted(each, key=natural), extent)
    environments = sorted(counts, key=natural)
    return joined((line(code(name), f" {TIMES}{counts[name]:,}") for name in environments), ", ")


def pairs_by_cluster(subjects: Iterable[Subject], whole: Iterable[Subject], extent: Extent) -> Line:
    """Return the clusters of which all pairs of `whole` are among the subjects, then the other pairs."""
    chosen = dict.fromkeys(subjects)
    split = {subject.cluster for subject in whole if subject not in chosen}
    complete = [subject for subject in chosen if subject.cluster and subject.cluster not in split]
    others = [subject for subject in chosen if not subject.cluster or subject.cluster in split]
    return joined((cluster_summary(complete, extent), pairs_by_app(others, extent)), "; ")

"""Paths, values, objects and pairs as text on one line, so that every part of a report writes them alike."""

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
    from cmp.report.document import Limits, Line

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": "~"}
_NUMBER = re.compile("([0-9]+)")


def path_line(field: Field) -> str:
    """Return `~ spec.replicas  3 → 5`."""
    return f"{_SIGNS[field.kind]} {path_text(field.path)}  {_values(field)}"


def path_text(path: Iterable[str]) -> str:
    """Return `spec.containers[web].image`; a key with a dot or a bracket stands in brackets and quotes."""
    parts = [_part(part) for part in path]
    return "".join(parts).removeprefix(".") or "(all)"


def scalar(value: object) -> str:
    """Return a value on one line: a text as it is where no reader could take it for something else."""
    if isinstance(value, str) and value.isprintable() and value.strip() == value and not _is_ambiguous(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def object_name(identity: Identity) -> str:
    """Return kind, namespace and name: `Deployment shop/web`."""
    return f"{identity.kind} {qualified_name(identity)}"


def qualified_name(identity: Identity) -> str:
    """Return namespace and name: `shop/web`, the name alone where the object has no namespace."""
    return f"{identity.namespace}/{identity.name}" if identity.namespace else identity.name


def short_name(identity: Identity) -> str:
    """Return kind and name as kubectl writes them: `Deployment/web`."""
    return f"{identity.kind}/{identity.name}"


def natural(text: str) -> list[tuple[int, str, str]]:
    """Return a sort key by which `dev-2` comes before `dev-10`; numbers may have any length."""
    key: list[tuple[int, str, str]] = []
    for index, part in enumerate(_NUMBER.split(text)):  # texts and numbers take turns
        digits = part.lstrip("0") if index % 2 else ""
        key.append((len(digits), digits, part))
    return key


def listed(texts: Sequence[str], limits: Limits) -> Line:
    """Return `a`, `b`, … and the number of the names beyond the limit."""
    names = line(joined((line(code(text)) for text in texts[: limits.names]), ", "))
    left = len(texts) - limits.names
    return line(names, f", and {left:,} more") if left > 0 else names


def clusters(subjects: Iterable[Subject]) -> list[str]:
    """Return the clusters, each once, in natural order."""
    return sorted({subject.cluster for subject in subjects if subject.cluster}, key=natural)


def cluster_summary(subjects: Iterable[Subject], limits: Limits) -> Line:
    """Return the names of the clusters; beyond the limit, the number of clusters in each environment."""
    environments = {subject.cluster: subject.environment for subject in subjects if subject.cluster}
    counts = Counter(environments.values())
    if len(environments) <= limits.names or "" in counts or len(counts) > limits.names:
        return listed(sorted(environments, key=natural), limits)
    return joined((line(code(name), f" {TIMES}{counts[name]:,}") for name in sorted(counts, key=natural)), ", ")


def pairs_by_app(subjects: Iterable[Subject], limits: Limits) -> Line:
    """Return each application with its cluster, or with the number of its clusters and their names."""
    apps: dict[str, list[Subject]] = {}
    for subject in subjects:
        apps.setdefault(subject.app, []).append(subject)
    shown = joined((_app(app, of_app, limits) for app, of_app in list(apps.items())[: limits.names]), "; ")
    left = len(apps) - limits.names
    return line(shown, f"; and {plural(left, 'more app')}") if left > 0 else shown


def apps_by_clusters(subjects: Iterable[Subject], limits: Limits) -> Line:
    """Return the applications, those on the same clusters together, with these: `api`, `web` on 3 clusters (`a`, …)."""
    of_apps: dict[str, list[Subject]] = {}
    for subject in subjects:
        of_apps.setdefault(subject.app, []).append(subject)
    alike: dict[frozenset[str], list[str]] = {}
    for app, of_app in of_apps.items():
        alike.setdefault(frozenset(clusters(of_app)), []).append(app)
    lines = [line(listed(sorted(apps, key=natural), limits), _on(of_apps[apps[0]], limits)) for apps in alike.values()]
    left = sum(len(apps) for apps in [*alike.values()][limits.names :])
    shown = joined(lines[: limits.names], "; ")
    return line(shown, f"; and {plural(left, 'more app')}") if left > 0 else shown


def pairs_by_cluster(subjects: Iterable[Subject], whole: Iterable[Subject], limits: Limits) -> Line:
    """Return the clusters with all their pairs of `whole` among the subjects, then the other pairs."""
    chosen = dict.fromkeys(subjects)
    split = {subject.cluster for subject in whole if subject not in chosen}
    complete = [subject for subject in chosen if subject.cluster and subject.cluster not in split]
    others = [subject for subject in chosen if not subject.cluster or subject.cluster in split]
    return joined((cluster_summary(complete, limits), pairs_by_app(others, limits)), "; ")


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


def _is_ambiguous(text: str) -> bool:
    return text in {"", "true", "false", "null"} or text[0] in '"[{' or text.replace(".", "").lstrip("+-").isdigit()


def _app(app: str, subjects: list[Subject], limits: Limits) -> Line:
    return line(code(app), _on(subjects, limits))


def _on(subjects: list[Subject], limits: Limits) -> Line:
    names = clusters(subjects)
    if len(names) > 1:
        return line(f" on {plural(len(names), 'cluster')} (", cluster_summary(subjects, limits), ")")
    return line(" on ", code(names[0])) if names else ()

"""Findings on objects in a version of the API that their cluster no longer serves, or that a later one will not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.findings import Finding
from cmp.lifecycle import lifecycle, release_of, successor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.changes import Object
    from cmp.findings import Level
    from cmp.lifecycle import Lifecycle

LATER = 2  # releases after the cluster's own whose removals are warned of


def findings(subject: Object, kube_version: str, later: int = LATER) -> Iterator[Finding]:
    """Yield the finding on the version of the API in which an object is written, for a cluster of a `kube_version`.

    It is an error `removed-api` where the cluster does not serve it any more, a warning of that rule where one of the
    next `later` releases will not, and else a warning `deprecated-api` where the cluster's version has it deprecated.
    A `kube_version` that is not of Kubernetes 1 has no finding.
    """
    kind, release = subject.identity.kind, release_of(kube_version)
    found = lifecycle(subject.api_version, kind)
    if not found or not release:
        return
    if found.is_removed(release):
        text = f"which Kubernetes has not served since 1.{found.removed}"
        yield _finding(subject, "removed-api", "error", text, release)
    elif found.is_removed(release + later):
        text = f"which Kubernetes 1.{found.removed} no longer serves"
        yield _finding(subject, "removed-api", "warning", text, release)
    elif found.is_deprecated(release):
        text = f"deprecated since Kubernetes 1.{found.deprecated}{_end(found)}"
        yield _finding(subject, "deprecated-api", "warning", text, release)


def _end(found: Lifecycle) -> str:
    return f" and no longer served by 1.{found.removed}" if found.removed else ""


def _finding(subject: Object, rule: str, level: Level, text: str, release: int) -> Finding:
    written, kind = subject.api_version, subject.identity.kind
    return Finding(
        rule=rule,
        level=level,
        api_version=written,
        identity=subject.identity,
        path=("apiVersion",),
        message=f"is `{written}`, {text}: {_advice(written, kind, release)}",
        source=subject.source,
    )


def _advice(api_version: str, kind: str, release: int) -> str:
    """Return the advice to write a version that the cluster serves, else one that a later release brings."""
    if now := successor(api_version, kind, release):
        return f"write `{now}`"
    found = lifecycle(api_version, kind)
    following = lifecycle(found.replacement, kind) if found else None
    if found and following and following.introduced > release:
        return f"write `{found.replacement}`, which Kubernetes 1.{following.introduced} brings"
    return "no other version of this kind takes its place"

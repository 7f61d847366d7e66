"""The effect of the first sync on the objects of a release: what helm and Argo CD treat differently.

Sources, Argo CD 3.6: gitops-engine/pkg/sync/hook/hook.go (`Types`) for hooks; controller/appcontroller.go
(`shouldBeDeleted`) for `helm.sh/resource-policy`, which sync/reconcile does not ask before it prunes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.changes import Danger, Failure
from cmp.errors import CmpError, EngineError, and_more
from cmp.live.releases import DEPLOYED
from cmp.report.names import object_name
from cmp.secrets.redact import MASK
from cmp.system.tree import join
from cmp.yamldoc.access import dig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.changes import Change, Object, Outcome
    from cmp.live.releases import Release
    from cmp.model import Identity, Instance
    from cmp.secrets.redact import Redactor
    from cmp.system.tree import Tree

LEFT_BEHIND = Danger("orphaned", "stays on the cluster, where nobody manages it")
INSTANCE_LABEL = "app.kubernetes.io/instance"
TRACKING = "argocd.argoproj.io/tracking-id"
HOOK, KEPT = "helm.sh/hook", "helm.sh/resource-policy"
ARGO_HOOK = "argocd.argoproj.io/hook"
CRDS = "/crds/"
_PHASES = {
    "pre-install": "PreSync",
    "pre-upgrade": "PreSync",
    "post-install": "PostSync",
    "post-upgrade": "PostSync",
}
_TIMES = {"PreSync": "before each sync", "PostSync": "after each sync"}


def unknown(outcome: Outcome, error: CmpError, redactor: Redactor) -> Outcome:
    """Return the outcome of a pair whose release cannot be read: a failure, without a change."""
    mask = partial(redactor.labelled, label=lambda _: MASK)
    lines = tuple("\n".join(error.lines(with_pair=False, mask=mask)).splitlines())
    failure = Failure(outcome.subject, lines, is_new=False, exit_code=error.exit_code, is_foreign=True)
    failures = (*outcome.failures, failure)
    return outcome._replace(status="failed", changes=(), bumps=(), causes=(), failures=failures, notes=())


def of_release(outcome: Outcome, release: Release, instance: Instance, tree: Tree, after: Sequence[Object]) -> Outcome:
    """Return the outcome with what helm's record and the newer side say about the first sync."""
    notes = (
        *outcome.notes,
        *_names(release, instance),
        *_chart(release, instance, tree),
        *_left_behind(outcome.changes),
        *_definitions(outcome.changes),
        *_hooks(after),
        *_kept(after),
    )
    changes = tuple(map(_judged, outcome.changes))
    done = outcome._replace(changes=changes, notes=notes)
    if release.status == DEPLOYED:
        return done
    failure = Failure(
        outcome.subject,
        tuple(_not_deployed(release).lines()),
        is_new=True,
        exit_code=EngineError.exit_code,
        is_foreign=True,
    )
    status = "failed" if outcome.status == "equal" else outcome.status
    return done._replace(status=status, failures=(*outcome.failures, failure))


def _not_deployed(release: Release) -> CmpError:
    return EngineError(
        f"revision {release.revision} of the release is {release.status}: the cluster may have other objects than "
        "helm's record, which is what was compared",
        file=f"release {release.name} in namespace {release.namespace}",
        hint="`helm history` tells what happened; end it with `helm upgrade` or `helm rollback` before the move",
    )


# Changes


def _judged(change: Change) -> Change:
    """Return a change; what Argo CD does not track it does not delete."""
    if change.what != "removed" or not change.dangers or _is_tracked(change):
        return change
    return change._replace(dangers=() if _was_hook(change) else (LEFT_BEHIND,))


def _was_hook(change: Change) -> bool:
    """Tell whether what is removed was a hook: it is no part of what runs, and most are deleted after they ran."""
    return dig(change.fields[0].before, "metadata", "annotations", HOOK) is not None


def _is_tracked(change: Change) -> bool:
    return dig(change.fields[0].before, "metadata", "annotations", TRACKING) is not None


def _left_behind(changes: Sequence[Change]) -> Iterator[str]:
    removed = [change for change in changes if change.what == "removed"]
    stays = [change for change in removed if not (_is_tracked(change) or _was_hook(change))]
    gone = [*stays, *(change for change in changes if change.what == "renamed")]
    if not gone:
        return
    yield (
        f"{_names_of(change.was or change.identity for change in gone)}: not in Git under that name; it stays on the "
        "cluster, as Argo CD prunes only what it tracks"
    )
    labelled = {
        label
        for change in stays
        if isinstance(label := dig(change.fields[0].before, "metadata", "labels", INSTANCE_LABEL), str)
    }
    if labelled:
        yield (
            f"where Argo CD tracks by label (its default before 3.0), an Application named "
            f"{' or '.join(f'`{name}`' for name in sorted(labelled))} takes what stays for its own and prunes it"
        )


def _definitions(changes: Sequence[Change]) -> Iterator[str]:
    added = [change for change in changes if change.what == "added" and CRDS in change.source]
    if added:
        yield (
            f"{_names_of(change.identity for change in added)}: helm installs what lies in `crds/` once, keeps no "
            "record of it and never updates it; Argo CD applies it, over what the cluster has"
        )


# Helm's record


def _names(release: Release, instance: Instance) -> Iterator[str]:
    if (release.name, release.namespace) != (instance.release, instance.namespace):
        yield (
            f"the release is `{release.name}` in namespace `{release.namespace}`, and Git renders `{instance.release}` "
            f"in namespace `{instance.namespace}`: objects with another name are new ones beside the old"
        )


def _chart(release: Release, instance: Instance, tree: Tree) -> Iterator[str]:
    live = f"{release.chart} {release.chart_version}"
    here = chart_in_git(instance, tree)
    if here and here != live:
        yield f"the release is of chart `{live}`, and Git has `{here}`"


def chart_in_git(instance: Instance, tree: Tree) -> str:
    """Return name and version of the chart that Git renders; empty where it renders no chart, or a range of one."""
    if instance.chart:
        return f"{instance.chart.name} {instance.chart.version}"
    path = join(instance.chart_folder, "Chart.yaml")
    try:
        chart = yamldoc.load_all(tree.read(path))[0] if tree.kind(path) == "file" else None
    except (CmpError, yamldoc.YamlError, IndexError):  # the render reports it
        return ""
    return f"{dig(chart, 'name')} {dig(chart, 'version')}" if chart else ""


# What Argo CD treats otherwise than helm


def _hooks(objects: Sequence[Object]) -> Iterator[str]:
    hooks = [(item, hook) for item in objects if isinstance(hook := _annotation(item, HOOK), str)]
    for phase, time in _TIMES.items():
        own = [item for item, text in hooks if _phase(item, text) == phase]
        if own:
            yield (
                f"{_names_of(item.identity for item in own)}: a hook of helm that Argo CD runs {time} ({phase}), the "
                "first one included: it makes no difference between install and upgrade"
            )
    ignored = [item for item, text in hooks if not _phase(item, text) and text != "crd-install"]
    if ignored:
        yield f"{_names_of(item.identity for item in ignored)}: a hook of helm that no sync runs"


def _phase(item: Object, text: str) -> str:
    """Return the first phase in which Argo CD runs a hook; empty for none."""
    if _annotation(item, ARGO_HOOK) is not None:
        return "its own"
    phases = (_PHASES.get(event.strip(), "") for event in text.split(","))
    return next(filter(None, phases), "")


def _kept(objects: Sequence[Object]) -> Iterator[str]:
    kept = [item for item in objects if _annotation(item, KEPT) == "keep"]
    if kept:
        yield (
            f"{_names_of(item.identity for item in kept)}: helm keeps it (`{KEPT}: keep`); Argo CD keeps it when the "
            "Application is deleted, and prunes it when it goes from Git: `Prune=false` in "
            "`argocd.argoproj.io/sync-options` keeps it there, too"
        )


def _annotation(item: Object, name: str) -> object:
    return dig(item.value, "metadata", "annotations", name)


def _names_of(identities: Iterator[Identity]) -> str:
    return and_more([f"`{object_name(identity)}`" for identity in identities])

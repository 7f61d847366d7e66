"""Dangers: permissions that pods and accounts did not have before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Danger
from cmp.compare.pods import containers, pod_spec
from cmp.yamldoc.access import dig, maps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cmp.changes import Object
    from cmp.compare.pairing import MatchedObject

    Permissions = Iterable[tuple[str, str]]  # the rule and the text of a danger

_RBAC = "rbac.authorization.k8s.io"
_HOST = ("hostNetwork", "hostPID", "hostIPC")


def pod_permissions(matched: MatchedObject) -> Iterator[Danger]:
    """Yield new permissions of pods on their node: to run privileged, to see its processes, network or files."""
    yield from _new(matched, _of_pods)


def account_permissions(matched: MatchedObject) -> Iterator[Danger]:
    """Yield new permissions of roles without limit, and new bindings of a role in the whole cluster."""
    yield from _new(matched, _of_accounts)


def _new(matched: MatchedObject, permissions: Callable[[Object], Permissions]) -> Iterator[Danger]:
    before = set(permissions(matched.before)) if matched.before else set()
    after = set(permissions(matched.after)) if matched.after else set()
    yield from (Danger(rule, text) for rule, text in sorted(after - before))


def _of_pods(subject: Object) -> Permissions:
    spec = pod_spec(subject)
    yield from (
        ("host-namespace", f"shares the node's own namespace: `{key}`") for key in _HOST if spec.get(key) is True
    )
    for volume in maps(spec.get("volumes")):
        path = dig(volume, "hostPath", "path")
        if path is not None:
            yield "host-path", f"mounts `{path}` of the node"
    for container in containers(spec):
        name, context = container.get("name"), container.get("securityContext")
        if dig(context, "privileged") is True:
            yield "privileged", f"runs container `{name}` privileged: it may do all that the node may"
        added = dig(context, "capabilities", "add")
        for capability in added if isinstance(added, list) else ():
            yield "capability", f"gives container `{name}` the capability `{capability}`"


def _of_accounts(subject: Object) -> Permissions:
    if subject.identity.group != _RBAC:
        return ()
    if subject.identity.kind in ("Role", "ClusterRole"):
        return _of_role(subject)
    if subject.identity.kind in ("RoleBinding", "ClusterRoleBinding"):
        return _of_binding(subject)
    return ()


def _of_role(subject: Object) -> Permissions:
    for rule in maps(subject.value.get("rules")):
        what = rule.get("resources", rule.get("nonResourceURLs"))
        verbs = rule.get("verbs")
        if isinstance(verbs, list) and "*" in verbs and isinstance(what, list):
            groups = rule.get("apiGroups")
            for thing in what:
                for group in groups if isinstance(groups, list) else [""]:
                    yield "wildcard-verbs", f"allows every verb on `{f'{thing}.{group}' if group else thing}`"


def _of_binding(subject: Object) -> Permissions:
    role = f"{dig(subject.value, 'roleRef', 'kind')} `{dig(subject.value, 'roleRef', 'name')}`"
    is_whole = subject.identity.kind == "ClusterRoleBinding"
    is_admin = role == "ClusterRole `cluster-admin`"
    if not is_whole and not is_admin:
        return
    where = "in every namespace" if is_whole else f"in namespace `{subject.identity.namespace}`"
    for account in maps(subject.value.get("subjects")):
        name = "/".join(str(account[key]) for key in ("namespace", "name") if account.get(key))
        yield (
            "cluster-admin" if is_admin else "cluster-binding",
            f"gives {account.get('kind')} `{name}` the {role} {where}",
        )

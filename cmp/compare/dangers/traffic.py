"""Dangers: a service is reached in another way, a host no longer, or nodes cannot be drained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Danger
from cmp.yamldoc.access import dig, maps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp.changes import Object
    from cmp.compare.pairing import MatchedObject

_ISTIO = "networking.istio.io"


def service_changed(matched: MatchedObject) -> Iterator[Danger]:
    """Yield another type or selector of a Service."""
    before, after = matched
    if before is None or after is None or (after.identity.group, after.identity.kind) != ("", "Service"):
        return
    old, new = (dig(side.value, "spec", "type") or "ClusterIP" for side in (before, after))
    if old != new:
        yield Danger("service-type", f"changes its type from {old} to {new}: its addresses change")
    selectors = [dig(side.value, "spec", "selector") or {} for side in (before, after)]
    if selectors[0] != selectors[1]:
        was, now = map(_labels, selectors)
        yield Danger("service-selector", f"selects {now} instead of {was}: its traffic goes to other pods")


def _labels(selector: object) -> str:
    pairs = sorted(selector.items()) if isinstance(selector, dict) else ()
    return ", ".join(f"`{key}={value}`" for key, value in pairs) or "nothing"


def hosts_removed(matched: MatchedObject) -> Iterator[Danger]:
    """Yield each host name that an Ingress, a route or a gateway no longer answers for."""
    before = _hosts(matched.before) if matched.before else set()
    after = _hosts(matched.after) if matched.after else set()
    yield from (Danger("host-removed", f"no longer answers for `{host}`") for host in sorted(before - after))


def _hosts(subject: Object) -> set[str]:
    group, kind, spec = subject.identity.group, subject.identity.kind, subject.value.get("spec")
    hosts: list[object] = []
    if kind == "Ingress":
        hosts = [rule.get("host") for rule in maps(dig(spec, "rules"))]
    elif group == "gateway.networking.k8s.io":
        hosts = [listener.get("hostname") for listener in maps(dig(spec, "listeners"))] + _texts(dig(spec, "hostnames"))
    elif group == _ISTIO and kind in ("Gateway", "VirtualService"):
        servers = [_texts(server.get("hosts")) for server in maps(dig(spec, "servers"))]
        hosts = sum(servers, _texts(dig(spec, "hosts")))
    return {host for host in hosts if isinstance(host, str) and host}


def _texts(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def disruption_blocked(matched: MatchedObject) -> Iterator[Danger]:
    """Yield that a PodDisruptionBudget newly forbids every eviction, so that nodes cannot be drained."""
    before, after = matched
    if after and _forbids_eviction(after) and not (before and _forbids_eviction(before)):
        yield Danger("disruption-blocked", "allows no disruption at all: nodes with these pods cannot be drained")


def _forbids_eviction(subject: Object) -> bool:
    if subject.identity.kind != "PodDisruptionBudget":
        return False
    most, least = (dig(subject.value, "spec", key) for key in ("maxUnavailable", "minAvailable"))
    return str(most) in ("0", "0%") or least == "100%"

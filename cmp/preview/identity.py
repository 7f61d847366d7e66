"""The identity of a pair, by which both sides of a comparison hold it.

A pair is an Application of Argo CD: its Argo CD, namespace and name.  Where no Application renders an application on a
cluster, the pair is those two, as the layout has them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.application import CONTROL_PLANE

if TYPE_CHECKING:
    from collections.abc import Iterable


class PairId(NamedTuple):
    """The identity of a pair: `argocd`, `namespace` and `name` of an Application, else `app` and `cluster`.

    `argocd` is a name of `preview.argocds`, empty where that block says nothing about the Application's file.  `file`
    stands where only the file tells two Applications of one name apart (`apart`).
    """

    argocd: str = ""
    namespace: str = ""
    name: str = ""
    file: str = ""
    app: str = ""
    cluster: str = ""

    @property
    def is_application(self) -> bool:
        """Tell whether the pair is an Application."""
        return bool(self.name)

    @property
    def text(self) -> str:
        """The name of the Application, with no more around it than tells it from others: `blue/web`, `teams/web`."""
        namespace = "" if self.namespace == CONTROL_PLANE else self.namespace
        name = "/".join(filter(None, (self.argocd, namespace, self.name)))
        return f"{name} in {self.file}" if self.file else name


def of_application(argocd: str, namespace: str, name: str) -> PairId:
    """Return the identity of an Application; one without a namespace is in Argo CD's own."""
    return PairId(argocd, namespace or CONTROL_PLANE, name)


def ambiguous(*sides: Iterable[PairId]) -> frozenset[PairId]:
    """Return the identities that one of the sides has twice."""
    return frozenset(identity for side in sides for identity, count in Counter(side).items() if count > 1)


def labels(places: Iterable[tuple[PairId, str, str]]) -> dict[PairId, str]:
    """Return a label for each (identity, application, cluster): the application's name, if no other pair has these.

    Where several Applications render one application on one cluster, their names stand behind it: `web (web-canary)`.
    """
    of_pair: dict[tuple[str, str], set[PairId]] = defaultdict(set)
    for identity, app, cluster in places:
        of_pair[app, cluster].add(identity)
    return {
        identity: f"{app} ({identity.text})" if len(identities) > 1 and identity.text != app else app
        for (app, _), identities in of_pair.items()
        for identity in identities
    }

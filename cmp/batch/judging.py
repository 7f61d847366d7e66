"""The judgement on rendered pairs, in the workers that render them; all that leaves a worker is masked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.batch.renderer import label
from cmp.checks.definitions import Definitions
from cmp.checks.judge import Judge
from cmp.checks.outputs import JudgedOutput, is_definition, judged, plain_objects
from cmp.checks.places import Places
from cmp.compare.namespaces import placed
from cmp.errors import UsageError, suggestion
from cmp.model import NOTHING, Cluster
from cmp.render import masking

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cmp.changes import Object
    from cmp.findings import Finding
    from cmp.model import Instance
    from cmp.render.output import CheckedOutput
    from cmp.repository.config.model import Checks
    from cmp.secrets.redact import Redactor
    from cmp.system.tree import Tree

_VERSION = re.compile(r"v?\d+\.\d+(?:\.\d+)?(?:[-+][\w.+-]*)?")


class Versions(NamedTuple):
    """The versions of Kubernetes that a person supposes: for some clusters, and for all others (empty: their own)."""

    everywhere: str = ""
    of_clusters: Mapping[str, str] = NOTHING

    @classmethod
    def of(cls, texts: Iterable[str], clusters: Iterable[str]) -> Versions:
        """Read texts such as `1.38` and `prod=1.38`; UsageError for another text, or an unknown cluster."""
        known, everywhere, of_clusters = sorted(clusters), "", {}
        for text in texts:
            cluster, equals, version = text.rpartition("=")
            if not _VERSION.fullmatch(version):
                raise UsageError(f"--kube-version {text}: expected a version such as 1.38, or CLUSTER=1.38")
            if equals and known and cluster not in known:
                raise UsageError(f"--kube-version: there is no cluster {cluster}", hint=suggestion(cluster, known))
            if equals:
                of_clusters[cluster] = version
            else:
                everywhere = version
        return cls(everywhere, of_clusters)

    def supposed(self, cluster: str) -> str:
        """Return the version that is supposed for a cluster; empty where its own counts."""
        return self.of_clusters.get(cluster, self.everywhere)


class Judging:
    """Judges the objects of pairs, each by its cluster.

    Custom kinds are left until the CRDs of all pairs of the cluster are known, for those count before the folders of
    `checks.schemas`.
    """

    def __init__(self, tree: Tree | None, clusters: Mapping[str, Cluster], checks: Checks, versions: Versions) -> None:
        """Read the folders of `checks.schemas` in a tree, if there is one.

        ConfigError for what is wrong there, and an error without the extra.
        """
        self._clusters = clusters
        self._versions = versions
        self._has_policies = bool(checks.policies)
        self._definitions = Definitions.read(tree, checks.schemas) if tree else Definitions.of(())
        self._judges: dict[str, Judge] = {}
        self._places = Places(tree) if tree else None

    def __call__(self, instance: Instance, output: CheckedOutput, redactor: Redactor) -> JudgedOutput:
        """Judge a rendered pair in its worker."""
        forms = plain_objects(output), masking.objects(output, redactor, label)
        plain, masked = (placed(objects, instance.namespace, {}).objects for objects in forms)
        done = self.judged(instance.cluster, plain, masked, redactor)
        return done._replace(findings=tuple(self.located(finding, instance) for finding in done.findings))

    def located(self, finding: Finding, instance: Instance) -> Finding:
        """Return a finding with file and line of its cause, as far as they are known."""
        return self._places.located(finding, instance) if self._places else finding

    def judged(
        self, cluster: str, plain: Sequence[Object], masked: Sequence[Object], redactor: Redactor
    ) -> JudgedOutput:
        """Judge objects of one cluster of which both forms are given."""
        if cluster not in self._judges:
            self._judges[cluster] = Judge(self.version(cluster), self._cluster(cluster).api_versions)
        done = judged(plain, masked, self._judges[cluster], redactor.mask)
        return done._replace(objects=tuple(masked)) if self._has_policies else done

    def judge_of_all(self, cluster: str, definitions: Iterable[Object]) -> Judge:
        """Return the judge of a cluster whose pairs render these CRDs."""
        known = Definitions.of(definitions).over(self._definitions)
        return Judge(self.version(cluster), self._cluster(cluster).api_versions, known)

    def version(self, cluster: str) -> str:
        """Return the version of Kubernetes that a cluster is judged by; empty where none is known."""
        return self._versions.supposed(cluster) or self._cluster(cluster).kube_version

    def supposed(self, cluster: str) -> str:
        """Return the version that a person supposes for a cluster, which is rendered for it, too."""
        return self._versions.supposed(cluster)

    def _cluster(self, name: str) -> Cluster:
        return self._clusters.get(name, Cluster(name))


def definitions_alone(_: Instance, output: CheckedOutput, redactor: Redactor) -> JudgedOutput:
    """Return the CRDs of a pair about which nothing else is asked."""
    found = (item for item in masking.objects(output, redactor, label) if is_definition(item))
    return JudgedOutput(definitions=tuple(found))

"""Argo CD's Applications say which clusters change at the merge, and which wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.changes import COMMON, plain, shop, story
from tests.support.diff_scenarios.objects import CLAIM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.changes import Monorepo

FOLLOWED = "preview: {applications: ['argocd/*.yaml']}\n"
AUTOMATED = "{automated: {prune: true, selfHeal: true}}"
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot, namespace: shop, annotations: {built: a}}\n"
HELPER = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: helper, namespace: shop}\n"
FOLDED = "ignoreDifferences: [{kind: ServiceAccount, jsonPointers: [/metadata/annotations/built]}]\n"

ELSEWHERE = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: cache, namespace: argocd}
spec:
  project: default
  destination: {name: dev-1, namespace: cache}
  sources:
  - repoURL: https://git.example/platform/charts.git
    path: cache
    helm: {valueFiles: [$here/values/cache.yaml]}
  - {repoURL: https://git.example/platform/manifests.git, targetRevision: main, ref: here}
"""


def application(cluster: str, app: str, revision: str, policy: str, more: str = "") -> dict[str, str]:
    """Return the file of an Application."""
    text = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {cluster}-{app}, namespace: argocd}}
spec:
  project: default
  destination: {{name: {cluster}, namespace: {app}}}
  source:
    repoURL: https://git.example/platform/manifests.git
    targetRevision: {revision}
    path: clusters/{cluster}/{app}
    plugin: {{name: cmp}}
  syncPolicy: {policy}
  {more}
"""
    return {f"argocd/{cluster}-{app}.yaml": text}


def fleet(*clusters: str, name: str = "'{{cluster}}-base'", more: str = "", of_template: str = "") -> dict[str, str]:
    """Return the file of an ApplicationSet that brings the application `base` to some clusters."""
    elements = ", ".join(f"{{cluster: {cluster}}}" for cluster in clusters)
    text = f"""\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: fleet, namespace: argocd}}
spec:
  {more}
  generators: [{{list: {{elements: [{elements}]}}}}]
  template:
    metadata: {{name: {name}}}
    spec:
      project: default
      destination: {{name: '{{{{cluster}}}}', namespace: shop}}
      source:
        repoURL: https://git.example/platform/manifests.git
        targetRevision: main
        path: clusters/{{{{cluster}}}}/base
        plugin: {{name: cmp}}
      syncPolicy: {AUTOMATED}
      {of_template}
"""
    return {"argocd/fleet.yaml": text}


@story("A cluster leaves an ApplicationSet, its folder stays: the Application goes, and the claim with it.")
def element_of_a_set_removed(repo: Monorepo) -> Iterator[None]:
    plain(repo, f"{ACCOUNT}---\n{CLAIM}", "dev-1", "stg-1", more=FOLLOWED)
    repo.write(fleet("dev-1", "stg-1"))
    yield
    repo.write(fleet("dev-1"))


@story("The same, where the set leaves the objects of its Applications behind.")
def element_of_a_preserving_set_removed(repo: Monorepo) -> Iterator[None]:
    preserving = "syncPolicy: {preserveResourcesOnDeletion: true}"
    plain(repo, f"{ACCOUNT}---\n{CLAIM}", "dev-1", "stg-1", more=FOLLOWED)
    repo.write(fleet("dev-1", "stg-1", more=preserving))
    yield
    repo.write(fleet("dev-1", more=preserving))


@story("Two objects move to another Application, one of them changed; the old one prunes, and a claim is among them.")
def objects_that_move(repo: Monorepo) -> Iterator[None]:
    plain(repo, f"{ACCOUNT}---\n{CLAIM}{HELPER}", "dev-1", "stg-1", more=FOLLOWED)
    kept = ACCOUNT.replace("robot", "other")
    for cluster in ("dev-1", "stg-1"):
        repo.write({f"clusters/{cluster}/web/.keep": "", "namespaces/web/all.yaml": kept})
        repo.write(application(cluster, "base", "main", AUTOMATED) | application(cluster, "web", "main", AUTOMATED))
    yield
    repo.write({"namespaces/base/all.yaml": ACCOUNT})
    repo.write({"namespaces/web/all.yaml": f"{kept}---\n{CLAIM.replace('20Gi', '30Gi')}{HELPER}"})


@story("An Application without the finalizer gets another name and a new value: only that differs.")
def application_renamed_without_its_objects(repo: Monorepo) -> Iterator[None]:
    plain(repo, f"{ACCOUNT}---\n{CLAIM}", "dev-1", more=FOLLOWED)
    repo.write(application("dev-1", "base", "main", AUTOMATED))
    yield
    repo.edit("argocd/dev-1-base.yaml", "name: dev-1-base", "name: base-on-dev-1")
    repo.edit("namespaces/base/all.yaml", "built: a", "built: b")


@story("The set deletes none: the Application stays, and gets a new annotation like the others.")
def element_of_a_set_that_deletes_none_removed(repo: Monorepo) -> Iterator[None]:
    keeping = "syncPolicy: {applicationsSync: create-update}"
    plain(repo, f"{ACCOUNT}---\n{CLAIM}", "dev-1", "stg-1", more=FOLLOWED)
    repo.write(fleet("dev-1", "stg-1", more=keeping))
    yield
    repo.write(fleet("dev-1", more=keeping))
    repo.edit("namespaces/base/all.yaml", "built: a", "built: b")


@story("The template of a set gives its Applications other names.")
def applications_of_a_set_renamed(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT, "dev-1", "stg-1", more=FOLLOWED)
    repo.write(fleet("dev-1", "stg-1"))
    yield
    repo.write(fleet("dev-1", "stg-1", name="'base-{{cluster}}'"))


@story("The change breaks its own set, and brings an image that the Applications get all the same.", code=3)
def set_broken(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT, "dev-1", "stg-1", more=FOLLOWED)
    repo.write(fleet("dev-1", "stg-1"))
    yield
    repo.edit("argocd/fleet.yaml", "[{list:", "[{lists:")
    repo.edit("namespaces/base/all.yaml", "built: a", "built: b")


@story("An Application goes to another cluster, though it renders the manifests of the old one.")
def destination_moved(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT, "dev-1", "stg-1", more=FOLLOWED)
    repo.write(application("dev-1", "base", "main", AUTOMATED))
    yield
    repo.edit("argocd/dev-1-base.yaml", "{name: dev-1, namespace: base}", "{name: stg-1, namespace: base}")


@story("An Application's namespace changes, and its objects name none: claims go with their data.")
def namespace_of_an_application_moved(repo: Monorepo) -> Iterator[None]:
    plain(repo, CLAIM.replace("namespace: shop, ", "").replace(", namespace: shop", ""), "dev-1", more=FOLLOWED)
    repo.write(application("dev-1", "base", "main", AUTOMATED))
    yield
    repo.edit("argocd/dev-1-base.yaml", "namespace: base", "namespace: basis")


@story("Objects name the namespace that their Application gave them anyway: nothing changes.", code=0)
def namespace_written_out(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT.replace(" namespace: shop,", ""), "dev-1", more=FOLLOWED)
    repo.write(application("dev-1", "base", "main", AUTOMATED))
    yield
    repo.edit("namespaces/base/all.yaml", "name: robot,", "name: robot, namespace: base,")


@story("An Application's namespace, project, sync options and ignored differences change; its manifests do not.")
def settings_of_an_application(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT, "dev-1", more=FOLLOWED)
    repo.write(application("dev-1", "base", "main", AUTOMATED))
    yield
    more = f"syncPolicy: {{automated: {{}}, syncOptions: [Replace=true, PruneLast=true]}}\n  {FOLDED}"
    file = "argocd/dev-1-base.yaml"
    repo.edit(file, f"syncPolicy: {AUTOMATED}", more)
    repo.edit(file, "namespace: base", "namespace: basis")
    repo.edit(file, "project: default", "project: platform")


@story("An Application comes; windows of its project, and the steps of a set, say when the others sync.")
def sync_windows(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT, "dev-1", "stg-1", "prod-tokyo", more=FOLLOWED)
    windows = "syncWindows: [{kind: deny, schedule: '0 8 * * *', duration: 8h, clusters: [stg-*]}]"
    head = "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: default, namespace: argocd}\n"
    repo.write({"argocd/default.yaml": f"{head}spec: {{{windows}}}\n"})
    repo.write(fleet("dev-1", "stg-1", more="strategy: {type: RollingSync, rollingSync: {steps: []}}"))
    yield
    repo.write(application("prod-tokyo", "base", "main", AUTOMATED))
    repo.edit("namespaces/base/all.yaml", "built: a", "built: b")


@story("One cluster syncs by itself, one waits for a hand, one follows a tag.")
def clusters_that_change_at_merge(repo: Monorepo) -> Iterator[None]:
    shop(repo, more=FOLLOWED)
    repo.write(application("dev-1", "shop", "main", AUTOMATED))
    repo.write(application("stg-1", "shop", "main", "{}"))
    repo.write(application("prod-tokyo", "shop", "v1.4.0", AUTOMATED))
    yield
    repo.edit(COMMON, "replicas: 3", "replicas: 5")


@story("An object goes that one Application prunes and the other leaves where it is.")
def object_that_is_not_pruned(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT + HELPER, "dev-1", "stg-1", more=FOLLOWED)
    repo.write(application("dev-1", "base", "HEAD", AUTOMATED))
    repo.write(application("stg-1", "base", "HEAD", "{automated: {}}"))
    yield
    repo.edit("namespaces/base/all.yaml", HELPER, "")


@story("An Application ignores a difference; the other does not.")
def difference_that_an_application_ignores(repo: Monorepo) -> Iterator[None]:
    plain(repo, ACCOUNT, "dev-1", "stg-1", more=FOLLOWED)
    repo.write(application("dev-1", "base", "HEAD", AUTOMATED, FOLDED))
    repo.write(application("stg-1", "base", "HEAD", AUTOMATED))
    yield
    repo.edit("namespaces/base/all.yaml", "built: a", "built: b")


@story("Production moves to the next tag, which the clone has: what lies between the tags is the change.")
def application_promoted(repo: Monorepo) -> Iterator[None]:
    shop(repo, "prod-tokyo", more=FOLLOWED)
    repo.write(application("prod-tokyo", "shop", "v1.4.0", AUTOMATED))
    repo.commit()
    repo.git("tag", "v1.4.0")
    repo.edit(COMMON, "replicas: 3", "replicas: 0")
    repo.commit()
    repo.git("tag", "v1.5.0")
    repo.edit(COMMON, "replicas: 0", "replicas: 7")
    yield
    repo.edit("argocd/prod-tokyo-shop.yaml", "v1.4.0", "v1.5.0")


@story("Production moves to a tag that the clone lacks: that is its change, whatever else the merge brings.")
def tag_of_an_application_moved(repo: Monorepo) -> Iterator[None]:
    shop(repo, "prod-tokyo", more=FOLLOWED)
    repo.write(application("prod-tokyo", "shop", "v1.4.0", AUTOMATED))
    yield
    repo.edit("argocd/prod-tokyo-shop.yaml", "v1.4.0", "v1.5.0")


def _with_an_application_elsewhere(repo: Monorepo) -> None:
    urls = "urls: [https://git.example/platform/manifests.git]"
    plain(repo, ACCOUNT, "dev-1", more=FOLLOWED.replace("}", f", {urls}}}"))
    repo.write({**application("dev-1", "base", "main", AUTOMATED), "argocd/cache.yaml": ELSEWHERE})
    repo.write({"values/cache.yaml": "size: 1\n", "values/other.yaml": "size: 1\n"})


@story(
    "Values of a chart in another repository change: nobody compares that, and the gate says so.",
    "--exit-zero",
    "--fail-on",
    "not-compared",
)
def values_of_a_chart_elsewhere(repo: Monorepo) -> Iterator[None]:
    _with_an_application_elsewhere(repo)
    yield
    repo.write({"values/cache.yaml": "size: 2\n"})


@story(
    "A file beside them changes, which that chart does not read: the gate has nothing to say.",
    "--fail-on",
    "any",
    code=0,
)
def file_beside_values_of_a_chart_elsewhere(repo: Monorepo) -> Iterator[None]:
    _with_an_application_elsewhere(repo)
    yield
    repo.write({"values/other.yaml": "size: 2\n"})

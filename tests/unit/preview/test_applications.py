"""Argo CD's Applications ask for renders, and bring them to their clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.changes import Delivery, Rule, Subject
from cmp.engines import ENGINES
from cmp.preview.applications import Requests, requests, told_apart
from cmp.preview.declarations import ApplicationSources, Declarer, known_urls
from cmp.preview.identity import PairId
from cmp.preview.left_out import sentences
from cmp.preview.sides import BuiltinSource
from cmp.repository.instances import Repository, Request, resolve_in
from tests.support.monorepos import git_tree
from tests.support.trees import REFERENCE

if TYPE_CHECKING:
    from cmp.context import Context

CLUSTERS = "version: 1\nclusters: {dev: {env: test, server: 'https://dev.example.test'}, prod: {}}\n"


def application(name: str, path: str = "clusters/dev/shop", more: str = "", plugin: str = "plugin: {name: cmp}") -> str:
    """Return an Application that has its path rendered for the cluster dev."""
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: {name}, namespace: argocd}}
spec:
  project: default
  destination: {{server: 'https://dev.example.test', namespace: shop}}
  source: {{repoURL: 'https://git.example.test/repo', path: {path}, targetRevision: main, {plugin}}}
{more}
"""


def gathered(
    context: Context, *applications: str, config: str = CLUSTERS, urls: tuple[str, ...] = (), **files: str
) -> Requests:
    """Return the requests of some Applications in the reference layout."""
    numbered = {f"argocd/{at}.yaml": text for at, text in enumerate(applications)}
    tree = git_tree({**REFERENCE, "cmp.yaml": config, **numbered, **files})
    sources = ApplicationSources(("argocd/*.yaml",), trunk="main", urls=urls)
    repository = Repository(tree, ENGINES)
    side = Declarer(tree, repository, sources, context).of_files()
    argocds = repository.config.preview.argocds
    return requests(tree, repository, side, sources._replace(urls=known_urls(urls, side), argocds=argocds))


def ids(side: Requests) -> list[str]:
    """Return the identities of Applications, and their labels."""
    return [f"{request.id.text}: {request.subject.app}" for request in side.requests]


def test_an_application_asks_for_the_pair_that_its_path_names(context: Context) -> None:
    side = gathered(context, application("web"))
    (request,) = side.requests
    assert request.id == PairId(namespace="argocd", name="web")
    assert request.subject == Subject("shop", "dev", "test")
    (source,) = request.sources
    assert isinstance(source, Request)
    assert (source.folder, source.in_sidecar) == ("clusters/dev/shop", True)
    assert side.covered == {("shop", "dev")}


def test_the_commit_in_a_parameter_is_the_same_on_both_sides(context: Context) -> None:
    parameters = "[{name: set, map: {tag: '$ARGOCD_APP_REVISION_SHORT of $ARGOCD_APP_NAME'}}]"
    plugin = f"plugin: {{name: cmp, parameters: {parameters}}}"
    (request,) = gathered(context, application("web", plugin=plugin)).requests
    (source,) = request.sources
    assert isinstance(source, Request)
    instance = resolve_in(Repository(git_tree({**REFERENCE, "cmp.yaml": CLUSTERS}), ENGINES), source)
    assert instance.parameters.set_values == (("tag", "0000000 of web"),)


def test_an_automatic_sync_of_the_trunk_happens_at_the_merge(context: Context) -> None:
    policy = "  syncPolicy: {automated: {prune: true}}"
    (request,) = gathered(context, application("web", more=policy)).requests
    assert request.delivery == Delivery(
        subject=request.subject,
        application="web",
        automated=True,
        prune=True,
        self_heal=False,
        target_revision="main",
        at_merge=True,
    )
    other = application("web", more=policy).replace("targetRevision: main", "targetRevision: v1")
    assert [bool(one.delivery and one.delivery.at_merge) for one in gathered(context, other).requests] == [False]


def test_what_a_hydrator_renders_is_compared_and_waits_for_a_promotion_if_it_has_a_staging_branch(
    context: Context,
) -> None:
    plain = application("web", more="  syncPolicy: {automated: {}}")
    start, rest = plain.split("  source: ")
    source, _, more = rest.partition("\n")
    for staging, at_merge in (("", True), (", hydrateTo: {targetBranch: staging}", False)):
        sync = "syncSource: {targetBranch: rendered, path: shop}"
        hydrated = f"{start}  sourceHydrator: {{drySource: {source}, {sync}{staging}}}\n{more}"
        (request,) = gathered(context, hydrated).requests
        (asked,) = request.sources
        assert isinstance(asked, Request)
        assert request.delivery
        assert (asked.folder, request.delivery.at_merge) == ("clusters/dev/shop", at_merge)


def test_ignored_differences_that_only_jq_or_a_cluster_tells_are_named(context: Context) -> None:
    for key in ("jqPathExpressions", "managedFieldsManagers"):
        side = gathered(context, application("web", more=f"  ignoreDifferences: [{{kind: Service, {key}: [a]}}]"))
        (note,) = side.notes
        assert note.startswith(
            "`ignoreDifferences` of web has jqPathExpressions or managedFieldsManagers, which are not"
        )
    assert not gathered(context, application("web", more="  ignoreDifferences: [{kind: A, jsonPointers: [/a]}]")).notes


def test_ignored_differences_are_rules_for_the_report(context: Context) -> None:
    ignored = "  ignoreDifferences: [{group: apps, kind: Deployment, jsonPointers: [/spec/containers/0/a~1b]}]"
    (request,) = gathered(context, application("web", more=ignored)).requests
    path = ("spec", "containers", "[*]", "a/b", "**")
    assert request.rules == (Rule("ignoreDifferences of web", group="apps", kind="Deployment", path=path),)


def test_only_applications_of_one_pair_are_told_apart_by_their_names(context: Context) -> None:
    web, canary = application("web"), application("web-canary")
    ((alone,), _) = told_apart([gathered(context, web)], has_argocds=False)
    assert ids(alone) == ["web: shop"]
    ((both, one), _) = told_apart([gathered(context, web, canary), gathered(context, canary)], has_argocds=False)
    assert ids(both) == ["web: shop (web)", "web-canary: shop (web-canary)"]
    assert ids(one) == ["web-canary: shop (web-canary)"], "a pair has one label on both sides"
    assert [request.delivery and request.delivery.subject for request in one.requests] == [one.requests[0].subject]


def test_applications_of_one_name_are_told_apart_by_their_files_and_a_block_is_proposed(context: Context) -> None:
    twice = gathered(context, application("web"), application("web"))
    ((side, other), notes) = told_apart([twice, gathered(context, application("web"))], has_argocds=False)
    assert [request.id.text for request in side.requests] == ["web in argocd/0.yaml", "web in argocd/1.yaml"]
    assert [request.id.text for request in other.requests] == ["web in argocd/0.yaml"]
    (note,) = notes
    assert note.startswith("several Applications are named alike (web) and are told apart by their files: ")


def test_each_argo_cd_has_its_own_applications_and_its_own_in_cluster(context: Context) -> None:
    blocks = "\n".join(
        f"  - {{name: {name}, applications: [argocd/{at}.yaml], inCluster: {cluster}}}"
        for at, (name, cluster) in enumerate([("blue", "dev"), ("green", "prod")])
    )
    config = f"version: 1\nclusters: {{dev: {{kubeVersion: '1.33'}}, prod: {{}}}}\npreview:\n  argocds:\n{blocks}\n"
    local = application("web").replace("https://dev.example.test", "https://kubernetes.default.svc")
    local = local.replace("plugin: {name: cmp}", "plugin: {name: cmp, env: [{name: KUBE, value: $KUBE_VERSION}]}")
    side = gathered(context, local, local, config=config)
    ((named,), notes) = told_apart([side], has_argocds=True)
    assert ids(named) == ["blue/web: shop (blue/web)", "green/web: shop (green/web)"]
    assert notes == ()
    assert [request.error for request in named.requests] == [None, None]


def test_two_applications_of_one_argo_cd_with_one_name_are_an_error_of_their_pair(context: Context) -> None:
    config = f"{CLUSTERS}preview: {{argocds: [{{name: blue, applications: ['argocd/*']}}]}}\n"
    ((side,), _) = told_apart(
        [gathered(context, application("web"), application("web"), config=config)], has_argocds=True
    )
    (request,) = side.requests
    assert str(request.error).splitlines()[0] == (
        "2 Applications of one Argo CD are named blue/web: argocd/0.yaml:2 and argocd/1.yaml:2"
    )


def test_the_url_that_most_sources_have_is_this_repository_where_a_clone_has_no_remote(context: Context) -> None:
    foreign = application("far").replace("git.example.test/repo", "git.example.test/other")
    side = gathered(context, application("a"), application("b"), foreign)
    assert [request.id.name for request in side.requests] == ["a", "b"]
    (note,) = sentences(side.uncompared)
    assert note.startswith("1 Application is not compared: it has sources in https://git.example.test/other, ")


@pytest.mark.parametrize(
    "url", ["git@git.example.test:repo.git", "ssh://git@GIT.example.test/repo", "https://git.example.test/repo/"]
)
def test_a_repository_is_the_same_under_every_protocol(url: str, context: Context) -> None:
    assert len(gathered(context, application("web"), urls=(url,)).requests) == 1


def test_an_application_of_another_repository_is_not_compared(context: Context) -> None:
    side = gathered(context, application("web"), urls=("https://git.example.test/another",))
    assert side.requests == ()
    assert len(side.uncompared) == 1


def test_an_application_with_a_mistake_is_a_pair_that_fails(context: Context) -> None:
    (request,) = gathered(context, application("broken", path="''")).requests
    assert request.id.name == "broken"
    assert request.error
    assert request.error.what.startswith("the source has no path")


def test_an_application_without_a_plugin_is_rendered_as_by_argo_cd_itself(context: Context) -> None:
    side = gathered(context, application("dev-web", plugin=""))
    (request,) = side.requests
    (source,) = request.sources
    assert isinstance(source, BuiltinSource)
    assert (source.cluster.name, source.repositories) == ("dev", ("git.example.test/repo",))
    assert request.subject == Subject("web", "dev", "test"), "the same one on other clusters has the same name"
    assert side.covered == {("shop", "dev")}


def test_what_the_inventory_lacks_is_told_once_and_is_no_fault_of_the_sets(context: Context) -> None:
    one = """
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: NAME}
spec:
  generators: [{clusters: {selector: {matchLabels: {tier: test}}}}]
  template: {metadata: {name: '{{name}}'}, spec: {project: default, destination: {}, source: {repoURL: x, path: web}}}
"""
    config = "version: 1\nclusters: {dev: {labels: {tier: test}}, prod: {}}\n"
    side = gathered(context, *(one.replace("NAME", name) for name in "abc"), config=config)
    assert tuple(sentences(side.uncompared)) == (
        "3 ApplicationSets are not read here: the inventory lacks server of dev, which `clusters` of cmp.yaml may say",
    )


def test_sets_that_only_argo_cd_can_read_are_told_once_for_each_reason_and_would_not_stop(context: Context) -> None:
    one = """
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: NAME}
spec:
  generators: [GENERATOR]
  template: {metadata: {name: '{{path}}'}, spec: {project: default, destination: {}, source: {repoURL: x, path: web}}}
"""
    upstream = "{git: {repoURL: 'https://git.example.test/up/stream', directories: [{path: '*'}]}}"
    generators = {"a": upstream, "b": upstream, "c": "{plugin: {configMapRef: {name: x}}}"}
    sets = (one.replace("NAME", name).replace("GENERATOR", text) for name, text in generators.items())
    side = gathered(context, *sets, urls=("https://git.example.test/my/fork",))
    assert tuple(sentences(side.uncompared)) == (
        (
            "one ApplicationSet is not read here: the generator plugin cannot be expanded statically "
            "(it asks something outside of the repository; give a snapshot of its Applications)"
        ),
        (
            "2 ApplicationSets are not read here: the repository git.example.test/up/stream is not this one "
            "(`preview: {urls: […]}` in cmp.yaml or --repository-url says which URLs are this repository's; "
            "another one only Argo CD can read: give a snapshot of its Applications)"
        ),
    )


@pytest.mark.parametrize("clusters", ["{}", "{dev: {server: 'https://dev.example.test'}}"])
def test_a_set_that_selects_by_labels_is_not_read_where_the_inventory_has_none(context: Context, clusters: str) -> None:
    one = """
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: web}
spec:
  generators: [{clusters: {selector: {matchExpressions: [{key: tier, operator: Exists}]}}}]
  template: {metadata: {name: '{{name}}'}, spec: {project: default, destination: {}, source: {repoURL: x, path: web}}}
"""
    side = gathered(context, one, config=f"version: 1\nclusters: {clusters}\n")
    (note,) = sentences(side.uncompared)
    assert note == (
        "one ApplicationSet is not read here: the inventory lacks the labels of all clusters, "
        "which `clusters` of cmp.yaml may say"
    )


def test_templates_of_charts_and_patches_of_kustomizations_are_no_applications(context: Context) -> None:
    files = {
        "argocd/chart/Chart.yaml": "",
        "argocd/chart/templates/web.yaml": "{{ if true }}\napiVersion: argoproj.io/v1alpha1\nkind: Application\n",
        "argocd/kustomization.yaml": "patches: [{path: patch.yaml}, {patch: x}]\npatchesJson6902: [{path: set.yaml}]\n",
        "argocd/patch.yaml": application("web"),
        "argocd/set.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: web}\nspec: []\n",
    }
    sources = ApplicationSources(("argocd/**",), trunk="main")
    tree = git_tree({**REFERENCE, **files})
    assert Declarer(tree, Repository(tree, ENGINES), sources, context).of_files() == ((), ())


@pytest.mark.parametrize(
    ("version", "name"), [("", "web-{{metadata.annotations.argocd.argoproj.io/refresh}}"), ("3.2", "web-now")]
)
def test_a_set_is_read_as_the_declared_argo_cd_reads_it(context: Context, version: str, name: str) -> None:
    cluster = "{server: 'https://dev.example.test', annotations: {argocd.argoproj.io/refresh: now}}"
    choice = f"preview: {{argocd: {{version: '{version}'}}}}\n" if version else ""
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\n"
        "spec:\n  generators: [{clusters: {selector: {matchLabels: {argocd.argoproj.io/secret-type: cluster}}}}]\n"
        "  template:\n"
        "    metadata: {name: web, annotations: {told: 'web-{{metadata.annotations.argocd.argoproj.io/refresh}}'}}\n"
        "    spec: {project: default, source: {repoURL: r, path: p}, destination: {name: dev}}\n"
    )
    files = {"cmp.yaml": f"version: 1\nclusters: {{dev: {cluster}}}\n{choice}", "argocd/set.yaml": text}
    tree = git_tree({**REFERENCE, **files})
    declarer = Declarer(tree, Repository(tree, ENGINES), ApplicationSources(("argocd/*.yaml",)), context)
    ((found, _),) = declarer.of_files().applications
    assert found.metadata["annotations"] == {"told": name}

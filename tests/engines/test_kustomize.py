"""A render prints the same as kustomize by hand, for each version and each option of Argo CD's built-in kustomize.

By hand means: Argo CD's own order of `kustomize edit`, in a copy (util/kustomize/kustomize.go).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pytest
import yaml

from cmp.engines.features import FIELDS_OF_KUSTOMIZE, LABEL_INCLUDE_TEMPLATES, LABEL_WITHOUT_SELECTOR
from cmp.engines.kustomize.options import pairs
from cmp.versions import numbers
from tests.project.test_startup import BANNED
from tests.support.kustomize import CONFIG, DEPLOYMENT, ENDS, NEWEST, VERSIONS, ByHand, KustomizeRepository, maps, same

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.harness import Sandbox


@pytest.fixture
def world(sandbox: Sandbox) -> KustomizeRepository:
    return KustomizeRepository(sandbox)


KUSTOMIZATION = """\
# みどりの設定
resources: [deployment.yaml, config.yaml]
namePrefix: own-
images:
- {name: shop, newTag: "1.1"}
commonLabels: {part-of: monorepo}
commonAnnotations: {owner: team-a}
patches:
- target: {kind: ConfigMap}
  patch: |
    - {op: replace, path: /data/color, value: green}
"""
BASIC = {"kustomization.yaml": KUSTOMIZATION, "deployment.yaml": DEPLOYMENT, "config.yaml": CONFIG}
COMPONENT = """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
- target: {kind: Deployment}
  patch: |
    - {op: add, path: /spec/paused, value: true}
"""
PATCH = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {minReadySeconds: 7}\n"


class One(NamedTuple):
    """Options of kustomize in cmp-app.yaml, and what Argo CD's repo-server runs for them."""

    options: Mapping[str, object]
    edits: tuple[tuple[str, ...], ...] = ()
    versions: tuple[str, ...] = VERSIONS


SINCE_5 = tuple(version for version in VERSIONS if numbers(version) >= (5,))
OPTIONS = {
    "nothing": One({}),
    "namePrefix": One({"namePrefix": "pre-"}, (("set", "nameprefix", "--", "pre-"),)),
    "a prefix like a flag": One({"namePrefix": "--x-"}, (("set", "nameprefix", "--", "--x-"),)),
    "nameSuffix": One({"nameSuffix": "-suf"}, (("set", "namesuffix", "--", "-suf"),)),
    "images": One(
        {"images": ["shop:2.0", "registry.example/side=other.example/side@sha256:" + "1" * 64]},
        (("set", "image", "shop:2.0", "registry.example/side=other.example/side@sha256:" + "1" * 64),),
    ),
    "replicas": One({"replicas": [{"name": "web", "count": 3}]}, (("set", "replicas", "web=3"),)),
    "commonLabels": One({"commonLabels": {"team": "a", "tier": "b"}}, (("add", "label", "team:a", "tier:b"),)),
    "forced labels": One(
        {"commonLabels": {"part-of": "other"}, "forceCommonLabels": True},
        (("add", "label", "--force", "part-of:other"),),
    ),
    "labels without selectors": One(
        {"commonLabels": {"team": "a"}, "labelWithoutSelector": True},
        (("add", "label", "--without-selector", "team:a"),),
        SINCE_5,
    ),
    "several labels without selectors": One(
        {"commonLabels": {"team": "a", "tier": "b"}, "labelWithoutSelector": True},
        (("add", "label", "--without-selector", "team:a"), ("add", "label", "--without-selector", "tier:b")),
        SINCE_5,
    ),
    "labels in templates": One(
        {"commonLabels": {"team": "a"}, "labelWithoutSelector": True, "labelIncludeTemplates": True},
        (("add", "label", "--without-selector", "--include-templates", "team:a"),),
        SINCE_5,
    ),
    "commonAnnotations": One(
        {"commonAnnotations": {"note": "日本語 $ARGOCD_APP_NAME, x"}},
        (("add", "annotation", "note:日本語 $ARGOCD_APP_NAME, x"),),
    ),
    "forced annotations": One(
        {"commonAnnotations": {"owner": "b"}, "forceCommonAnnotations": True},
        (("add", "annotation", "--force", "owner:b"),),
    ),
    "namespace": One({"namespace": "other"}, (("set", "namespace", "--", "other"),)),
    "components": One({"components": ["../part"]}, (("add", "component", "../part"),)),
    "components, some missing": One(
        {"components": ["../none", "../part", "https://host.example/x?ref=1"], "ignoreMissingComponents": True},
        (("add", "component", "../part"),),
    ),
    "only missing components": One({"components": ["../none"], "ignoreMissingComponents": True}),
    "everything at once": One(
        {
            "namePrefix": "a-",
            "nameSuffix": "-z",
            "images": ["shop:3"],
            "replicas": [{"name": "web", "count": "2"}],
            "commonLabels": {"x": "y"},
            "commonAnnotations": {"x": "y"},
            "namespace": "n",
            "components": ["../part"],
        },
        (
            ("set", "nameprefix", "--", "a-"),
            ("set", "namesuffix", "--", "-z"),
            ("set", "image", "shop:3"),
            ("set", "replicas", "web=2"),
            ("add", "label", "x:y"),
            ("add", "annotation", "x:y"),
            ("set", "namespace", "--", "n"),
            ("add", "component", "../part"),
        ),
    ),
}


def plant(world: KustomizeRepository, options: Mapping[str, object]) -> None:
    world.write({**BASIC, "namespaces/part/kustomization.yaml": COMPONENT, "cmp-app.yaml": config(options)})


def config(options: Mapping[str, object]) -> str:
    return json.dumps({"kustomize": dict(options)})


# The oldest needs most of a second for each build: what its last case holds is not tried alone as well.
ALONE = (
    "namePrefix",
    "nameSuffix",
    "images",
    "replicas",
    "commonLabels",
    "commonAnnotations",
    "namespace",
    "components",
)
CASES = [(name, version) for version in VERSIONS for name in OPTIONS if version != VERSIONS[0] or name not in ALONE]


@pytest.mark.parametrize(("name", "version"), CASES)
def test_an_option_does_what_it_does_in_argo_cd(name: str, version: str, world: KustomizeRepository) -> None:
    one = OPTIONS[name]
    plant(world, one.options)
    if version not in one.versions:
        assert world.refused(version=version)[0].startswith(f"cmp: kustomize {version} has no --")
        return
    by_hand = world.by_hand(version=version)
    for edit in one.edits:
        by_hand.edit(*edit)
    assert same(world.must(version=version), by_hand.build())


PATCHES: list[dict[str, object]] = [
    {"path": "more.yaml"},
    {
        "target": {"kind": "Deployment", "labelSelector": "part-of=monorepo"},
        "patch": "- {op: remove, path: /spec/replicas}\n",
    },
    {
        "target": {"kind": "ConfigMap", "name": "config"},
        "patch": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: renamed}\n",
        "options": {"allowNameChange": True},
    },
]


@pytest.mark.parametrize("version", ENDS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_patches_follow_those_of_the_kustomization(count: int, version: str, world: KustomizeRepository) -> None:
    if count == 3 and version == "3.8.7":
        count = 2  # it has no options of patches
    plant(world, {"patches": PATCHES[:count], "components": ["../part"]})
    world.write({"more.yaml": PATCH})
    by_hand = world.by_hand(version=version)
    append(by_hand, PATCHES[:count])
    assert same(world.must(version=version), by_hand.edit("add", "component", "../part").build())


def append(by_hand: ByHand, patches: list[dict[str, object]]) -> None:
    """Append patches as repo-server does: it reads the file and writes it again."""
    file = by_hand.folder / "kustomization.yaml"
    value = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**value, "patches": [*value["patches"], *patches]}))


@pytest.mark.parametrize("version", ENDS)
def test_flags_of_the_build_are_passed(version: str, world: KustomizeRepository) -> None:
    names = {
        f"{kind.lower()}.yaml": f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: x}}\n"
        for kind in ("Service", "Namespace")
    }
    world.write({"kustomization.yaml": "resources: [service.yaml, namespace.yaml]\n", **names})
    kinds = []
    for order in ("none", "legacy"):
        world.write({"cmp-app.yaml": config({"buildOptions": [f"--reorder={order}"]})})
        ours = world.must(version=version)
        assert same(ours, world.by_hand(version=version).build("--reorder", order))
        kinds.append([value["kind"] for value in maps(ours)])
    assert kinds == [["Service", "Namespace"], ["Namespace", "Service"]]


@pytest.mark.parametrize("version", ENDS)
def test_files_outside_a_kustomization_are_read_if_the_policy_allows_it(
    version: str, world: KustomizeRepository
) -> None:
    world.write(
        {
            "kustomization.yaml": "resources: [../shared.yaml]\nsecretGenerator: [{name: s, files: [../../top.key]}]\n",
            "namespaces/shared.yaml": CONFIG,
            "cmp-app.yaml": config({"buildOptions": ["--load-restrictor=LoadRestrictionsNone"]}),
        }
    )
    (world.root / "top.key").write_text("clear")
    assert world.refused(version=version) == [
        "cmp: the flag `--load-restrictor=LoadRestrictionsNone` of kustomize is not allowed",
        "  where: application web, cluster dev, phase policy, namespaces/web/cmp-app.yaml:1:33",
        (
            "  hint: an administrator adds it to flags.kustomize of a policy (CMP_POLICY); an author removes it from "
            "buildOptions"
        ),
    ]
    policy = world.sandbox.folder / "policy.yaml"
    policy.write_text("version: 1\nflags: {kustomize: [--load-restrictor=LoadRestrictionsNone]}\n")
    ours = world.must(version=version, CMP_POLICY=str(policy))
    flag = "--load_restrictor" if version == "3.8.7" else "--load-restrictor"
    assert same(ours, world.by_hand(version=version).build(flag, "LoadRestrictionsNone"))


LAYOUTS: dict[str, dict[str, str]] = {
    "an overlay": {
        **BASIC,
        "clusters/dev/web/kustomization.yaml": "resources: [../../../namespaces/web]\nnameSuffix: -dev\n",
    },
    "bases, deprecated": {
        **BASIC,
        "clusters/dev/web/kustomization.yaml": "bases: [../../../namespaces/web]\nnamespace: dev\n",
    },
    "a base in a base": {
        **BASIC,
        "clusters/dev/web/kustomization.yaml": "resources: [../../env]\n",
        "clusters/env/kustomization.yaml": "resources: [../../namespaces/web]\nnamespace: env\n",
    },
    "a component": {
        **BASIC,
        "clusters/dev/web/kustomization.yaml": "resources: [../../../namespaces/web]\ncomponents: [../../part]\n",
        "clusters/part/kustomization.yaml": COMPONENT,
    },
    "the same base twice": {
        "clusters/dev/web/kustomization.yaml": "resources: [one, two]\n",
        "clusters/dev/web/one/kustomization.yaml": "resources: [../../../../namespaces/web]\nnamePrefix: one-\n",
        "clusters/dev/web/two/kustomization.yaml": "resources: [../../../../namespaces/web]\nnamePrefix: two-\n",
        **BASIC,
    },
    "Kustomization": {"Kustomization": KUSTOMIZATION, "deployment.yaml": DEPLOYMENT, "config.yaml": CONFIG},
    "kustomization.yml": {"kustomization.yml": KUSTOMIZATION, "deployment.yaml": DEPLOYMENT, "config.yaml": CONFIG},
    "patches of all kinds": {
        "deployment.yaml": DEPLOYMENT,
        "strategic.yaml": PATCH,
        "json.yaml": "- {op: add, path: /spec/paused, value: true}\n",
        "kustomization.yaml": (
            "resources: [deployment.yaml]\n"
            "patchesStrategicMerge:\n- strategic.yaml\n- |-\n  apiVersion: apps/v1\n  kind: Deployment\n"
            "  metadata: {name: web, labels: {inline: x}}\n"
            "patchesJson6902: [{target: {group: apps, version: v1, kind: Deployment, name: web}, path: json.yaml}]\n"
        ),
    },
    "generators": {
        "kustomization.yaml": (
            "configMapGenerator: [{name: c, files: [a.txt, other=deep/b.txt], literals: [x=y], envs: [some.env]}]\n"
            "secretGenerator: [{name: s, literals: [x=y], type: Opaque}]\ngeneratorOptions: {labels: {a: b}}\n"
        ),
        "a.txt": "a\n",
        "namespaces/web/deep/b.txt": "b",
        "some.env": "# comment\nA=1\nB=two words\n",
    },
    "transformers that are built in": {
        **BASIC,
        "kustomization.yaml": (
            "resources: [deployment.yaml]\ntransformers: [labels.yaml]\nconfigurations: [names.yaml]\nnamePrefix: p-\n"
        ),
        "labels.yaml": (
            "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: x}\nlabels: {a: b}\n"
            "fieldSpecs: [{path: metadata/labels, create: true}]\n"
        ),
        "names.yaml": "namePrefix: [{path: spec/template/spec/containers/name}]\n",
    },
    "a key twice": {**BASIC, "kustomization.yaml": "resources: [config.yaml]\nresources: [deployment.yaml]\n"},
    "two documents": {
        **BASIC,
        "kustomization.yaml": "---\nresources: [config.yaml]\n---\nresources: [deployment.yaml]\n",
    },
}


@pytest.mark.parametrize("version", ENDS)
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_built_as_it_is_by_hand(name: str, version: str, world: KustomizeRepository) -> None:
    files = LAYOUTS[name]
    world.write(files)
    overlay = "clusters/dev/web"
    folder = overlay if f"{overlay}/kustomization.yaml" in files else "namespaces/web"
    assert same(world.must(version=version), world.by_hand(folder, version).build())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_knows_the_keys_that_the_table_says(version: str, world: KustomizeRepository) -> None:
    lines = {
        "openapi": "openapi: {path: schema.json}",
        "labels": "labels: [{pairs: {a: b}}]",
        "helmGlobals": "helmGlobals: {chartHome: charts}",
        "helmCharts": "helmCharts: []",
        "replacements": "replacements: []",
        "buildMetadata": "buildMetadata: []",
        "sortOptions": "sortOptions: {order: fifo}",
        "includeVolumeClaimTemplates": "labels: [{pairs: {a: b}, includeVolumeClaimTemplates: true}]",
    }
    assert lines.keys() == FIELDS_OF_KUSTOMIZE.keys()
    if numbers(version) < FIELDS_OF_KUSTOMIZE["labels"]:
        del lines["includeVolumeClaimTemplates"]  # it complains of `labels`
    for key, line in lines.items():
        since = FIELDS_OF_KUSTOMIZE[key]
        world.write({"kustomization.yaml": f"resources: [config.yaml]\n{line}\n", "config.yaml": CONFIG})
        world.write({"schema.json": '{"definitions": {}}'})
        if numbers(version) >= since:
            world.must(version=version)
        else:
            said = world.refused(version=version)
            first = ".".join(map(str, since))
            assert f'unknown field "{key}"' in said[0]
            assert said[-1] == f"  hint: pin kustomize {first} or newer for this application: it knows {key}"


def test_flags_that_a_version_lacks_are_those_of_the_table(world: KustomizeRepository) -> None:
    """The first versions that have them are not installed here: at least the nearest on both sides are right."""
    for feature in (LABEL_WITHOUT_SELECTOR, LABEL_INCLUDE_TEMPLATES):
        for version in VERSIONS:
            text = world.by_hand(version=version).help("edit", "add", "label")
            assert (feature.name in text) is (numbers(version) >= feature.since)


class TestBuildEnvironment:
    OPTIONS = {  # noqa: RUF012  # not written to
        "images": ["shop:$ARGOCD_APP_REVISION_SHORT"],
        "commonLabels": {"app": "${ARGOCD_APP_NAME}"},
        "commonAnnotations": {"repo": "$ARGOCD_APP_SOURCE_REPO_URL", "price": "$$5"},
        "commonAnnotationsEnvsubst": True,
    }

    def test_argo_cds_variables_are_replaced(self, world: KustomizeRepository) -> None:
        plant(world, self.OPTIONS)
        ran = world.generate()
        assert ran.code == 0, ran.stderr
        by_hand = world.by_hand().edit("set", "image", "shop:0123456").edit("add", "label", "app:web")
        by_hand.edit("add", "annotation", "repo:https://git.example/repo", "price:$5")
        assert same(ran.stdout, by_hand.build())

    def test_in_a_checkout_the_name_of_a_variable_stands_for_it(self, world: KustomizeRepository) -> None:
        plant(world, self.OPTIONS)
        ran = world.run()
        by_hand = world.by_hand().edit("set", "image", "shop:ARGOCD_APP_REVISION_SHORT")
        by_hand.edit("add", "label", "app:ARGOCD_APP_NAME")
        by_hand.edit("add", "annotation", "repo:ARGOCD_APP_SOURCE_REPO_URL", "price:$5")
        assert same(ran.stdout, by_hand.build())
        told = [line for line in ran.stderr.splitlines() if "stands for it" in line]
        assert told == [
            f"cmp: warning: Argo CD replaces {variable}; here its name stands for it"
            for variable in (
                "$ARGOCD_APP_REVISION_SHORT in images",
                "$ARGOCD_APP_NAME in commonLabels",
                "$ARGOCD_APP_SOURCE_REPO_URL in commonAnnotations",
            )
        ]

    def test_a_variable_that_argo_cd_does_not_know_is_a_mistake(self, world: KustomizeRepository) -> None:
        plant(world, {"images": ["shop:$ARGOCD_APP_REVISON"]})
        assert world.refused() == [
            "cmp: Argo CD knows no variable $ARGOCD_APP_REVISON (images of kustomize)",
            "  where: application web, cluster dev, phase kustomize",
            "  hint: did you mean `ARGOCD_APP_REVISION`?",
        ]


def test_several_labels_without_selectors_are_what_an_older_kustomize_cannot_do_at_once(
    world: KustomizeRepository,
) -> None:
    """From 5.8 on one `edit add label` does for all of them, as Argo CD has it; before, it fails there."""
    world.write(BASIC)
    label = ("add", "label", "--without-selector")
    with pytest.raises(AssertionError, match="already in kustomization file"):
        world.by_hand(version="5.7.1").edit(*label, "team:a", "tier:b")
    at_once = world.by_hand().edit(*label, "team:a", "tier:b").build()
    assert same(at_once, world.by_hand().edit(*label, "team:a").edit(*label, "tier:b").build())


def test_images_of_the_application_are_stronger_than_options(world: KustomizeRepository) -> None:
    plant(world, {"images": ["shop:2.0", "registry.example/side:3"]})
    ran = world.generate({"name": "images", "array": ["shop:9.9", ""]})
    assert ran.code == 0, ran.stderr
    by_hand = world.by_hand().edit("set", "image", "shop:9.9", "registry.example/side:3")
    assert same(ran.stdout, by_hand.build())


def test_labels_of_an_old_version_are_one_argument() -> None:
    """No version before 3.8.5 can be built any more, but binaries of it are about."""
    assert pairs({"b": "2", "a": "1"}, "3.5.4") == ("a:1,b:2",)
    assert pairs({"b": "2", "a": "1"}, "3.8.5") == ("a:1", "b:2")


def test_generate_imports_nothing_dear_that_it_does_not_need(world: KustomizeRepository) -> None:
    world.write({"kustomization.yaml": "resources: [config.yaml]\n", "config.yaml": CONFIG})
    world.sandbox.program = ("-X", "importtime", "-m", "cmp")
    ran = world.generate()
    assert ran.code == 0, ran.stderr
    imported = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines() if line.startswith("import time")}
    assert "cmp.engines.kustomize.parameters" in imported
    own = {f"cmp.engines.kustomize.{name}" for name in ("charts", "remote", "remote_urls", "messages")}
    assert imported & {*own, *BANNED, "cmp.engines.helm", "cmp.system.unpack", "cmp.policy"} == set()


def test_two_versions_side_by_side(world: KustomizeRepository) -> None:
    world.write({**BASIC, "cmp-app.yaml": "tools: {kustomize: 4.5.7}\n"})
    ran = world.sandbox.run("render", "web", "--cluster", "dev", cwd=world.root)
    assert ran.stderr.splitlines()[-1].startswith("cmp: web on dev: 2 objects by kustomize 4.5.7")
    assert NEWEST in world.run().stderr

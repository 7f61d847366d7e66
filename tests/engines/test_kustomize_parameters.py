"""Parameters reach kustomize as the data of a ConfigMap that the author commits, and that nobody applies."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.kustomize import CONFIG, DEPLOYMENT, ENDS, NEWEST, KustomizeRepository, maps

if TYPE_CHECKING:
    from tests.support.harness import Sandbox

PARAMETERS = """\
# defaults
apiVersion: v1
kind: ConfigMap
metadata: {name: cmp-parameters}
data:
  color: red
  size: "1"
"""
REPLACEMENTS = """\
replacements:
- source: {kind: ConfigMap, name: cmp-parameters, fieldPath: data.color}
  targets: [{select: {kind: ConfigMap, name: config}, fieldPaths: [data.color]}]
- source: {kind: ConfigMap, name: cmp-parameters, fieldPath: data.size}
  targets: [{select: {kind: ConfigMap, name: config}, fieldPaths: [data.size]}]
"""
VARS = """\
vars:
- name: COLOR
  objref: {kind: ConfigMap, name: cmp-parameters, apiVersion: v1}
  fieldref: {fieldpath: data.color}
- name: SIZE
  objref: {kind: ConfigMap, name: cmp-parameters, apiVersion: v1}
  fieldref: {fieldpath: data.size}
configurations: [references.yaml]
"""
REFERENCES = "varReference: [{path: data/color, kind: ConfigMap}, {path: data/size, kind: ConfigMap}]\n"
WITH_REPLACEMENTS = ("4.5.7", NEWEST)
USING = {version: VARS if version == "3.8.7" else REPLACEMENTS for version in (*ENDS, *WITH_REPLACEMENTS)}
OVERLAY = "clusters/dev/web/kustomization.yaml"


@pytest.fixture
def world(sandbox: Sandbox) -> KustomizeRepository:
    return KustomizeRepository(sandbox)


def plant(
    world: KustomizeRepository, version: str, *, resources: str = "[config.yaml, parameters.yaml]", more: str = ""
) -> None:
    config = CONFIG.replace("none", "$(COLOR)", 1).replace("none", "$(SIZE)") if version == "3.8.7" else CONFIG
    world.write(
        {
            "kustomization.yaml": f"resources: {resources}\n{USING[version]}{more}",
            "config.yaml": config,
            "parameters.yaml": PARAMETERS,
            "references.yaml": REFERENCES,
        }
    )


def data(stream: str) -> dict[str, dict[str, str]]:
    """Return the data of each ConfigMap by its name."""
    return {one["metadata"]["name"]: one["data"] for one in maps(stream) if one["kind"] == "ConfigMap"}


@pytest.mark.parametrize("version", ENDS)
def test_without_parameters_the_defaults_count(version: str, world: KustomizeRepository) -> None:
    plant(world, version)
    assert data(world.must(version=version)) == {"config": {"color": "red", "size": "1"}}


@pytest.mark.parametrize("version", ENDS)
def test_parameters_replace_the_defaults(version: str, world: KustomizeRepository) -> None:
    plant(world, version)
    ours = world.must("--set-template", "color={cluster}-{app}", "--set-string", "size=0017", version=version)
    assert data(ours) == {"config": {"color": "dev-web", "size": "0017"}}


NASTY = (
    "",
    "yes",
    "1e3",
    "~",
    "a: b # c",
    "日本語 😀",
    '"quoted"',
    "it's",
    "two\nlines\n",
    "  spaced  ",
    "$(X)",
    "{}",
    "a,b",
)


@pytest.mark.parametrize("version", WITH_REPLACEMENTS)
def test_any_text_arrives_as_it_is(version: str, world: KustomizeRepository) -> None:
    plant(world, version)
    for text in NASTY:
        ran = world.generate({"name": "set-string", "map": {"color": text}})
        assert ran.code == 0, ran.stderr
        assert data(ran.stdout) == {"config": {"color": text, "size": "1"}}


PLACES = {
    "prefix and suffix": "namePrefix: a-\nnameSuffix: -z\n",
    "a namespace": "namespace: other\n",
    "labels and annotations": "commonLabels: {a: b}\ncommonAnnotations: {c: d}\n",
}


@pytest.mark.parametrize("version", ENDS)
@pytest.mark.parametrize("name", PLACES)
def test_it_is_found_whatever_becomes_of_its_name(name: str, version: str, world: KustomizeRepository) -> None:
    plant(world, version, more=PLACES[name])
    (only,) = data(world.must("--set", "color=blue", version=version)).values()
    assert only == {"color": "blue", "size": "1"}


@pytest.mark.parametrize("version", ENDS)
def test_it_may_stand_in_a_base(version: str, world: KustomizeRepository) -> None:
    plant(world, version)
    world.write({OVERLAY: "resources: [../../../namespaces/web]\nnamePrefix: dev-\n"})
    assert data(world.must("--set", "color=blue", version=version)) == {"dev-config": {"color": "blue", "size": "1"}}


@pytest.mark.parametrize("version", WITH_REPLACEMENTS)
def test_a_base_may_be_used_twice(version: str, world: KustomizeRepository) -> None:
    plant(world, version)
    world.write(
        {
            OVERLAY: "resources: [one, two]\n",
            "clusters/dev/web/one/kustomization.yaml": "resources: [../../../../namespaces/web]\nnamePrefix: one-\n",
            "clusters/dev/web/two/kustomization.yaml": "resources: [../../../../namespaces/web]\nnamePrefix: two-\n",
        }
    )
    blue = {"color": "blue", "size": "1"}
    assert data(world.must("--set", "color=blue", version=version)) == {"one-config": blue, "two-config": blue}


PATCHES = {
    "a file": "patches: [{path: parameters.yaml}]\n",
    "a strategic patch in a file": "patchesStrategicMerge: [parameters.yaml]\n",
    "inline": "patches:\n- patch: |-\n{text}",
    "a strategic patch inline": "patchesStrategicMerge:\n- |-\n{text}",
}
CHANGED = PARAMETERS.replace('  size: "1"\n', "").replace("red", "overlay")


@pytest.mark.parametrize("version", WITH_REPLACEMENTS)
@pytest.mark.parametrize("name", PATCHES)
def test_parameters_are_stronger_than_an_overlays_patch(name: str, version: str, world: KustomizeRepository) -> None:
    world.write({"kustomization.yaml": "resources: [config.yaml, parameters.yaml]\n"})
    world.write({"config.yaml": CONFIG, "parameters.yaml": PARAMETERS, "clusters/dev/web/parameters.yaml": CHANGED})
    text = "".join(f"    {line}\n" for line in CHANGED.splitlines()[1:])
    patches = PATCHES[name].replace("{text}", text)
    world.write({OVERLAY: f"resources: [../../../namespaces/web]\n{patches}{REPLACEMENTS}"})
    assert data(world.must(version=version)) == {"config": {"color": "overlay", "size": "1"}}
    ours = world.must("--set", "color=blue", "--set", "size=2", version=version)
    assert data(ours) == {"config": {"color": "blue", "size": "2"}}


GENERATED = """\
configMapGenerator:
- name: cmp-parameters
  literals: [color=red, 'size="1"']
  options: {annotations: {own: kept}}
"""


@pytest.mark.parametrize("version", ENDS)
def test_it_may_be_generated(version: str, world: KustomizeRepository) -> None:
    plant(world, version, resources="[config.yaml]", more=GENERATED)
    assert data(world.must(version=version)) == {"config": {"color": "red", "size": "1"}}
    ours = world.must("--set", "color=it's =blue", version=version)
    assert data(ours) == {"config": {"color": "it's =blue", "size": "1"}}


@pytest.mark.parametrize("version", ENDS)
def test_quotes_around_a_generated_value(version: str, world: KustomizeRepository) -> None:
    plant(world, version, resources="[config.yaml]", more=GENERATED)
    if version == "3.8.7":
        assert world.refused("--set", "color='blue'", version=version) == [
            (
                "cmp: the parameter color has a quote at its begin or end, and kustomize 3.8.7 loses it in a "
                "configMapGenerator"
            ),
            "  where: application web, cluster dev, phase kustomize",
            "  hint: write cmp-parameters as a ConfigMap of `resources`, or pin kustomize 4 or newer",
        ]
    else:
        assert data(world.must("--set", "color='blue'", version=version))["config"]["color"] == "'blue'"


@pytest.mark.parametrize("version", WITH_REPLACEMENTS)
def test_an_overlay_may_merge_into_a_generated_one(version: str, world: KustomizeRepository) -> None:
    world.write({"kustomization.yaml": f"resources: [config.yaml]\n{GENERATED}", "config.yaml": CONFIG})
    merged = "configMapGenerator: [{name: cmp-parameters, behavior: merge, literals: [color=overlay]}]\n"
    world.write({OVERLAY: f"resources: [../../../namespaces/web]\n{merged}{REPLACEMENTS}"})
    assert data(world.must(version=version)) == {"config": {"color": "overlay", "size": "1"}}
    ours = world.must("--set", "color=blue", "--set", "size=2", version=version)
    assert data(ours) == {"config": {"color": "blue", "size": "2"}}


def test_what_stands_beside_it_stays_as_it_is_written(world: KustomizeRepository) -> None:
    beside = f"{CONFIG}---\n# comment\n{PARAMETERS}---\n{DEPLOYMENT}"
    world.write({"kustomization.yaml": f"resources: [all.yaml]\n{REPLACEMENTS}", "all.yaml": beside})
    ours = world.must("--set", "color=blue")
    assert data(ours) == {"config": {"color": "blue", "size": "1"}}
    assert [one["kind"] for one in maps(ours)] == ["ConfigMap", "Deployment"]


def test_a_file_that_only_quotes_it_is_not_touched(world: KustomizeRepository) -> None:
    world.write({"kustomization.yaml": "configMapGenerator: [{name: c, files: [a.yaml]}]\n", "a.yaml": PARAMETERS})
    (only,) = data(world.must()).values()
    assert only == {"a.yaml": PARAMETERS}


def test_its_data_may_be_encrypted(world: KustomizeRepository) -> None:
    plant(world, NEWEST)
    world.seal({"parameters.yaml": PARAMETERS}, "--encrypted-regex", "^data$")
    assert data(world.must("--set", "size=2")) == {"config": {"color": "red", "size": "2"}}


def test_its_name_may_not_be_encrypted(world: KustomizeRepository) -> None:
    plant(world, NEWEST)
    world.seal({"parameters.yaml": PARAMETERS})
    assert world.refused() == [
        "cmp: this file holds the parameters' defaults, and even its names are encrypted",
        "  where: application web, cluster dev, phase kustomize, namespaces/web/parameters.yaml",
        "  hint: let sops encrypt the data alone (`encrypted_regex: ^data$`): names are read before it runs",
    ]


HOW = (
    "commit a ConfigMap cmp-parameters with a default for each parameter, name its file in `resources`, and take the "
    "values from it by `replacements` (kustomize 4.2 or newer) or `vars`: docs/kustomize.md has an example"
)


class TestRefused:
    def test_a_parameter_without_a_default(self, world: KustomizeRepository) -> None:
        plant(world, NEWEST)
        assert world.refused("--set", "color=blue", "--set", "siz=2") == [
            "cmp: the ConfigMap cmp-parameters has no key siz",
            "  where: application web, cluster dev, namespaces/web/parameters.yaml",
            "  hint: did you mean `size`?; a parameter needs a default there",
        ]

    def test_parameters_without_the_configmap(self, world: KustomizeRepository) -> None:
        world.write({"kustomization.yaml": "resources: [config.yaml]\n", "config.yaml": CONFIG})
        assert world.refused("--set", "color=blue", "--set-string", "size=2") == [
            "cmp: `color`, `size` is set, but no kustomization has a ConfigMap cmp-parameters",
            "  where: application web, cluster dev",
            f"  hint: {HOW}",
        ]

    @pytest.mark.parametrize("key", ["patches", "patchesJson6902"])
    def test_a_patch_that_would_be_stronger(self, key: str, world: KustomizeRepository) -> None:
        plant(world, NEWEST)
        target = "{version: v1, kind: ConfigMap, name: cmp-parameters}"
        patch = "[{op: replace, path: /data/color, value: overlay}]"
        overlay = f"resources: [../../../namespaces/web]\n{key}:\n- target: {target}\n  patch: |-\n    {patch}\n"
        world.write({OVERLAY: overlay.replace("patch: |-\n    [{", "patch: |-\n    - {").replace("}]\n", "}\n")})
        assert data(world.must()) == {"config": {"color": "red", "size": "1"}}
        assert world.refused("--set", "color=blue") == [
            "cmp: a patch with the target cmp-parameters is stronger than parameters",
            f"  where: application web, cluster dev, {OVERLAY}",
            (
                "  hint: write it as a strategic merge patch, an object with kind, name and data: parameters replace "
                "its data"
            ),
        ]

    def test_values_as_yaml(self, world: KustomizeRepository) -> None:
        plant(world, NEWEST)
        ran = world.generate({"name": "values-yaml", "string": "a: 1"})
        assert (ran.code, ran.stdout) == (3, "")
        assert ran.first_line == "cmp: kustomize reads no values files"

    def test_annotations_that_were_copied(self, world: KustomizeRepository) -> None:
        plant(world, NEWEST)
        copied = (
            "- source: {kind: ConfigMap, name: cmp-parameters, fieldPath: metadata.annotations}\n"
            "  targets: [{select: {kind: Deployment}, fieldPaths: [metadata.annotations], options: {create: true}}]\n"
        )
        kustomization = f"resources: [config.yaml, parameters.yaml, deployment.yaml]\n{REPLACEMENTS}{copied}"
        world.write({"kustomization.yaml": kustomization, "deployment.yaml": DEPLOYMENT})
        assert world.refused() == [
            "cmp: annotations of the ConfigMap cmp-parameters were copied into another object",
            "  where: application web, cluster dev, phase kustomize",
            ("  hint: take single keys of its data by `replacements` or `vars`, not annotations of cmp-parameters"),
        ]


def test_cmp_values_says_what_to_use(world: KustomizeRepository) -> None:
    plant(world, NEWEST)
    ran = world.sandbox.run("values", "web", "--cluster", "dev", cwd=world.root)
    assert ran.stderr.splitlines() == [
        "cmp: kustomize renders this application, and there are no Helm values",
        "  where: application web, cluster dev",
        "  hint: `cmp render` shows what it makes of its parameters",
    ]


def test_the_form_says_what_a_parameter_is(world: KustomizeRepository) -> None:
    plant(world, NEWEST)
    argocd = {"ARGOCD_APP_NAME": "web", "ARGOCD_APP_SOURCE_PATH": "clusters/dev/web"}
    form = replace(world.sandbox, extra=argocd).run("parameters", cwd=world.root / "clusters/dev/web")
    told = {one["name"]: one["tooltip"] for one in json.loads(form.stdout)}
    for name in ("set", "set-string"):
        assert told[name].endswith("Kustomize builds this application: a key is one of its ConfigMap cmp-parameters.")


def test_images_are_for_kustomize_alone(world: KustomizeRepository) -> None:
    world.write({"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n"})
    ran = world.generate({"name": "images", "array": ["shop:2"]})
    assert (ran.code, ran.stdout) == (3, "")
    assert ran.first_line == "cmp: the parameter images is for kustomize, and helm renders this application"

"""Errors in a kustomization name the file of the repository, in kustomize's own words where it finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.kustomize import CONFIG, DEPLOYMENT, NEWEST, VERSIONS, KustomizeRepository

if TYPE_CHECKING:
    from tests.support.harness import Sandbox


@pytest.fixture
def world(sandbox: Sandbox) -> KustomizeRepository:
    return KustomizeRepository(sandbox)


class Wrong(NamedTuple):
    """Files with a mistake, and what is said of it: the first line by kustomize 3, 4 and 5, the place, the advice."""

    files: dict[str, str]
    said: tuple[str, ...]
    file: str
    hint: str = ""


def alike(text: str) -> tuple[str, ...]:
    return (text, text, text)


OVERLAY = {"clusters/dev/web/kustomization.yaml": "resources: [../../../namespaces/web]\n"}
WEB = "namespaces/web/kustomization.yaml"
NO_OBJECT = "may not add resource with an already registered id: "
MISTAKES = {
    "a resource with a tab": Wrong(
        {**OVERLAY, "kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": "a: b\n\tc: d\n"},
        (
            (
                "accumulating resources from 'a.yaml': YAML file [a.yaml] encounters a format error.\n"
                "  error converting YAML to JSON: yaml: line 2: found a tab character that violates indentation"
            ),
            *[
                (
                    "accumulating resources from 'a.yaml': MalformedYAMLError: yaml: line 2: found a tab character "
                    "that violates indentation in File: a.yaml"
                )
            ]
            * 2,
        ),
        "namespaces/web/a.yaml:2",
    ),
    "an unknown field": Wrong(
        {**OVERLAY, "kustomization.yaml": "resorces: [a.yaml]\n"},
        (*['json: unknown field "resorces"'] * 2, 'invalid Kustomization: json: unknown field "resorces"'),
        WEB,
    ),
    "a field of another type": Wrong(
        {"kustomization.yaml": "resources: a.yaml\n"},
        (
            *["json: cannot unmarshal string into Go struct field Kustomization.resources of type []string"] * 2,
            (
                "invalid Kustomization: json: cannot unmarshal string into Go struct field Kustomization.resources of "
                "type []string"
            ),
        ),
        WEB,
    ),
    "an object twice": Wrong(
        {"kustomization.yaml": "resources: [a.yaml, b.yaml]\n", "a.yaml": CONFIG, "b.yaml": CONFIG},
        (
            f"merging resources from 'b.yaml': {NO_OBJECT}~G_v1_ConfigMap|~X|config",
            *[
                (
                    "merging resources from 'b.yaml': may not add resource with an already registered id: "
                    "ConfigMap.v1.[noGrp]/config.[noNs]"
                )
            ]
            * 2,
        ),
        "namespaces/web/b.yaml",
    ),
    "an object without a kind": Wrong(
        {**OVERLAY, "kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": "apiVersion: v1\nmetadata: {name: x}\n"},
        (
            (
                "accumulating resources from 'a.yaml': YAML file [a.yaml] encounters a format error.\n"
                "  error unmarshaling JSON: while decoding JSON: Object 'Kind' is missing in "
                """'{"apiVersion":"v1","metadata":{"name":"x"}}'"""
            ),
            *["accumulating resources from 'a.yaml': missing kind in object {{v1 } {{x } map[] map[]}}"] * 2,
        ),
        "namespaces/web/a.yaml",
    ),
    "a patch without a target": Wrong(
        {
            "kustomization.yaml": "resources: [a.yaml]\npatches: [{path: p.yaml}]\n",
            "a.yaml": CONFIG,
            "p.yaml": CONFIG.replace("config", "other"),
        },
        (
            (
                "no matches for OriginalId ~G_v1_ConfigMap|~X|other; no matches for CurrentId "
                "~G_v1_ConfigMap|~X|other; failed to find unique target for patch ~G_v1_ConfigMap|other"
            ),
            (
                "no matches for Id ConfigMap.v1.[noGrp]/other.[noNs]; failed to find unique target for patch "
                "ConfigMap.v1.[noGrp]/other.[noNs]"
            ),
            (
                'no resource matches strategic merge patch "ConfigMap.v1.[noGrp]/other.[noNs]": no matches for Id '
                "ConfigMap.v1.[noGrp]/other.[noNs]; failed to find unique target for patch "
                "ConfigMap.v1.[noGrp]/other.[noNs]"
            ),
        ),
        WEB,
    ),
    "a patch that is none": Wrong(
        {
            "kustomization.yaml": "resources: [a.yaml]\npatches: [{path: p.yaml}]\n",
            "a.yaml": CONFIG,
            "p.yaml": "a: [b\n",
        },
        (
            *["PatchTransformer (path: p.yaml): unable to parse SM or JSON patch from [a: [b\n  ]"] * 2,
            'PatchTransformer (path: p.yaml): unable to parse SM or JSON patch from [path: "p.yaml"]',
        ),
        WEB,
    ),
    "a cycle": Wrong(
        {**OVERLAY, "kustomization.yaml": "resources: [../../clusters/dev/web]\n"},
        alike("cycle detected: candidate root 'namespaces/web' contains visited root 'namespaces/web'"),
        "clusters/dev/web/kustomization.yaml",
    ),
    "a file outside the kustomization": Wrong(
        {"kustomization.yaml": "resources: [../../clusters/a.yaml]\n", "clusters/a.yaml": CONFIG},
        alike(
            "accumulating resources from '../../clusters/a.yaml': security; file 'clusters/a.yaml' is not in or below "
            "'namespaces/web'"
        ),
        "clusters/a.yaml",
        "a kustomization reads files in and below its own folder: give that file a kustomization of its own, or write "
        "`kustomize: {buildOptions: [--load-restrictor=LoadRestrictionsNone]}` in cmp-app.yaml, which the "
        "administrator's policy must allow by `flags: {kustomize: […]}`",
    ),
    "two kustomizations in a folder": Wrong(
        {"kustomization.yaml": "resources: [a.yaml]\n", "Kustomization": "resources: [a.yaml]\n", "a.yaml": CONFIG},
        alike("Found multiple kustomization files under: namespaces/web"),
        WEB,
    ),
    "a kustomization as a component": Wrong(
        {
            "kustomization.yaml": "resources: [a.yaml]\ncomponents: [part]\n",
            "a.yaml": CONFIG,
            "namespaces/web/part/kustomization.yaml": "namePrefix: x-\n",
        },
        alike("expected kind 'Component' for path 'namespaces/web/part' but got 'Kustomization'"),
        WEB,
    ),
    "a generator in a folder": Wrong(
        {
            "kustomization.yaml": "generators: [deep]\n",
            "namespaces/web/deep/kustomization.yaml": "resources: [a.yaml]\n",
            "namespaces/web/deep/a.yaml": "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata: {name: x}\nfiles: []\n",
        },
        (
            *["loading generator plugins: external plugins disabled; unable to load external plugin 'ksops'"] * 2,
            (
                "loading generator plugins: failed to load generator: external plugins disabled; unable to load "
                "external plugin 'ksops'"
            ),
        ),
        WEB,
        "no render runs programs; a ksops configuration is read where `generators` names its file, not a folder",
    ),
    "a label that is there": Wrong(
        {
            "kustomization.yaml": "resources: [a.yaml]\ncommonLabels: {a: b}\n",
            "a.yaml": CONFIG,
            "cmp-app.yaml": "kustomize: {commonLabels: {a: c}}\n",
        },
        (
            *["label a already in kustomization file"] * 2,
            "label a already in kustomization file. Use --force to override.",
        ),
        WEB,
        "forceCommonLabels and forceCommonAnnotations replace what the kustomization has",
    ),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_reads_the_same_from_any_base(name: str, version: str, world: KustomizeRepository) -> None:
    wrong = MISTAKES[name]
    world.write(wrong.files)
    said = world.refused(version=version)
    assert "\n".join(said) == "\n".join(
        [
            f"cmp: kustomize {version}: {wrong.said[int(version[0]) - 3]}",
            f"  where: application web, cluster dev, phase kustomize, {wrong.file}",
            *([f"  hint: {wrong.hint}"] if wrong.hint else []),
        ]
    )


def test_two_paths_in_one_line_are_refused_by_5_8(world: KustomizeRepository) -> None:
    """Older versions take the second alone, which YAML has joined to the first."""
    other = {"namespaces/other/kustomization.yaml": "resources: [a.yaml]\n", "namespaces/other/a.yaml": CONFIG}
    world.write({**other, "kustomization.yaml": "resources:\n- ../one\n - ../../other\n"})
    joined = "../one - ../../other"
    assert world.refused() == [
        (
            f'cmp: kustomize {NEWEST}: path "{joined}" is ambiguous: resolves to "../other" after normalization, which '
            "is likely not the intended target; check for YAML indentation errors in your kustomization file"
        ),
        f"  where: application web, cluster dev, phase kustomize, {WEB}",
        (
            "  hint: a reference is a path of its own line, and no folder of it has `..` in its name: correct the "
            "indentation, or rename the folder"
        ),
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_edit_that_is_refused_is_told_without_its_usage(version: str, world: KustomizeRepository) -> None:
    world.write({"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": CONFIG})
    world.write({"cmp-app.yaml": "kustomize: {images: [shop]}\n"})
    said = world.refused(version=version)
    assert said[0] == f"cmp: kustomize {version}: invalid format of image, use one of the following options:"
    assert said[1] == "  - <image>=<newimage>:<newtag>"
    assert said[-2:] == ["  - <image>@<digest>", f"  where: application web, cluster dev, phase kustomize, {WEB}"]


BEFORE = {
    "no such resource": (
        {**OVERLAY, "kustomization.yaml": "namePrefix: x-\nresources:\n- a.yaml\n- b.yaml\n", "a.yaml": CONFIG},
        "resources names b.yaml, and there is no namespaces/web/b.yaml",
        f"{WEB}:4",
        "correct the path, or commit the file",
    ),
    "no such patch": (
        {"kustomization.yaml": "resources: [a.yaml]\npatches:\n- path: p.yaml\n", "a.yaml": CONFIG},
        "patches names p.yaml, and there is no namespaces/web/p.yaml",
        f"{WEB}:3",
        "correct the path, or commit the file",
    ),
    "no such component of an option": (
        {
            "kustomization.yaml": "resources: [a.yaml]\n",
            "a.yaml": CONFIG,
            "cmp-app.yaml": "kustomize: {components: [../part]}\n",
        },
        "components names ../part, and there is no namespaces/part",
        "cmp-app.yaml",
        "correct the path, or commit the file",
    ),
    "a remote component of an option": (
        {
            "kustomization.yaml": "resources: [a.yaml]\n",
            "a.yaml": CONFIG,
            "cmp-app.yaml": "kustomize: {components: ['https://host.example/org/repo//part?ref=v1.0.0']}\n",
        },
        "components names https://host.example/org/repo//part?ref=v1.0.0, which is not in the repository",
        "cmp-app.yaml",
        "name it in the kustomization: only there is what is remote looked at",
    ),
    "outside the tree": (
        {"kustomization.yaml": "resources: [../../../a.yaml]\n"},
        "resources names ../../../a.yaml, which leads outside the source tree",
        f"{WEB}:1",
        "everything an application uses must lie in its repository",
    ),
    "a tab": (
        {"kustomization.yaml": "resources:\n\t- a.yaml\n"},
        "this kustomization is not YAML: found character that cannot start any token",
        f"{WEB}:2:1",
        "",
    ),
    "a key in another case": (
        {"kustomization.yaml": "namePrefix: x-\nResources: [a.yaml]\n", "a.yaml": CONFIG},
        "the key Resources of this kustomization is written resources",
        f"{WEB}:2",
        "",
    ),
    "a generator that runs a program": (
        {
            "kustomization.yaml": "generators: [g.yaml]\n",
            "g.yaml": (
                "apiVersion: v1\nkind: Pots\nmetadata: {name: x, annotations: {config.kubernetes.io/function: "
                "'exec: {path: ./run.sh}'}}\n"
            ),
        },
        "the generator Pots runs a program of its own, which no render does",
        "namespaces/web/g.yaml",
        "use what kustomize has built in, or commit what the program prints as a resource",
    ),
    "a transformer that runs a container, inline": (
        {
            "kustomization.yaml": (
                "transformers:\n- |-\n  apiVersion: v1\n  kind: Pots\n  metadata:\n    name: x\n    annotations:\n"
                "      config.kubernetes.io/function: 'container: {image: x}'\n"
            ),
        },
        "the transformer Pots runs a program of its own, which no render does",
        f"{WEB}:2",
        "use what kustomize has built in, or commit what the program prints as a resource",
    ),
    "secretFrom of ksops": (
        {
            "kustomization.yaml": "generators: [g.yaml]\n",
            "g.yaml": "apiVersion: viaduct.ai/v1\nkind: ksops\nsecretFrom: [{metadata: {name: x}, files: [a.yaml]}]\n",
        },
        "ksops with secretFrom is not supported",
        "namespaces/web/g.yaml",
        "secretGenerator of kustomize does the same: name the encrypted files there, cmp decrypts them",
    ),
    "the rendered chart of a plugin, beside the chart": (
        {
            "kustomization.yaml": "resources: [all.yaml]\n",
            "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
            "cmp-app.yaml": "engine: [helm, kustomize]\n",
        },
        "resources names all.yaml, and there is no namespaces/web/all.yaml",
        f"{WEB}:1",
        (
            "if it is the rendered chart, remove the entry: with `engine: [helm, kustomize]` that is a resource by "
            "itself; else correct the path"
        ),
    ),
    "the rendered chart of a plugin, which nothing renders": (
        {
            "kustomization.yaml": "resources: [chart/out.yaml]\n",
            "namespaces/web/chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        },
        "resources names chart/out.yaml, and there is no namespaces/web/chart/out.yaml",
        f"{WEB}:1",
        (
            "if it is what helm makes of the chart beside it, remove the entry, and write `engine: [helm, kustomize]` "
            "in cmp-app.yaml: the rendered chart is a resource by itself then; else correct the path"
        ),
    ),
    "ksops beside something else": (
        {
            "kustomization.yaml": "generators: [g.yaml]\n",
            "g.yaml": (
                "apiVersion: viaduct.ai/v1\nkind: ksops\nfiles: []\n---\n"
                "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: x}\n"
            ),
        },
        "this generator holds ksops and something else",
        "namespaces/web/g.yaml",
        "make it two entries of `generators`",
    ),
}


@pytest.mark.parametrize("name", BEFORE)
def test_some_mistakes_are_found_before_anything_runs(name: str, world: KustomizeRepository) -> None:
    files, said, file, hint = BEFORE[name]
    world.write(files)
    assert world.refused() == [
        f"cmp: {said}",
        f"  where: application web, cluster dev, {file}",
        *([f"  hint: {hint}"] if hint else []),
    ]


def test_a_submodule_that_is_not_checked_out_is_named(world: KustomizeRepository) -> None:
    world.write({"kustomization.yaml": "components:\n- ../../vendor/part\n"})
    (world.root / "vendor/part").mkdir(parents=True)
    assert world.refused() == [
        "cmp: components names ../../vendor/part, and vendor/part is empty",
        f"  where: application web, cluster dev, {WEB}:2",
        "  hint: if it is a submodule, check it out: `git submodule update --init --recursive`",
    ]


def test_a_link_that_leads_outside_is_not_read(world: KustomizeRepository) -> None:
    outside = world.sandbox.folder / "outside.yaml"
    outside.write_text(CONFIG)
    world.write({"kustomization.yaml": "resources: [a.yaml]\n"})
    (world.root / "namespaces/web/a.yaml").symlink_to(outside)
    assert world.refused()[0] == "cmp: this path leads outside the source tree"


def test_a_base_behind_a_link_is_named_itself(world: KustomizeRepository) -> None:
    world.write({"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": CONFIG})
    world.write({"clusters/dev/web/kustomization.yaml": "resources: [base]\n"})
    (world.root / "clusters/dev/web/base").symlink_to("../../../namespaces/web")
    assert world.refused() == [
        "cmp: the kustomization clusters/dev/web/base lies behind a link to namespaces/web",
        "  where: application web, cluster dev, clusters/dev/web/kustomization.yaml:1",
        "  hint: name the folder itself",
    ]


def test_an_application_behind_a_link_is_not_built(world: KustomizeRepository) -> None:
    world.write({"namespaces/real/kustomization.yaml": "resources: [a.yaml]\n", "namespaces/real/a.yaml": CONFIG})
    (world.root / "namespaces/web").symlink_to("real")
    assert world.refused()[0] == "cmp: the kustomization namespaces/web lies behind a link to namespaces/real"


ENDS = {
    "fails-in-silence": "exited with status 1 and said nothing",
    "is-killed": "was killed by signal 9",
}


@pytest.mark.parametrize("fault", ENDS)
def test_an_end_without_a_word(fault: str, world: KustomizeRepository) -> None:
    world.write({"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": CONFIG})
    world.install_fake(fault)
    assert world.refused()[0] == f"cmp: kustomize {NEWEST} {ENDS[fault]}"


PANIC = """\
#!/bin/sh
printf 'panic: runtime error: index out of range [0]\\n\\ngoroutine 1 [running]:\\nmain.main()\\n' >&2
exit 2
"""


def test_a_crash_is_told_without_its_stack(world: KustomizeRepository) -> None:
    """A stand-in: no input is known with which these versions crash."""
    world.write({"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": CONFIG})
    world.install(PANIC)
    assert world.refused() == [
        f"cmp: kustomize {NEWEST} crashed: panic: runtime error: index out of range [0]",
        "  where: application web, cluster dev, phase kustomize",
    ]


def test_nothing_printed_is_refused(world: KustomizeRepository) -> None:
    world.write({"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": "# nothing\n"})
    assert world.refused()[0] == "cmp: kustomize printed no object: Argo CD could prune the whole application"


class TestWarnings:
    def warnings(self, world: KustomizeRepository, *options: str) -> list[str]:
        ran = world.run(*options)
        assert ran.code == 0, ran.stderr
        return [line for line in ran.stderr.splitlines() if "warning" in line]

    def test_a_deprecated_key_is_told_once_with_its_files(self, world: KustomizeRepository) -> None:
        part = "resources: [a.yaml]\npatchesStrategicMerge: [a.yaml]\n"
        world.write(
            {
                "clusters/dev/web/kustomization.yaml": "bases: [../../../namespaces/web, ../../more]\n",
                "kustomization.yaml": part,
                "a.yaml": CONFIG,
                "clusters/more/kustomization.yaml": part,
                "clusters/more/a.yaml": DEPLOYMENT,
                "clusters/dev/web/cmp-app.yaml": "kustomize: {namePrefix: x-, images: [a:b]}\n",
            }
        )
        advice = "Run 'kustomize edit fix' to update your Kustomization automatically."
        assert self.warnings(world) == [
            (
                "cmp: warning: kustomize: 'patchesStrategicMerge' is deprecated. Please use 'patches' instead. "
                f"{advice} (namespaces/web/kustomization.yaml, clusters/more/kustomization.yaml)"
            ),
        ]

    def test_what_only_an_option_brought_in_is_not_told(self, world: KustomizeRepository) -> None:
        world.write({"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": CONFIG})
        world.write({"cmp-app.yaml": "kustomize: {commonLabels: {a: b}}\n"})
        assert self.warnings(world) == []

"""The inputs that change a fingerprint, one by one, and those that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cmp.engines import ENGINES, engine_of
from cmp.model import BuildEnv, Layer, OutputRules, Parameters, RemoteRef, ToolPin
from cmp.render import fingerprint
from cmp.render.fingerprint import FingerprintIndex, InputPaths
from cmp.repository.instances import Request, resolve
from tests.support import versions
from tests.support.monorepos import git_tree
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.model import Instance
    from tests.support.monorepos import Files

CONFIG = """\
layout:
  apps: apps/{app}
  instances: clusters/{cluster}/{app}
  values:
    - {path: "common/{app}.yaml", optional: true}
    - {path: "apps/{app}/common.yaml", optional: true}
    - {path: "common/{app}.secret.yaml", optional: true}
    - {path: "clusters/{cluster}/{app}/values.yaml", optional: true}
clusters:
  dev: {kubeVersion: "1.31", env: test}
  twin: {kubeVersion: "1.31", env: test}
"""
CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
DEPENDS = CHART + "dependencies:\n"
ON_LIB = '  - {name: lib, version: 1.0.0, repository: "file://../../charts/lib"}\n'
ON_REDIS = '  - {name: redis, version: "1.x", repository: "https://charts.example"}\n'
ON_ALIAS = '  - {name: kafka, version: "2.x", repository: "@mirror"}\n'
SEALED = "password: ENC[AES256_GCM,data:%s,iv:aa==,tag:bb==,type:str]\nsops: {mac: 'ENC[x]', lastmodified: %s}\n"
HELM: Files = {
    "cmp.yaml": CONFIG,
    "apps/shop/Chart.yaml": CHART,
    "apps/shop/templates/a.yaml": "a: {{ .Values.a }}\n",
    "common/shop.yaml": "a: 1\nb: {c: 2, d: 3}\n",
    "clusters/dev/shop/values.yaml": "b: {d: 4}\n",
    "clusters/twin/shop/values.yaml": "b: {d: 4}\n",
}
LIB: Files = {
    "apps/shop/Chart.yaml": DEPENDS + ON_LIB,
    "charts/lib/Chart.yaml": "apiVersion: v2\nname: lib\nversion: 1.0.0\n",
    "charts/lib/templates/b.yaml": "b: 1\n",
}
PLAIN: Files = {
    "cmp.yaml": CONFIG,
    "apps/shop/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    "clusters/dev/shop/.keep": "",
}
CUE: Files = {"cmp.yaml": CONFIG, "apps/shop/a.cue": "package shop\n", "clusters/dev/shop/.keep": ""}
LOCK = """\
version: 1
charts:
  - {repository: "https://charts.example", name: redis, constraint: 1.x, version: "%s", sha256: "%s"}
tools: {helm: {"%s": [{os: linux, arch: amd64, via: go, sha256: "%s"}]}}
"""


def instance_of(files: Files, on: str = "dev") -> Instance:
    """Return the application shop on a cluster."""
    return resolve(git_tree(files), Request("shop", on), ENGINES)


def printed(files: Files, on: str = "dev", **changed: Any) -> str:  # noqa: ANN401  # an Instance's fields
    """Return the fingerprint of the application shop, its instance changed."""
    return FingerprintIndex(git_tree(files)).of(instance_of(files, on)._replace(**changed))


def inputs(files: Files) -> InputPaths:
    """Return what the application shop reads."""
    tree, instance = git_tree(files), instance_of(files)
    return FingerprintIndex(tree).inputs(instance, engine_of(instance.engines).needs(tree, instance))


@pytest.mark.parametrize(
    "changed",
    [
        {"release": "other"},
        {"namespace": "other"},
        {"kube_version": "1.32"},
        {"api_versions": ("example/v1",)},
        {"options": {"helm": {"skipTests": True}}},
        {"output_rules": OutputRules(allow_empty=True)},
        {"secret_suffixes": (".sealed",)},
        {"secret_files": ("apps/shop/Chart.yaml",)},
        {"parameters": Parameters(set_values=(("a", "2"),))},
        {"kept_files": ("apps/shop/templates/a.yaml",)},
        {"kept_kinds": ("Vault",)},
        {"parameters": Parameters(set_strings=(("a", "2"),))},
        {"parameters": Parameters(set_templates=(("a", "2"),))},
        {"parameters": Parameters(values_yaml="a: 2")},
        {"parameters": Parameters(namespace="other")},
        {"parameters": Parameters(images=("a=b",))},
        {"parameters": Parameters(environment="prod")},
        {"build_env": BuildEnv(app_name="other")},
        {"build_env": BuildEnv(source_path="other")},
        {"pins": {"helm": ToolPin("helm", "9.9.9", ""), "sops": ToolPin("sops", "3.10.2", "")}},
    ],
    ids=str,
)
def test_what_an_instance_says_matters(changed: dict[str, Any]) -> None:
    assert printed(HELM, **changed) != printed(HELM)


@pytest.mark.parametrize(
    "changed",
    [
        {"cluster": "other"},
        {"app": "other"},
        {"warnings": ("a warning",)},
        {"placeholders": {"env": "prod"}},
        {"options": {"kustomize": {"namePrefix": "a-"}}},
        {"kept_files": ("apps/other/app.yaml",)},
        {
            "parameters": Parameters(
                cluster="other", release="other", values_files=("a.yaml",), tool_versions={"helm": "1"}
            )
        },
        {"build_env": BuildEnv(revision="1", target_revision="v1", kube_version="1.1", api_versions=("a",))},
        {"pins": {"helm": ToolPin("helm", versions.DEFAULT_HELM, "elsewhere:1"), "cue": ToolPin("cue", "9.9.9", "")}},
    ],
    ids=str,
)
def test_what_no_program_sees_is_left_out(changed: dict[str, Any]) -> None:
    assert printed(HELM, **changed) == printed(HELM)


def test_two_clusters_that_differ_in_their_names_alone_render_alike() -> None:
    assert printed(HELM, "twin") == printed(HELM, "dev")


@pytest.mark.parametrize("files", [CUE, PLAIN], ids=["cue", "plain"])
def test_facts_of_a_cluster_matter_where_the_engine_hands_them_on(files: Files) -> None:
    is_handed_on = files is CUE
    assert (printed(files, placeholders={"env": "prod"}) != printed(files)) == is_handed_on


def test_what_is_in_a_fingerprint_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    now = printed(HELM)
    monkeypatch.setattr(fingerprint, "VERSION", 0)
    assert printed(HELM) != now


def test_the_engine_matters() -> None:
    both = {**HELM, "apps/shop/cmp-app.yaml": "engine: [helm, kustomize]\n", "apps/shop/kustomization.yaml": "{}\n"}
    alone = {**both, "apps/shop/cmp-app.yaml": "engine: helm\n"}
    assert printed(both) != printed(alone)


@pytest.mark.parametrize(
    "text",
    ["a: 2\nb: {c: 2, d: 3}\n", "a: 1\nb: {c: 2, d: 3, e: null}\n", "a: '1'\nb: {c: 2, d: 3}\n", "a: [\n", "- 1\n"],
)
def test_merged_values_matter(text: str) -> None:
    assert printed({**HELM, "common/shop.yaml": text}) != printed(HELM)


@pytest.mark.parametrize(
    "text",
    [
        "# words\nb:\n  d: 3\n  c: 2\na: 1\n",
        "---\na: 1\nb: {c: 2, d: 3}\n",
        "# words\n---  # more\na: 1\nb: {c: 2, d: 3}\n",
        "a: 1\nb: {c: 2, d: 9} # a stronger layer sets d\n",
        "a: 0\na: 1\nb: {c: 2}\n",
    ],
)
def test_how_they_are_written_and_what_is_overridden_is_left_out(text: str) -> None:
    assert printed({**HELM, "common/shop.yaml": text}) == printed(HELM)


def test_helm_reads_the_first_document_even_if_it_is_empty() -> None:
    empty = {**HELM, "common/shop.yaml": "---\n# nothing\n---\na: 1\nb: {c: 2, d: 3}\n"}
    assert printed(empty) != printed(HELM)


def test_which_file_sets_a_value_is_left_out() -> None:
    split = {**HELM, "common/shop.yaml": "a: 1\n", "apps/shop/common.yaml": "b: {c: 2, d: 3}\n"}
    assert printed(split) == printed(HELM)


def test_the_order_of_layers_matters_to_an_engine_that_merges_by_itself() -> None:
    first, second = "common/shop.yaml", "clusters/dev/shop/values.yaml"
    ahead = {**CUE, first: "a: 1\n", second: "b: 1\n"}
    assert printed(ahead) != printed({**CUE, first: "b: 1\n", second: "a: 1\n"})


def sealed(data: str, time: str) -> str:
    return printed({**HELM, "common/shop.secret.yaml": SEALED % (data, time)})


def test_ciphertext_and_what_sops_says_of_a_file_matter() -> None:
    assert len({sealed("aaa=", "1"), sealed("bbb=", "1"), sealed("aaa=", "2"), printed(HELM)}) == 4
    assert sealed("aaa=", "1") == sealed("aaa=", "1")


def test_sops_matters_where_something_is_encrypted() -> None:
    newer = {name: ToolPin(name, "9.9.9" if name == "sops" else "3.18.6", "") for name in ("helm", "sops")}
    older = {name: ToolPin(name, "3.18.6", "") for name in ("helm", "sops")}
    files = {**HELM, "common/shop.secret.yaml": SEALED % ("aaa=", "1")}
    assert printed(files, pins=newer) != printed(files, pins=older)
    assert printed(HELM, pins=newer) == printed(HELM, pins=older)


@pytest.mark.parametrize(
    "files",
    [
        {"apps/shop/templates/a.yaml": "a: 2\n"},
        {"apps/shop/templates/b.yaml": "a: 1\n"},
        {"apps/shop/values.yaml": "a: 1\n"},
        {"apps/shop/crds/a.yaml": "a: 1\n"},
        {"apps/shop/.helmignore": "templates\n"},
        {"apps/shop/charts/lib-1.0.0.tgz": "x"},
        {"apps/shop/templates/cmp-app.yaml": "release: other\n"},
        {"apps/shop/templates/more": "-> ../../../common"},
        {"apps/shop/templates/nowhere.yaml": "-> missing.yaml"},
        {"apps/shop/docs/nowhere.md": "-> missing.md"},
    ],
    ids=str,
)
def test_files_of_a_chart_matter(files: Files) -> None:
    assert printed({**HELM, **files}) != printed(HELM)


@pytest.mark.parametrize(
    "path", ["apps/shop/README.md", "apps/shop/cmp-app.yaml", "clusters/dev/shop/cmp-app.yaml", "apps/other/Chart.yaml"]
)
def test_other_files_are_left_out(path: str) -> None:
    assert printed({**HELM, path: "# words\n"}) == printed(HELM)


@pytest.mark.parametrize(("marker", "matters"), [("helmfile.yaml", True), ("kustomization.yaml", False)])
def test_the_executable_bit_matters_where_a_file_may_be_a_hook(marker: str, matters: bool, tmp_path: Path) -> None:  # noqa: FBT001
    files = {"cmp.yaml": CONFIG, f"apps/shop/{marker}": "{}\n", "apps/shop/hook.sh": "#!/bin/sh\n"}
    tree = plant(tmp_path, {**files, "clusters/dev/shop/.keep": ""})
    instance = resolve(tree, Request("shop", "dev"), ENGINES)
    before = FingerprintIndex(tree).of(instance)
    (tmp_path / "apps/shop/hook.sh").chmod(0o755)
    assert (FingerprintIndex(tree).of(instance) != before) is matters


def test_its_own_configuration_is_left_out_unless_a_program_may_read_it() -> None:
    named = "configMapGenerator: [{name: a, files: [cmp-app.yaml]}]\n"
    files = {"cmp.yaml": CONFIG, "apps/shop/kustomization.yaml": "{}\n", "clusters/dev/shop/.keep": ""}
    reading = {**HELM, "apps/shop/templates/a.yaml": '{{ .Files.Get "cmp-app.yaml" }}\n'}
    for each, matters in ((files, False), ({**files, "apps/shop/kustomization.yaml": named}, True), (reading, True)):
        one, other = ({**each, "apps/shop/cmp-app.yaml": text} for text in ("# words\n", "# other words\n"))
        assert (printed(one) != printed(other)) == matters


@pytest.mark.parametrize(
    "reader",
    [
        {"apps/shop/charts/lib-1.0.0.tgz": "packed"},
        {"apps/shop/templates/a.yaml": '{{ .Files.Get "README.md" }}\n'},
        {"apps/shop/templates/a.yaml": '{{ include "of.another.chart" . }}\n'},
        {"common/shop.yaml": "a: '{{ .Files.Get \"README.md\" }}'\n"},
    ],
    ids=["packed", "template", "chart", "values"],
)
def test_other_files_of_a_chart_matter_where_a_template_may_read_them(reader: Files) -> None:
    files = {**HELM, **reader}
    assert printed({**files, "apps/shop/README.md": "# words\n"}) != printed(files)


@pytest.mark.parametrize(
    "given",
    [
        Parameters(values_yaml="a: '{{ .Files }}'"),
        Parameters(set_values=(("a", "{{ .Files }}"),)),
        Parameters(set_strings=(("a", "{{ .Files }}"),)),
    ],
)
def test_so_they_do_where_a_parameter_may_be_a_template_that_reads_them(given: Parameters) -> None:
    more = {**HELM, "apps/shop/README.md": "# words\n"}
    assert printed(more, parameters=given) != printed(HELM, parameters=given)


def test_the_name_of_a_file_matters() -> None:
    files = {**PLAIN, "apps/shop/b.yaml": PLAIN["apps/shop/a.yaml"]}
    del files["apps/shop/a.yaml"]
    assert printed(files) != printed(PLAIN)


def test_what_a_folder_behind_a_link_holds_matters() -> None:
    linked = {**HELM, "apps/shop/templates/more": "-> ../../../shared", "shared/deep/b.yaml": "b: 1\n"}
    assert printed({**linked, "shared/deep/b.yaml": "b: 2\n"}) != printed(linked)
    assert inputs(linked).covers("shared/deep/b.yaml")


def test_a_link_back_is_no_endless_way() -> None:
    circle = {**HELM, "apps/shop/templates/back": "-> ..", "apps/shop/templates/here": "-> ."}
    assert printed(circle) != printed(HELM)


def test_what_is_behind_a_layer_is_an_input() -> None:
    linked = {**HELM, "common/shop.yaml": "-> real.yaml", "common/real.yaml": HELM["common/shop.yaml"]}
    assert printed(linked) == printed(HELM)
    assert inputs(linked).covers("common/real.yaml")
    assert not inputs(linked).covers("common/shop.yaml")


@pytest.mark.parametrize("beside", ["", ON_ALIAS, ON_REDIS, "  - {version: 1}\n  - 7\n"], ids=str)
def test_local_charts_matter_whatever_is_beside_them(beside: str) -> None:
    files = {**HELM, **LIB, "apps/shop/Chart.yaml": DEPENDS + beside + ON_LIB}
    assert printed({**files, "charts/lib/templates/b.yaml": "b: 2\n"}) != printed(files)


def test_local_charts_of_local_charts_matter() -> None:
    deep = 'dependencies: [{name: deep, version: 1.0.0, repository: "file://../deep"}]\n'
    files = {**HELM, **LIB, "charts/lib/Chart.yaml": LIB["charts/lib/Chart.yaml"] + deep, "charts/deep/Chart.yaml": "a"}
    assert printed({**files, "charts/deep/Chart.yaml": "b"}) != printed(files)


def test_a_local_chart_may_be_the_whole_repository() -> None:
    at_root = '  - {name: lib, version: 1.0.0, repository: "file://../.."}\n'
    files = {**HELM, "apps/shop/Chart.yaml": DEPENDS + at_root, "Chart.yaml": LIB["charts/lib/Chart.yaml"]}
    assert inputs(files).folders == ("apps/shop", "")
    assert printed({**files, "templates/a.yaml": "a: 1\n"}) != printed(files)


def locked(
    version: str = "1.2.3", digest: str = "0" * 64, helm: str = versions.DEFAULT_HELM, program: str = "1" * 64
) -> str:
    files = {**HELM, "apps/shop/Chart.yaml": DEPENDS + ON_REDIS}
    return printed({**files, "cmp.lock": LOCK % (version, digest, helm, program)})


def test_what_the_lock_says_of_charts_and_programs_matters() -> None:
    assert locked(version="1.3.0") != locked()
    assert locked(digest="2" * 64) != locked()
    assert locked(program="2" * 64) != locked()


REMOTE = '{"$ref": "https://schemas.example/a.json"}'
SCHEMAS = "version: 1\nschemas: [{url: 'https://schemas.example/a.json', sha256: '%s'}]\n"


def pinned(more: Files, digest: str) -> str:
    return printed({**HELM, **more, "cmp.lock": SCHEMAS % (digest * 64)})


@pytest.mark.parametrize(
    "more",
    [
        {"apps/shop/values.schema.json": REMOTE},
        {"apps/shop/charts/redis-1.0.0.tgz": "a chart"},
        {**LIB, "charts/lib/values.schema.json": REMOTE},
    ],
)
def test_what_the_lock_says_of_schemas_matters_to_charts_that_may_refer_to_one(more: Files) -> None:
    assert pinned(more, "1") != pinned(more, "2")


@pytest.mark.parametrize("more", [{"apps/shop/values.schema.json": '{"$ref": "#/definitions/a"}'}, LIB])
def test_and_to_no_others(more: Files) -> None:
    assert pinned(more, "1") == pinned(more, "2")


def test_what_the_lock_says_of_other_programs_is_left_out() -> None:
    assert locked(helm="3.14.4", program="2" * 64) == locked(helm="3.14.4")


def test_a_lock_matters_by_being_there() -> None:
    nothing = {**HELM, "cmp.lock": "version: 1\n"}  # whoever is not in it is refused
    assert printed(nothing) != printed(HELM)
    assert printed({**PLAIN, "cmp.lock": "version: 1\n"}) == printed(PLAIN)


def test_what_the_lock_says_of_a_repository_that_has_an_alias_matters() -> None:
    files = {**HELM, "apps/shop/Chart.yaml": DEPENDS + ON_ALIAS}
    text = LOCK.replace("https://charts.example", "@mirror").replace("redis", "kafka").replace("1.x", "2.x")
    one, other = (
        {**files, "cmp.lock": text % (version, "0" * 64, versions.DEFAULT_HELM, "1" * 64)} for version in ("2.1", "2.2")
    )
    assert printed(one) != printed(other)


def test_the_repositories_of_charts_are_told_whatever_is_beside_them() -> None:
    files = {**HELM, **LIB, "apps/shop/Chart.yaml": DEPENDS + ON_ALIAS + ON_LIB + ON_REDIS}
    tree, instance = git_tree(files), instance_of(files)
    needs = engine_of(instance.engines).needs(tree, instance)
    assert [*FingerprintIndex(tree).chart_repositories(instance, needs)] == ["@mirror", "https://charts.example"]


def test_a_values_file_of_a_web_server_is_a_repository_of_its_own() -> None:
    tree, instance = git_tree(HELM), instance_of(HELM)
    url = "https://files.example/values.yaml"
    remote = Layer(url, is_secret=False, source="", remote=RemoteRef(url, "", "", is_file=True))
    needs = engine_of(instance.engines).needs(tree, instance)
    urls = FingerprintIndex(tree).chart_repositories(instance._replace(layers=(remote,)), needs)
    assert next(urls) == url


def test_layers_that_are_no_files_of_the_tree_count_by_what_is_known_of_them() -> None:
    tree, instance = git_tree(HELM), instance_of(HELM)._replace(is_builtin=True)
    known, other = (Layer("helm.values", is_secret=False, source="", data=data) for data in (b"a: 1\n", b"a: 2\n"))
    of_chart = Layer("values-dev.yaml", is_secret=False, source="", in_chart=True)
    layers = [(), (known,), (other,), (of_chart,), (of_chart._replace(path="values-prod.yaml"),)]
    index = FingerprintIndex(tree)
    assert len({index.of(instance._replace(layers=each)) for each in layers}) == len(layers)
    again = known._replace(source="another place")
    assert index.of(instance._replace(layers=(again,))) == index.of(instance._replace(layers=(known,)))

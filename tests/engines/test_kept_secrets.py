"""Encrypted objects that an operator in the cluster decrypts stay as they are, in every engine; others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support.leaks import find_plaintext
from tests.support.repository import Repository

if TYPE_CHECKING:
    from tests.support.harness import Sandbox

NO_KEY = {"SOPS_AGE_KEY_FILE": "/nonexistent"}
CONTENT = ("--encrypted-regex", "^(spec|data|stringData)$")
OPERATED = (
    "apiVersion: secrets.example.com/v1\nkind: {kind}\nmetadata: {{name: vault}}\nspec: {{token: kept-word-5hQz}}\n"
)
SOPS_SECRET = OPERATED.format(kind="SopsSecret")
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {a: opened-word-8Rtw}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: sec}\nstringData: {a: opened-word-8Rtw}\n"
PLAIN: dict[str, str] = {}
KUSTOMIZED = {"kustomization.yaml": "resources: [app.yaml]\nnamespace: x\n"}
EMBEDDED = {
    "shop.cue": '@extern(embed)\npackage shop\nobjects: _ @embed(glob="app.yaml")\n',
    "cue.mod/module.cue": 'module: "example.com/shop"\nlanguage: version: "v0.14.0"\n',
}
HELMFILE = {
    "helmfile.yaml": "releases: [{name: shop, chart: ./chart}]\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
}
HELM = {"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n"}
ENGINES = {
    "plain": (PLAIN, "app.yaml"),
    "kustomize": (KUSTOMIZED, "app.yaml"),
    "cue": (EMBEDDED, "app.yaml"),
    "helmfile": (HELMFILE, "chart/templates/app.yaml"),
    "helm": (HELM, "templates/app.yaml"),
}


@pytest.fixture
def world(sandbox: Sandbox) -> Repository:
    return Repository(sandbox)


def plant(world: Repository, text: str, engine: str = "plain", own: str = "") -> str:
    """Write an application with one encrypted file, and return that file's path."""
    files, name = ENGINES[engine]
    world.write_app({**files, **({"cmp-app.yaml": own} if own else {})})
    path = f"{world.app_folder}/{name}"
    world.seal({path: text}, *CONTENT)
    return path


def as_in_git(world: Repository, path: str) -> dict[str, object]:
    value: dict[str, object] = yaml.safe_load((world.root / path).read_text())
    return value


def without_namespace(text: str) -> dict[str, object]:
    value: dict[str, object] = yaml.safe_load(text)
    value["metadata"] = {"name": value["metadata"]["name"]}  # type: ignore[index]
    return value


@pytest.mark.parametrize("engine", ENGINES)
def test_an_object_of_an_operator_leaves_as_it_lies_in_git(engine: str, world: Repository) -> None:
    path = plant(world, SOPS_SECRET, engine)
    ran = world.run(**NO_KEY)
    assert ran.code == 0, ran.stderr
    assert without_namespace(ran.stdout) == as_in_git(world, path)
    assert "warning" not in ran.stderr
    assert world.must() == world.must("--keyless", **NO_KEY) == ran.stdout
    assert world.generate(**NO_KEY).stdout == ran.stdout


@pytest.mark.parametrize("engine", ["plain", "kustomize"])
@pytest.mark.parametrize("text", [CONFIG, SECRET])
def test_an_object_of_kubernetes_itself_is_decrypted(text: str, engine: str, world: Repository) -> None:
    plant(world, text, engine)
    assert "opened-word-8Rtw" in world.must()


def test_another_custom_resource_stays_with_a_warning_and_two_ways_out(world: Repository) -> None:
    plant(world, OPERATED.format(kind="Vault"))
    ran = world.run(**NO_KEY)
    assert ran.code == 0, ran.stderr
    assert ran.stderr.splitlines()[0] == (
        "cmp: warning: Vault vault: it stays encrypted, for an operator in the cluster; if that is meant, "
        "`secrets: {keep: [KIND]}` in cmp-app.yaml or cmp.yaml says so, else `secrets: {files: [FILE]}` in "
        "cmp-app.yaml decrypts it (namespaces/shop/app.yaml:1)"
    )
    assert find_plaintext([world.sandbox.folder], ["kept-word-5hQz"]) == []
    world.write_app({"cmp-app.yaml": "secrets: {keep: [Vault]}\n"})
    assert "warning" not in world.run(**NO_KEY).stderr
    world.write_app({"cmp-app.yaml": "secrets: {files: [app.yaml]}\n"})
    assert "kept-word-5hQz" in world.must()


@pytest.mark.parametrize("own", ["secrets: {keep: [ConfigMap]}\n", "secrets: {keep: [a*.yaml]}\n", ""])
def test_what_is_listed_stays_encrypted_whatever_it_is(own: str, world: Repository) -> None:
    path = plant(world, CONFIG, own=own)
    if not own:
        world.write({"cmp.yaml": "secrets: {keep: [namespaces/*/app.yaml]}\n"})
    ran = world.run(**NO_KEY)
    assert ran.code == 0, ran.stderr
    assert yaml.safe_load(ran.stdout) == as_in_git(world, path)


def test_a_listed_file_of_a_chart_may_be_printed_and_any_other_ciphertext_not(world: Repository) -> None:
    plant(world, SECRET, "helm", own="secrets: {keep: [templates/*.yaml]}\n")
    assert "sops:" in world.must(**NO_KEY)
    world.seal({f"{world.app_folder}/templates/other/b.yaml": SECRET.replace("name: sec", "name: b")}, *CONTENT)
    assert world.refused(**NO_KEY)[0] == "cmp: 2 mistakes in what helm printed"


def test_a_listed_file_may_stand_in_another_object(world: Repository) -> None:
    generated = "{name: a, files: [app.yaml, app.env]}"
    world.write_app(
        {
            "kustomization.yaml": f"secretGenerator: [{generated}]\nconfigMapGenerator: [{generated}]\n",
            "cmp-app.yaml": "secrets: {keep: [app.*]}\n",
        }
    )
    world.seal({f"{world.app_folder}/app.yaml": SECRET, f"{world.app_folder}/app.env": "A=opened-word-8Rtw\n"})
    printed = [yaml.safe_load(text) for text in world.must(**NO_KEY).split("\n---\n")]
    assert {one["kind"] for one in printed} == {"Secret", "ConfigMap"}
    assert all("sops" in printed[0]["data"][name] for name in ("app.yaml", "app.env"))
    world.write_app({"cmp-app.yaml": "secrets: {keep: [app.env]}\n"})
    assert "opened-word-8Rtw" in world.must()
    world.write_app({"cmp-app.yaml": "secrets: {keep: [app.yaml]}\n", "left.txt": "ENC[AES256_GCM,data:x,type:str]"})
    world.write_app({"kustomization.yaml": "configMapGenerator: [{name: a, files: [app.yaml, left.txt]}]\n"})
    assert world.refused(**NO_KEY)[0].endswith(": SOPS ciphertext, still encrypted")


def test_a_patch_is_decrypted_whatever_it_patches(world: Repository) -> None:
    world.write_app({"kustomization.yaml": "resources: [a.yaml]\npatches: [{path: p.yaml}]\n"})
    world.write_app({"a.yaml": OPERATED.format(kind="Vault")})
    patch = OPERATED.format(kind="Vault").replace("kept-word-5hQz", "patched-word-2Kfe")
    world.seal({f"{world.app_folder}/p.yaml": patch}, *CONTENT)
    assert "patched-word-2Kfe" in world.must()


def test_a_file_of_both_sorts_is_an_error(world: Repository) -> None:
    plant(world, f"{SOPS_SECRET}---\n{SECRET}")
    assert world.refused() == [
        "cmp: this encrypted file holds a SopsSecret, which stays encrypted, and a Secret, which does not",
        "  where: application shop, cluster dev, phase secrets, namespaces/shop/app.yaml",
        "  hint: make it two files, each encrypted by itself",
    ]


@pytest.mark.parametrize("key", ["files", "keep"])
def test_a_listed_file_that_is_not_there_is_an_error(key: str, world: Repository) -> None:
    plant(world, SECRET, own=f"secrets: {{{key}: [b.yaml, x*.yaml]}}\n")
    assert world.refused() == [
        f"cmp: secrets.{key} names b.yaml, but there is no file namespaces/shop/b.yaml",
        f"  where: application shop, cluster dev, phase layout, namespaces/shop/cmp-app.yaml:1:{13 + len(key)}",
        "  hint: its paths start in the folder that is rendered, namespaces/shop",
    ]


VALUES = "word: opened-word-8Rtw\n"
TEMPLATE = """\
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {v: "{{ .Values.word }}", f: {{ .Files.Get "f/a.enc" | quote }}}
"""


def shared(world: Repository, own: str) -> None:
    """Write a chart that takes another one of the tree, whose values and a file of which are encrypted."""
    dependency = "dependencies: [{name: common, version: 1.0.0, repository: 'file://../../charts/common'}]\n"
    world.write_app({"Chart.yaml": HELM["Chart.yaml"] + dependency, "cmp-app.yaml": own})
    world.write({"charts/common/Chart.yaml": "apiVersion: v2\nname: common\nversion: 1.0.0\n"})
    world.write({"charts/common/templates/s.yaml": TEMPLATE})
    world.seal({"charts/common/values.yaml": VALUES, "charts/common/f/a.enc": "opened-word-9Lpa"})


def test_files_of_a_chart_of_the_tree_are_decrypted_where_they_are_listed(world: Repository) -> None:
    shared(world, "secrets: {files: [../../charts/common/values.yaml, ../../charts/common/f/*.enc]}\n")
    content = yaml.safe_load(world.must())["stringData"]
    assert content == {"v": "opened-word-8Rtw", "f": "opened-word-9Lpa"}
    assert world.must() == world.must()
    assert find_plaintext([world.sandbox.folder], ["opened-word-8Rtw", "opened-word-9Lpa"]) == []
    shared(world, "")
    assert world.refused()[2] == (
        "  hint: `secrets: {files: [../../charts/common/f/a.enc, ../../charts/common/values.yaml]}` in cmp-app.yaml "
        "decrypts the encrypted files; if this is meant, `output: {allowCiphertext: true}` in cmp-app.yaml accepts it"
    )


@pytest.mark.parametrize("name", ["../../other/values.yaml", "../../../x.yaml"])
def test_a_file_outside_of_all_charts_is_an_error(name: str, world: Repository) -> None:
    shared(world, f"secrets: {{files: [{name}]}}\n")
    world.seal({"other/values.yaml": VALUES})
    said = world.refused()
    assert said[0] in (
        "cmp: secrets.files names other/values.yaml, which is in no chart that is rendered",
        "cmp: secrets.files names ../../../x.yaml, which leads outside the source tree",
    )


@pytest.mark.parametrize("engine", ["plain", "kustomize", "helmfile", "helm"])
def test_a_document_of_comments_alone_is_nothing(engine: str, world: Repository) -> None:
    text = f"{SECRET}---\n# kind: Secret\n# gone\n---\n{SECRET.replace('name: sec', 'name: two')}"
    listed = ENGINES[engine][1] if engine.startswith("helm") else "app.yaml"
    plant(world, text, engine, own=f"secrets: {{files: [{listed}]}}\n")
    for options in ((), ("--keyless",)):
        ran = world.run(*options)
        names = [one["metadata"]["name"] for one in yaml.safe_load_all(ran.stdout) if one]
        assert names == ["sec", "two"], ran.stderr

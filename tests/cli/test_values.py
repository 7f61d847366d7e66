"""`cmp values`: the origin of each value by Helm's rules, as the real helm confirms."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmp import yamldoc
from cmp.errors import ChartError, ConfigError
from cmp.repository import values
from cmp.repository.values import Origin, Origins, Place, provenance
from tests.support import property_examples, versions
from tests.support.harness import AGE_KEY_FILE, Sandbox, snapshot
from tests.support.keys import SOPS_VERSION
from tests.support.trees import plant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

HELM_VERSIONS = versions.HELM_ENDS


def origins(*layers: str) -> dict[str, str]:
    """Return, for each key of the layers A, B, ..., its origin and what that overrode, as short text."""
    found = provenance([(name, text.encode()) for name, text in zip("ABC", layers, strict=False)])
    return {
        ".".join(map(str, path)): " > ".join(place.text for place in (origin.place, *origin.overridden))
        for path, origin in found.items()
    }


# Provenance


def test_maps_merge() -> None:
    assert origins("a:\n  k: 1\n  l: 1\n", "a:\n  l: 2\n  m: 2\n") == {
        "a": "B:1 > A:1",
        "a.k": "A:2",
        "a.l": "B:2 > A:3",
        "a.m": "B:3",
    }


def test_a_list_replaces_a_list_as_a_whole() -> None:
    assert origins("a:\n  - 1\n  - 2\n", "a:\n  - x: 3\n    z: [4]\n") == {
        "a": "B:1 > A:1",
        "a.0": "B:2 > A:1",
        "a.0.x": "B:2 > A:1",
        "a.0.z": "B:3 > A:1",
        "a.0.z.0": "B:3 > A:1",
    }


def test_a_map_replaces_a_scalar_and_a_scalar_a_map() -> None:
    assert origins("a: 1\nb:\n  x: 1\n", "a:\n  x: 2\nb: 2\n") == {
        "a": "B:1 > A:1",
        "a.x": "B:2 > A:1",
        "b": "B:3 > A:2",
    }


def test_what_null_removed_does_not_come_back() -> None:
    assert origins("a: {x: 1, z: 1}\n", "a: null\n", "a:\n  x: 3\n") == {
        "a": "C:1 > B:1 > A:1",
        "a.x": "C:2 > B:1 > A:1",
    }


def test_what_an_alias_brings_in_stands_where_the_alias_does() -> None:
    assert origins("a: &a\n  x: 1\nb: *a\nc:\n  <<: *a\n  z: 1\n") == {
        "a": "A:1",
        "a.x": "A:2",
        "b": "A:3",
        "b.x": "A:3",
        "c": "A:4",
        "c.x": "A:4",
        "c.z": "A:6",
    }


def test_an_encrypted_file_serves_as_it_is() -> None:
    ciphertext = "ENC[AES256_GCM,data:x,type:str]"
    found = provenance(
        [("A", f"a: {ciphertext}\nb: null\nc:\n  - {ciphertext}\nsops:\n  mac: {ciphertext}\n".encode())]
    )
    assert found == {
        ("a",): Origin(Place("A", 1), (), ciphertext),
        ("b",): Origin(Place("A", 2), (), None),
        ("c",): Origin(Place("A", 3), (), [ciphertext]),
        ("c", 0): Origin(Place("A", 4), (), ciphertext),
    }
    assert [origin.is_encrypted for origin in found.values()] == [True, False, False, True]


@pytest.mark.parametrize("text", ["", "# nothing\n", "null\n", "- 1\n", "text\n"])
def test_a_layer_without_a_map_sets_nothing(text: str) -> None:
    assert origins("a: 1\n", text) == {"a": "A:1"}


def test_a_layer_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        provenance([("A", b"a: 1\nb: 'hunter2\n")])
    assert caught.value.lines() == ["cmp: found unexpected end of stream", "  where: A:3:1"]


Tree = dict[str, object]


def trees(numbers: Iterator[int]) -> st.SearchStrategy[Tree]:
    """Draw values with few keys, so that layers meet; every scalar but null is unlike all others.

    `global` and `sub` (a subchart) are maps at the top: Helm insists.
    """
    scalars = st.builds(lambda: f"unique{next(numbers)}")
    leaves: st.SearchStrategy[object] = st.one_of(scalars, st.none(), st.lists(scalars, min_size=1, max_size=2))
    maps = st.dictionaries(st.sampled_from(("a", "b", "global")), leaves, max_size=2)
    nodes = st.one_of(leaves, maps, st.dictionaries(st.sampled_from(("a", "b")), maps, max_size=2))
    deep = st.dictionaries(st.sampled_from(("a", "b")), nodes, max_size=2)
    return st.fixed_dictionaries({}, optional={"a": nodes, "b": nodes, "global": deep, "sub": deep})


def merged(weaker: object, stronger: object) -> object:
    """Merge as Helm merges values files."""
    if not isinstance(weaker, dict) or not isinstance(stronger, dict):
        return stronger
    return weaker | {key: merged(weaker.get(key), item) for key, item in stronger.items()}


def leaves_of(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    if not items:
        yield path, value
    for key, item in items:
        yield from leaves_of(item, (*path, key))


@settings(max_examples=property_examples.examples(300), deadline=None)
@given(layers=st.lists(trees(count()), min_size=1, max_size=4))
def test_every_leaf_comes_from_the_line_that_holds_its_value(layers: list[Tree]) -> None:
    files = [(f"layer{number}", yamldoc.dump_all([tree])) for number, tree in enumerate(layers)]
    found = provenance(files)
    total: object = {}
    for tree in layers:
        total = merged(total, tree)
    written = {
        word.strip('- "'): f"{file}:{number}"
        for file, data in files
        for number, line in enumerate(data.decode().splitlines(), 1)
        for word in line.split(": ")
    }
    for path, value in leaves_of(total):
        if isinstance(value, str):
            assert found[path].place.text == written[value]


# The real Helm agrees


@pytest.mark.parametrize("version", HELM_VERSIONS)
@settings(
    max_examples=property_examples.examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(drawn=st.tuples(st.lists(trees(count()), min_size=1, max_size=3), trees(count()), trees(count())))
def test_the_real_helm_takes_each_value_from_its_origin(
    drawn: tuple[list[Tree], Tree, Tree], version: str, tools_dir: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    layers, own, sub = drawn
    folder = tmp_path_factory.mktemp("chart")
    plant(folder, chart("demo", own) | {f"charts/sub/{name}": text for name, text in chart("sub", sub).items()})
    files = [(f"{folder}/{number}.yaml", yamldoc.dump_all([tree])) for number, tree in enumerate(layers)]
    for name, data in files:
        (folder / name).write_bytes(data)
    charts = values.defaults(values.skeleton(str(folder), f"{folder}/skeleton"), "demo-1/values.yaml")
    total = helm_values(f"{tools_dir}/helm/{version}/helm", folder, files)
    found = Origins(total, files, [], charts)
    sources: Mapping[str, Tree] = {
        **{name: tree for (name, _), tree in zip(files, layers, strict=True)},
        "demo-1/values.yaml": own,
        "sub-1/values.yaml": {"sub": sub},
    }
    for leaf in values.leaves(total, found):
        if leaf.value == {}:
            continue  # what is left of a map whose keys are all gone
        assert leaf.origin is not None
        assert leaf.value in [item for _, item in leaves_of(sources[leaf.origin.place.file])]


def chart(name: str, default_values: object) -> dict[str, str]:
    metadata = f"apiVersion: v2\nname: {name}\nversion: 1\n"
    return {"Chart.yaml": metadata, "values.yaml": yamldoc.dump_all([default_values]).decode()}


def helm_values(helm: str, folder: Path, files: list[tuple[str, bytes]]) -> object:
    argv = [helm, "template", f"{folder}/skeleton", *(word for name, _ in files for word in ("--values", name))]
    env = {"HOME": str(folder)}
    printed = subprocess.run(argv, env=env, check=True, capture_output=True).stdout
    return json.loads(printed[printed.index(b'{"values"') :])["values"]


# The command

SHOP = {
    "namespaces/shop/Chart.yaml": (
        "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n"
        "  - {name: cache, version: 2.0.0, repository: file://../../charts/cache, alias: store,"
        " import-values: [client]}\n"
    ),
    "namespaces/shop/values.yaml": "replicas: 1\nremoved: here\n",
    "namespaces/shop/templates/broken.yaml": "{{ fail (toJson .Values) }}\n",
    "namespaces/shop/values.schema.json": '{"required": ["nothing has this"]}',
    "namespaces/shop/common-values-shop.yaml": (
        "# 共通\nglobal: {zone: tokyo}\nreplicas: 2\nremoved: null\nports: [80, 443]\nstore:\n  size: 3\n"
    ),
    "namespaces/shop/common-values-shop.secret.yaml": "password: hunter2-hunter2\npin: 4711\nnested: {keys: [abc]}\n",
    "clusters/dev/shop/dev-values-shop.yaml": "replicas: 3\nports: [8080]\ncopy: see hunter2-hunter2\n",
    "charts/cache/Chart.yaml": "apiVersion: v2\nname: cache\nversion: 2.0.0\n",
    "charts/cache/values.yaml": "size: 1\nexports:\n  client:\n    timeout: 5s\n",
    "charts/cache/templates/broken.yaml": "{{ fail .Values.size }}\n",
}
COMMON, DEV = "namespaces/shop/common-values-shop.yaml", "clusters/dev/shop/dev-values-shop.yaml"
SECRET = "namespaces/shop/common-values-shop.secret.yaml"
EXPLAINED = f"""\
copy: "see ‹secret›"  # {DEV}:3
global.zone: "tokyo"  # {COMMON}:2
nested.keys[0]: "‹secret›"  # {SECRET}:5
password: "‹secret›"  # {SECRET}:1
pin: "‹secret›"  # {SECRET}:2
ports[0]: 8080  # {DEV}:2 (overrides {COMMON}:5)
replicas: 3  # {DEV}:1 (overrides {COMMON}:3, namespaces/shop/values.yaml:1)
store.exports.client.timeout: "5s"  # cache-2.0.0/values.yaml:4
store.global.zone: "tokyo"  # {COMMON}:2
store.size: 3  # {COMMON}:7 (overrides cache-2.0.0/values.yaml:1)
timeout: "5s"  # cache-2.0.0/values.yaml:4
"""
MERGED = """\
copy: "see ‹secret›"
global:
  zone: tokyo
nested:
  keys:
  - "‹secret›"
password: "‹secret›"
pin: "‹secret›"
ports:
- 8080
replicas: 3
store:
  exports:
    client:
      timeout: "5s"
  global:
    zone: tokyo
  size: 3
timeout: "5s"
"""


@pytest.fixture
def shop(sandbox: Sandbox) -> Path:
    """Plant a repository of the reference layout, its secret encrypted."""
    repository = sandbox.folder / "repo"
    plant(repository, SHOP)
    (repository / ".git").mkdir()
    recipient = next(word for word in AGE_KEY_FILE.read_text().split() if word.startswith("age1"))
    sops = f"{sandbox.tools_dir}/sops/{SOPS_VERSION}/sops"
    argv = [sops, "encrypt", "--age", recipient, "--in-place", str(repository / SECRET)]
    subprocess.run(argv, env={"PATH": os.defpath}, check=True)
    return repository


def run(sandbox: Sandbox, shop: Path, *argv: str) -> str:
    before = snapshot(shop)
    ran = sandbox.run("values", "shop", "--cluster", "dev", *argv, cwd=shop)
    assert (ran.code, ran.stderr) == (0, "")
    assert snapshot(shop) == before
    assert list(sandbox.tmp.iterdir()) == []
    return ran.stdout


@pytest.mark.parametrize("version", HELM_VERSIONS)
def test_every_value_is_explained(sandbox: Sandbox, shop: Path, version: str) -> None:
    assert run(sandbox, shop, "--explain", "--helm-version", version) == EXPLAINED


def test_the_merged_values_are_shown_though_the_chart_cannot_be_rendered(sandbox: Sandbox, shop: Path) -> None:
    assert run(sandbox, shop) == MERGED
    assert json.loads(run(sandbox, shop, "--format", "json")) == yamldoc.load_all(MERGED.encode())[0]


def test_a_machine_gets_one_record_a_line(sandbox: Sandbox, shop: Path) -> None:
    records = [json.loads(line) for line in run(sandbox, shop, "--explain", "--format", "json").splitlines()]
    assert len(records) == len(EXPLAINED.splitlines())
    assert records[5] == {
        "path": ["ports", 0],
        "value": 8080,
        "origin": {"file": DEV, "line": 2},
        "overridden": [{"file": COMMON, "line": 5}],
        "unread": None,
    }


def test_flags_are_the_strongest(sandbox: Sandbox, shop: Path) -> None:
    lines = run(
        *(sandbox, shop, "--explain"),
        *("--set", "ports[1]=1", "--set", "replicas=7", "--set-string", r"a\.b.c=x", "--set-string", "replicas=8"),
    ).splitlines()
    assert r'a\.b.c: "x"  # --set-string a\.b.c' in lines
    assert "ports[1]: 1  # --set ports[1]" in lines
    where = f"{DEV}:1, {COMMON}:3, namespaces/shop/values.yaml:1"
    assert f'replicas: "8"  # --set-string replicas (overrides --set replicas, {where})' in lines


def test_a_key_that_nothing_reads_is_told_unless_it_is_a_default_of_the_chart(sandbox: Sandbox, shop: Path) -> None:
    (shop / "namespaces/shop/templates/broken.yaml").write_text("x: {{ .Values.replicas }}{{ .Values.password }}\n")
    lines = run(sandbox, shop, "--explain", "--set", "store.sise=4").splitlines()
    assert f"ports[0]: 8080  # {DEV}:2 (overrides {COMMON}:5); nothing reads `ports`" in lines
    assert "store.sise: 4  # --set store.sise; nothing reads `store.sise` (did you mean `size`?)" in lines
    assert f"store.size: 3  # {COMMON}:7 (overrides cache-2.0.0/values.yaml:1)" in lines
    assert 'timeout: "5s"  # cache-2.0.0/values.yaml:4' in lines
    records = [json.loads(line) for line in run(sandbox, shop, "--explain", "--format", "json").splitlines()]
    assert {".".join(map(str, record["path"])): record["unread"] for record in records}[
        "copy"
    ] == "nothing reads `copy`"


def test_what_helm_complains_of_is_told(sandbox: Sandbox, shop: Path) -> None:
    (shop / DEV).write_text("global: {zone: {a: b}}\nstore: {size: {a: b}}\n")
    ran = sandbox.run("values", "shop", "--cluster", "dev", cwd=shop)
    assert ran.code == 0
    told = "cmp: warning: helm: destination for shop.store.size is a table. Ignoring non-table value (1)"
    assert told in ran.stderr.splitlines()


def test_a_long_value_is_shortened_for_people_only(sandbox: Sandbox, shop: Path) -> None:
    long = "x" * 200
    line = next(
        line for line in run(sandbox, shop, "--explain", "--set", f"long={long}").splitlines() if "long" in line
    )
    assert line == f'long: "{"x" * 98}…  # --set long'
    assert long in run(sandbox, shop, "--explain", "--format", "json", "--set", f"long={long}")


def test_an_error_names_application_and_cluster(sandbox: Sandbox, shop: Path) -> None:
    (shop / DEV).write_text("a: [\n")
    ran = sandbox.run("values", "shop", "--cluster", "dev", cwd=shop)
    assert (ran.code, ran.stdout) == (7, "")
    assert "application shop, cluster dev" in ran.stderr


# Charts in charts


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return an archive as `helm package` makes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def test_defaults_of_charts_in_charts_are_found_packed_or_not(tmp_path: Path) -> None:
    deep = packed({"deep/Chart.yaml": b"name: deep\nversion: 3\n", "deep/values.yaml": b"c: 3\n", "deep/x": b"x"})
    middle = {"mid/Chart.yaml": b"name: mid\nversion: 2\n", "mid/values.yaml": b"b: 2\n", "mid/charts/deep-3.tgz": deep}
    plant(
        tmp_path,
        {
            "Chart.yaml": "name: top\nversion: 1\ndependencies: [{name: mid, alias: one}, {name: mid, alias: two}]\n",
            "values.yaml": "a: 1\n",
            "charts/loose/Chart.yaml": "name: loose\nversion: 1\n",
            "charts/_passed_over/Chart.yaml": "name: no\nversion: 1\n",
            "templates/x.yaml": "{{ fail }}",
        },
    )
    (tmp_path / "charts/mid-2.tgz").write_bytes(packed(middle))
    files = values.skeleton(str(tmp_path), str(tmp_path / "skeleton"))
    assert [found[:3] for found in values.defaults(files, "here/values.yaml")] == [
        ((), "here/values.yaml", b"a: 1\n"),
        (("loose",), "loose-1/values.yaml", b""),
        (("one",), "mid-2/values.yaml", b"b: 2\n"),
        (("two",), "mid-2/values.yaml", b"b: 2\n"),
        (("one", "deep"), "deep-3/values.yaml", b"c: 3\n"),
        (("two", "deep"), "deep-3/values.yaml", b"c: 3\n"),
    ]


def test_an_archive_that_is_none_is_named(tmp_path: Path) -> None:
    plant(tmp_path, {"Chart.yaml": "name: top\nversion: 1\n", "charts/x.tgz": "not an archive"})
    with pytest.raises(ChartError) as caught:
        values.skeleton(str(tmp_path), str(tmp_path / "skeleton"))
    assert caught.value.lines() == ["cmp: this is not a chart archive (not a gzip file)", "  where: charts/x.tgz"]

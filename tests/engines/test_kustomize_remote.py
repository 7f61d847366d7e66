"""Kustomizations of other repositories: fetched once, and built as a person with kustomize and git builds them."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts.cache import ChartCache
from tests.support.kustomize import CONFIG, NEWEST, VERSIONS, maps, same
from tests.support.remote_bases import BASE, FULL, RepositoryWithRemoteBase
from tests.support.servers.git import GitHost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.harness import Sandbox

COMPONENT = """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
namePrefix: part-
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[GitHost]:
    with GitHost(tmp_path / "git") as host:
        yield host


@pytest.fixture
def world(sandbox: Sandbox, host: GitHost) -> RepositoryWithRemoteBase:
    sandbox.folder.mkdir(parents=True, exist_ok=True)
    return RepositoryWithRemoteBase(sandbox, host)


@pytest.mark.parametrize("version", VERSIONS)
class TestLikeByHand:
    def test_a_base_is_built_as_with_kustomize_and_git_alone(
        self, version: str, world: RepositoryWithRemoteBase
    ) -> None:
        world.host.repository("org/other.git").commit(BASE, "v1.0.0")  # old versions know no other end of the name
        world.use(f"{world.host.url}/org/other.git/base?ref=v1.0.0")
        ours = world.must(version=version)
        theirs = world.by_hand(version=version)
        env = {"PATH": os.defpath, "HOME": str(world.sandbox.home), "TMPDIR": str(world.sandbox.folder)}
        done = subprocess.run([theirs.kustomize, "build", theirs.folder], env=env, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert same(ours, done.stdout.decode())
        assert len(maps(ours)) == 2

    def test_a_second_build_makes_no_request(self, version: str, world: RepositoryWithRemoteBase) -> None:
        world.use(f"{world.url}//base?ref=v1.0.0")
        first = world.must(version=version)
        before = world.host.requests
        assert before[0] == "GET /org/addons/info/refs"
        assert world.must(version=version, CMP_OFFLINE="1") == first
        assert world.host.requests == before

    def test_components_files_and_bases_are_brought_in(self, version: str, world: RepositoryWithRemoteBase) -> None:
        world.addons.commit({"part/kustomization.yaml": COMPONENT}, "v2")
        world.host.files["/raw/v1.2.3/install.yaml"] = CONFIG.replace("name: config", "name: file").encode()
        world.use(f"{world.host.url}/raw/v1.2.3/install.yaml", more=f"components: ['{world.url}//part?ref=v2']\n")
        assert [one["metadata"]["name"] for one in maps(world.must(version=version))] == ["part-file"]
        world.use(f"{world.url}//more?ref=v2", key="bases")
        assert len(maps(world.must(version=version))) == 1


def test_a_base_may_name_others(world: RepositoryWithRemoteBase, host: GitHost) -> None:
    """Again of the same repository, of another one, a file, and itself in another version."""
    other = host.repository("org/other.git")
    other.commit({"deep/kustomization.yaml": f"resources: ['{world.url}//more?ref=v1.0.0']\nnamePrefix: o-\n"}, "1.0")
    host.files[f"/{FULL}/x.yaml"] = CONFIG.replace("name: config", "name: file").encode()
    names = f"{host.url}/org/other.git//deep?version=1.0", f"{host.url}/{FULL}/x.yaml", f"{world.url}//base?ref=v1.0.0"
    files = {"all/kustomization.yaml": "resources:\n" + "".join(f"- {name}\n" for name in names)}
    commit = world.addons.commit(files)
    world.use(f"{world.url}//all?ref={commit}")
    found = sorted(one["metadata"]["name"] for one in maps(world.must()))
    assert [re.sub("-[a-z0-9]{10}$", "", name) for name in found] == ["config", "file", "o-text", "text"]
    before = host.requests
    assert len(maps(world.must())) == 4
    assert host.requests == before


def test_a_base_in_the_root_of_its_repository(world: RepositoryWithRemoteBase) -> None:
    files = {"kustomization.yaml": "resources: [base]\nnamePrefix: all-\n"}
    world.addons.commit(files, "v8")
    world.use(f"{world.url}?ref=v8")
    assert all(one["metadata"]["name"].startswith("all-") for one in maps(world.must()))


def test_only_the_part_that_is_used_is_unpacked_again(world: RepositoryWithRemoteBase) -> None:
    """Most of an add-on repository is its program's source."""
    folder = world.addons.folder
    (folder / "base/linked").symlink_to("../linked/text.txt")
    text = {"linked/text.txt": "linked\n", "base/kustomization.yaml": "configMapGenerator: [{name: x, files: [a]}]\n"}
    world.addons.commit({**text, "base/a": "a\n", **{f"src/{number}.go": "package x\n" for number in range(50)}}, "v9")
    world.use(f"{world.url}//base?ref=v9")
    first = world.must()
    whole, part = sorted(world.sandbox.cache.glob("archives/*/*.tgz"), key=lambda path: -path.stat().st_size)
    with tarfile.open(part) as archive:
        assert sorted(archive.getnames()) == [
            *("base", "base/a", "base/config.yaml", "base/kustomization.yaml", "base/linked", "linked/text.txt"),
        ]
    whole.unlink()
    assert world.must(CMP_OFFLINE="1") == first


def test_bases_that_lead_in_a_circle_are_kustomizes_business(world: RepositoryWithRemoteBase) -> None:
    world.addons.commit({"circle/kustomization.yaml": f"resources: ['{world.url}//circle?ref=v3']\n"}, "v3")
    world.use(f"{world.url}//circle?ref=v3")
    assert "cycle detected" in world.refused()[0]


class TestPins:
    def test_a_branch_is_refused(self, world: RepositoryWithRemoteBase) -> None:
        world.use(f"{world.url}//base?ref=main")
        assert world.refused() == [
            f"cmp: main of the Git repository {world.url}: it has no such tag: couldn't find remote ref refs/tags/main",
            "  where: application web, cluster dev, phase remotes, namespaces/web/kustomization.yaml:1",
            ("  hint: a tag or a full commit (40 hexadecimal digits) is wanted: a branch is another tree tomorrow"),
        ]

    def test_a_commit_that_is_not_there(self, world: RepositoryWithRemoteBase) -> None:
        world.use(f"{world.url}//base?ref={FULL}")
        assert f"cmp: {FULL} of the Git repository {world.url}: it has no such commit" in world.refused()[0]

    def test_a_full_commit_is_taken(self, world: RepositoryWithRemoteBase) -> None:
        world.addons.commit({"base/config.yaml": CONFIG.replace("color", "colour")})
        world.use(f"{world.url}//base?ref={world.commit}")
        assert "color: none" in world.must()

    def test_a_tag_that_moved_is_reported_until_it_is_accepted(self, world: RepositoryWithRemoteBase) -> None:
        world.use(f"{world.url}//base?ref=v1.0.0")
        world.must()
        moved = world.addons.commit({"base/config.yaml": CONFIG.replace("none", "blue")}, "v1.0.0")
        assert "color: none" in world.must()
        assert world.cmp("cache", "prune", "--max-size", "0").code == 0
        assert world.refused() == [
            (f"cmp: v1.0.0 of the Git repository {world.url} has changed: it is {moved}, it was {world.commit}"),
            "  where: application web, cluster dev, phase remotes, namespaces/web/kustomization.yaml:1",
            (
                "  hint: a published version must not change: find out why it did; `cmp cache refresh "
                "addons@v1.0.0` accepts it; Argo CD keeps this error cached until a hard refresh"
            ),
        ]
        ran = world.cmp("cache", "refresh", "addons@v1.0.0")
        assert (ran.stdout, ran.stderr) == (
            f"addons v1.0.0 git+{world.url} was commit:{world.commit}, is commit:{moved}\n",
            "",
        )
        assert "color: blue" in world.must()

    def test_a_file_that_changed_is_reported(self, world: RepositoryWithRemoteBase) -> None:
        url = f"{world.host.url}/v1.2/x.yaml"
        world.host.files["/v1.2/x.yaml"] = CONFIG.encode()
        world.use(url)
        world.must()
        world.host.files["/v1.2/x.yaml"] = CONFIG.replace("none", "blue").encode()
        assert "none" in world.must()
        world.cmp("cache", "prune", "--max-size", "0")
        assert world.refused()[0].startswith(f"cmp: the file {url} has changed: it is ")


class TestPermission:
    def test_without_a_policy_nothing_is_fetched(self, world: RepositoryWithRemoteBase) -> None:
        world.sandbox.extra.clear()
        world.use(f"{world.url}//base?ref=v1.0.0")
        assert world.refused() == [
            (
                f"cmp: v1.0.0 of the Git repository {world.url} may not be used: no administrator's policy lists its "
                f"host {world.host.host}"
            ),
            "  where: application web, cluster dev, phase policy, namespaces/web/kustomization.yaml:1",
            (
                "  hint: an administrator adds the host to kustomize.hosts of a policy (CMP_POLICY); an author copies "
                "the files into the repository (`git subtree add`, or those files alone) and names that folder; Argo "
                "CD keeps this error cached until a hard refresh"
            ),
        ]
        assert world.host.requests == []

    @pytest.mark.parametrize("listed", [("github.com",), ("127.0.0.1",), ("127.0.0.1:1",)])
    def test_a_host_that_the_policy_does_not_list(
        self, listed: tuple[str, ...], world: RepositoryWithRemoteBase
    ) -> None:
        world.allow(*listed)
        world.use(f"{world.url}//base?ref=v1.0.0")
        assert "no administrator's policy lists its host" in world.refused()[0]
        world.host.files["/v1/x.yaml"] = b""
        world.use(f"{world.host.url}/v1.0/x.yaml")
        assert "no administrator's policy lists its host" in world.refused()[0]
        assert world.host.requests == []

    def test_it_is_asked_for_what_a_base_names_too(self, world: RepositoryWithRemoteBase, tmp_path: Path) -> None:
        with GitHost(tmp_path / "unlisted") as unlisted:
            unlisted.repository("a/b").commit({"kustomization.yaml": "{}"}, "v1")
            world.addons.commit({"bad/kustomization.yaml": f"resources: ['{unlisted.url}/a/b?ref=v1']\n"}, "v4")
            world.use(f"{world.url}//bad?ref=v4")
            assert f"lists its host {unlisted.host}" in world.refused()[0]
            assert unlisted.requests == []

    def test_it_is_asked_although_the_cache_has_it(self, world: RepositoryWithRemoteBase) -> None:
        world.use(f"{world.url}//base?ref=v1.0.0")
        world.must()
        world.allow("github.com")
        assert "no administrator's policy lists its host" in world.refused()[0]


class TestFetchedTrees:
    """A remote base, which somebody else writes, may do no more than the repository's own author."""

    @pytest.mark.parametrize(
        ("files", "said"),
        [
            ({"kustomization.yaml": "resources: [../../etc]\n"}, "which leads outside the source tree"),
            ({"kustomization.yaml": "resources: [none.yaml]\n"}, "resources names none.yaml, and there is no bad/none"),
            (
                {"kustomization.yaml": "generators: [g.yaml]\n", "g.yaml": "apiVersion: x/v1\nkind: Runs\n"},
                "the generator Runs runs a program of its own, which no render does",
            ),
            (
                {
                    "kustomization.yaml": "generators: [g.yaml]\n",
                    "g.yaml": "apiVersion: viaduct.ai/v1\nkind: ksops\nfiles: []\n",
                },
                "ksops in a remote base: its files are not decrypted here",
            ),
            ({"x.yaml": "a: b\n"}, "has no kustomization in bad"),
        ],
    )
    def test_what_no_render_does(self, files: Mapping[str, str], said: str, world: RepositoryWithRemoteBase) -> None:
        world.addons.commit({f"bad/{name}": text for name, text in files.items()}, "v5")
        world.use(f"{world.url}//bad?ref=v5")
        lines = world.refused()
        assert said in lines[0]
        assert "namespaces/web/kustomization.yaml:1" in lines[1]

    def test_links_stay_inside(self, world: RepositoryWithRemoteBase) -> None:
        folder = world.addons.folder
        (folder / "secret").symlink_to("/etc/passwd")
        (folder / "up").symlink_to("../..")
        (folder / "in/deep").mkdir(parents=True)
        (folder / "in/linked.yaml").symlink_to("deep/config.yaml")
        (folder / "in/hidden.yaml").symlink_to("deep/../../up/../../../../../../../../../../../etc/passwd")
        world.addons.commit(
            {
                "in/kustomization.yaml": "resources: [linked.yaml]\n",
                "in/deep/config.yaml": CONFIG,
                "out/kustomization.yaml": "configMapGenerator: [{name: x, files: [../secret]}]\n",
            },
            "v6",
        )
        world.use(f"{world.url}//in?ref=v6")
        assert len(maps(world.must())) == 1
        world.use(f"{world.url}//out?ref=v6")
        assert world.refused()[0] == "cmp: configMapGenerator names ../secret, and there is no secret"

    def test_ciphertext_of_a_base_is_refused_by_the_guard(self, world: RepositoryWithRemoteBase) -> None:
        world.seal({"sealed.yaml": CONFIG})
        sealed = (world.root / "namespaces/web/sealed.yaml").read_text()
        (world.root / "namespaces/web/sealed.yaml").unlink()
        world.addons.commit({"s/kustomization.yaml": "resources: [a.yaml]\n", "s/a.yaml": sealed}, "v7")
        world.use(f"{world.url}//s?ref=v7")
        ran = world.run()
        assert ran.code == 8
        assert "ciphertext" in ran.stderr


def test_the_cache_is_warmed_listed_and_verified(world: RepositoryWithRemoteBase) -> None:
    world.host.files["/v1.2/x.yaml"] = CONFIG.replace("name: config", "name: file").encode()
    world.use(f"{world.url}//base?ref=v1.0.0", f"{world.host.url}/v1.2/x.yaml")
    version = {"cmp.yaml": f"version: 1\ntools: {{kustomize: {NEWEST}}}\n"}
    (world.root / "cmp.yaml").write_text(version["cmp.yaml"])
    ran = world.cmp("cache", "warm")
    assert (ran.stdout, ran.code) == (f"3 archives in {world.sandbox.cache}, 3 of them new\n", 0), ran.stderr
    before = world.host.requests
    assert len(maps(world.must(CMP_OFFLINE="1"))) == 3
    assert world.host.requests == before
    listed = [line.split("  ")[0] for line in world.cmp("cache", "list").stdout.splitlines()]
    records = ChartCache(str(world.sandbox.cache)).records()
    assert listed == [
        f"x.yaml {records[0].version} file+{world.host.url}/v1.2/x.yaml",
        f"addons {world.commit} git+{world.url}",
        f"addons {world.commit} part+{records[1].sha256}",
    ]
    assert world.cmp("cache", "verify").code == 0
    assert world.cmp("lock").code == 0
    assert "addons" not in (world.root / "cmp.lock").read_text()  # a commit is a digest already


def test_in_the_sidecar(world: RepositoryWithRemoteBase) -> None:
    world.use(f"{world.url}//base?ref=v1.0.0")
    (world.root / "cmp.yaml").write_text(f"version: 1\ntools: {{kustomize: {NEWEST}}}\n")
    for hits in ("0/1", "1/1"):
        ran = world.generate()
        assert (ran.code, len(maps(ran.stdout))) == (0, 2), ran.stderr
        assert f"charts {hits} without network" in ran.stderr
    world.sandbox.extra.clear()
    ran = world.generate()
    assert (ran.code, ran.stdout) == (3, "")
    assert "see operations.md#configuration" in ran.stderr


def test_explain_says_what_was_taken(world: RepositoryWithRemoteBase) -> None:
    world.use(f"{world.url}//base?ref=v1.0.0")
    for how in ("fetched", "cache"):
        told = world.run("--explain").stderr
        assert f"  addons v1.0.0 = {world.commit}  {world.url}  {how}  sha256 " in told


def test_a_fetched_folder_and_a_tag_with_a_slash(world: RepositoryWithRemoteBase) -> None:
    world.addons.commit({}, "kustomize/v5.0.0")
    world.use(f"{world.url}//base?ref=kustomize/v5.0.0")
    assert len(maps(world.must())) == 2


def test_the_name_of_fetched_bases_is_taken(world: RepositoryWithRemoteBase) -> None:
    world.write({"cmp-remote-bases/x": ""})
    world.use(f"{world.url}//base?ref=v1.0.0")
    assert world.refused()[0] == "cmp: fetched bases get this folder's name"

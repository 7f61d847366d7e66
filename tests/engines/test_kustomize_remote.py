"""Kustomizations of other repositories: fetched once, and built as a person with kustomize and git builds them."""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from cmp.artifacts.cache import ChartCache
from tests.support.kustomize import CONFIG, ENDS, NEWEST, VERSIONS, maps, same
from tests.support.remote_bases import BASE, FULL, RepositoryWithRemoteBase
from tests.support.servers.git import GitHost

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


COMPONENT = """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
namePrefix: part-
"""


class TestLikeByHand:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_a_base_is_built_as_with_kustomize_and_git_alone(
        self, version: str, remote: RepositoryWithRemoteBase
    ) -> None:
        remote.host.repository("org/other.git").commit(BASE, "v1.0.0")  # old versions know no other end of the name
        remote.use(f"{remote.host.url}/org/other.git/base?ref=v1.0.0")
        ours = remote.must(version=version)
        theirs = remote.by_hand(version=version)
        env = {"PATH": os.defpath, "HOME": str(remote.sandbox.home), "TMPDIR": str(remote.sandbox.folder)}
        done = subprocess.run([theirs.kustomize, "build", theirs.folder], env=env, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert same(ours, done.stdout.decode())
        assert len(maps(ours)) == 2

    @pytest.mark.parametrize("version", ENDS)
    def test_a_second_build_makes_no_request(self, version: str, remote: RepositoryWithRemoteBase) -> None:
        remote.use(f"{remote.url}//base?ref=v1.0.0")
        first = remote.must(version=version)
        before = remote.host.requests
        assert before[0] == "GET /org/addons/info/refs"
        assert remote.must(version=version, CMP_OFFLINE="1") == first
        assert remote.host.requests == before

    @pytest.mark.parametrize("version", ENDS)
    def test_components_files_and_bases_are_brought_in(self, version: str, remote: RepositoryWithRemoteBase) -> None:
        remote.addons.commit({"part/kustomization.yaml": COMPONENT}, "v2")
        remote.host.files["/raw/v1.2.3/install.yaml"] = CONFIG.replace("name: config", "name: file").encode()
        remote.use(f"{remote.host.url}/raw/v1.2.3/install.yaml", more=f"components: ['{remote.url}//part?ref=v2']\n")
        assert [one["metadata"]["name"] for one in maps(remote.must(version=version))] == ["part-file"]
        remote.use(f"{remote.url}//more?ref=v2", key="bases")
        assert len(maps(remote.must(version=version))) == 1


def test_a_base_may_name_others(remote: RepositoryWithRemoteBase, host: GitHost) -> None:
    """Again of the same repository, of another one, a file, and itself in another version."""
    other = host.repository("org/other.git")
    other.commit({"deep/kustomization.yaml": f"resources: ['{remote.url}//more?ref=v1.0.0']\nnamePrefix: o-\n"}, "1.0")
    host.files[f"/{FULL}/x.yaml"] = CONFIG.replace("name: config", "name: file").encode()
    names = f"{host.url}/org/other.git//deep?version=1.0", f"{host.url}/{FULL}/x.yaml", f"{remote.url}//base?ref=v1.0.0"
    files = {"all/kustomization.yaml": "resources:\n" + "".join(f"- {name}\n" for name in names)}
    commit = remote.addons.commit(files)
    remote.use(f"{remote.url}//all?ref={commit}")
    found = sorted(one["metadata"]["name"] for one in maps(remote.must()))
    assert [re.sub("-[a-z0-9]{10}$", "", name) for name in found] == ["config", "file", "o-text", "text"]
    before = host.requests
    assert len(maps(remote.must())) == 4
    assert host.requests == before


def test_a_base_in_the_root_of_its_repository(remote: RepositoryWithRemoteBase) -> None:
    files = {"kustomization.yaml": "resources: [base]\nnamePrefix: all-\n"}
    remote.addons.commit(files, "v8")
    remote.use(f"{remote.url}?ref=v8")
    assert all(one["metadata"]["name"].startswith("all-") for one in maps(remote.must()))


def test_only_the_part_that_is_used_is_unpacked_again(remote: RepositoryWithRemoteBase) -> None:
    """Most of an add-on repository is its program's source."""
    folder = remote.addons.folder
    (folder / "base/linked").symlink_to("../linked/text.txt")
    text = {"linked/text.txt": "linked\n", "base/kustomization.yaml": "configMapGenerator: [{name: x, files: [a]}]\n"}
    remote.addons.commit({**text, "base/a": "a\n", **{f"src/{number}.go": "package x\n" for number in range(50)}}, "v9")
    remote.use(f"{remote.url}//base?ref=v9")
    first = remote.must()
    whole, part = sorted(remote.sandbox.cache.glob("archives/*/*.tgz"), key=lambda path: -path.stat().st_size)
    with tarfile.open(part) as archive:
        assert sorted(archive.getnames()) == [
            *("base", "base/a", "base/config.yaml", "base/kustomization.yaml", "base/linked", "linked/text.txt"),
        ]
    whole.unlink()
    assert remote.must(CMP_OFFLINE="1") == first


def test_bases_that_lead_in_a_circle_are_kustomizes_business(remote: RepositoryWithRemoteBase) -> None:
    remote.addons.commit({"circle/kustomization.yaml": f"resources: ['{remote.url}//circle?ref=v3']\n"}, "v3")
    remote.use(f"{remote.url}//circle?ref=v3")
    assert "cycle detected" in remote.refused()[0]


class TestPins:
    def test_a_branch_is_refused(self, remote: RepositoryWithRemoteBase) -> None:
        remote.use(f"{remote.url}//base?ref=main")
        assert remote.refused() == [
            (
                f"cmp: main of the Git repository {remote.url}: it has no such tag:"
                " couldn't find remote ref refs/tags/main"
            ),
            "  where: application web, cluster dev, phase remotes, namespaces/web/kustomization.yaml:1",
            ("  hint: a tag or a full commit (40 hexadecimal digits) is wanted: a branch is another tree tomorrow"),
        ]

    def test_a_commit_that_is_not_there(self, remote: RepositoryWithRemoteBase) -> None:
        remote.use(f"{remote.url}//base?ref={FULL}")
        assert f"cmp: {FULL} of the Git repository {remote.url}: it has no such commit" in remote.refused()[0]

    def test_a_full_commit_is_taken(self, remote: RepositoryWithRemoteBase) -> None:
        remote.addons.commit({"base/config.yaml": CONFIG.replace("color", "colour")})
        remote.use(f"{remote.url}//base?ref={remote.commit}")
        assert "color: none" in remote.must()

    def test_a_tag_that_moved_is_reported_until_it_is_accepted(self, remote: RepositoryWithRemoteBase) -> None:
        remote.use(f"{remote.url}//base?ref=v1.0.0")
        remote.must()
        moved = remote.addons.commit({"base/config.yaml": CONFIG.replace("none", "blue")}, "v1.0.0")
        assert "color: none" in remote.must()
        assert remote.cmp("cache", "prune", "--max-size", "0").code == 0
        assert remote.refused() == [
            (f"cmp: v1.0.0 of the Git repository {remote.url} has changed: it is {moved}, it was {remote.commit}"),
            "  where: application web, cluster dev, phase remotes, namespaces/web/kustomization.yaml:1",
            (
                "  hint: a published version must not change: find out why it did; `cmp cache refresh "
                "addons@v1.0.0` accepts it"
            ),
        ]
        ran = remote.cmp("cache", "refresh", "addons@v1.0.0")
        assert (ran.stdout, ran.stderr) == (
            f"addons v1.0.0 git+{remote.url} was commit:{remote.commit}, is commit:{moved}\n",
            "",
        )
        assert "color: blue" in remote.must()

    def test_a_file_that_changed_is_reported(self, remote: RepositoryWithRemoteBase) -> None:
        url = f"{remote.host.url}/v1.2/x.yaml"
        remote.host.files["/v1.2/x.yaml"] = CONFIG.encode()
        remote.use(url)
        remote.must()
        remote.host.files["/v1.2/x.yaml"] = CONFIG.replace("none", "blue").encode()
        assert "none" in remote.must()
        remote.cmp("cache", "prune", "--max-size", "0")
        assert remote.refused()[0].startswith(f"cmp: the file {url} has changed: it is ")


class TestPermission:
    def test_without_a_policy_nothing_is_fetched(self, remote: RepositoryWithRemoteBase) -> None:
        remote.sandbox.extra.clear()
        remote.use(f"{remote.url}//base?ref=v1.0.0")
        assert remote.refused() == [
            (
                f"cmp: v1.0.0 of the Git repository {remote.url} may not be used: no administrator's policy lists its "
                f"host {remote.host.host}"
            ),
            "  where: application web, cluster dev, phase policy, namespaces/web/kustomization.yaml:1",
            (
                "  hint: an administrator adds the host to kustomize.hosts of a policy (CMP_POLICY); an author copies "
                "the files into the repository (`git subtree add`, or those files alone) and names that folder"
            ),
        ]
        assert remote.host.requests == []

    @pytest.mark.parametrize("listed", [("github.com",), ("127.0.0.1",), ("127.0.0.1:1",)])
    def test_a_host_that_the_policy_does_not_list(
        self, listed: tuple[str, ...], remote: RepositoryWithRemoteBase
    ) -> None:
        remote.allow(*listed)
        remote.use(f"{remote.url}//base?ref=v1.0.0")
        assert "no administrator's policy lists its host" in remote.refused()[0]
        remote.host.files["/v1/x.yaml"] = b""
        remote.use(f"{remote.host.url}/v1.0/x.yaml")
        assert "no administrator's policy lists its host" in remote.refused()[0]
        assert remote.host.requests == []

    def test_it_is_asked_for_what_a_base_names_too(self, remote: RepositoryWithRemoteBase, tmp_path: Path) -> None:
        with GitHost(tmp_path / "unlisted") as unlisted:
            unlisted.repository("a/b").commit({"kustomization.yaml": "{}"}, "v1")
            remote.addons.commit({"bad/kustomization.yaml": f"resources: ['{unlisted.url}/a/b?ref=v1']\n"}, "v4")
            remote.use(f"{remote.url}//bad?ref=v4")
            assert f"lists its host {unlisted.host}" in remote.refused()[0]
            assert unlisted.requests == []

    def test_it_is_asked_although_the_cache_has_it(self, remote: RepositoryWithRemoteBase) -> None:
        remote.use(f"{remote.url}//base?ref=v1.0.0")
        remote.must()
        remote.allow("github.com")
        assert "no administrator's policy lists its host" in remote.refused()[0]


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
    def test_what_no_render_does(self, files: Mapping[str, str], said: str, remote: RepositoryWithRemoteBase) -> None:
        remote.addons.commit({f"bad/{name}": text for name, text in files.items()}, "v5")
        remote.use(f"{remote.url}//bad?ref=v5")
        lines = remote.refused()
        assert said in lines[0]
        assert "namespaces/web/kustomization.yaml:1" in lines[1]

    def test_links_stay_inside(self, remote: RepositoryWithRemoteBase) -> None:
        folder = remote.addons.folder
        (folder / "secret").symlink_to("/etc/passwd")
        (folder / "up").symlink_to("../..")
        (folder / "in/deep").mkdir(parents=True)
        (folder / "in/linked.yaml").symlink_to("deep/config.yaml")
        (folder / "in/hidden.yaml").symlink_to("deep/../../up/../../../../../../../../../../../etc/passwd")
        remote.addons.commit(
            {
                "in/kustomization.yaml": "resources: [linked.yaml]\n",
                "in/deep/config.yaml": CONFIG,
                "out/kustomization.yaml": "configMapGenerator: [{name: x, files: [../secret]}]\n",
            },
            "v6",
        )
        remote.use(f"{remote.url}//in?ref=v6")
        assert len(maps(remote.must())) == 1
        remote.use(f"{remote.url}//out?ref=v6")
        assert remote.refused()[0] == "cmp: configMapGenerator names ../secret, and there is no secret"

    def test_ciphertext_of_a_base_is_refused_by_the_guard(self, remote: RepositoryWithRemoteBase) -> None:
        remote.seal({"sealed.yaml": CONFIG})
        sealed = (remote.root / "namespaces/web/sealed.yaml").read_text()
        (remote.root / "namespaces/web/sealed.yaml").unlink()
        remote.addons.commit({"s/kustomization.yaml": "resources: [a.yaml]\n", "s/a.yaml": sealed}, "v7")
        remote.use(f"{remote.url}//s?ref=v7")
        ran = remote.run()
        assert ran.code == 8
        assert "ciphertext" in ran.stderr


def test_the_cache_is_warmed_listed_and_verified(remote: RepositoryWithRemoteBase) -> None:
    remote.host.files["/v1.2/x.yaml"] = CONFIG.replace("name: config", "name: file").encode()
    remote.use(f"{remote.url}//base?ref=v1.0.0", f"{remote.host.url}/v1.2/x.yaml")
    version = {"cmp.yaml": f"version: 1\ntools: {{kustomize: {NEWEST}}}\n"}
    (remote.root / "cmp.yaml").write_text(version["cmp.yaml"])
    ran = remote.cmp("cache", "warm")
    assert (ran.stdout, ran.code) == (f"3 archives in {remote.sandbox.cache}, 3 of them new\n", 0), ran.stderr
    before = remote.host.requests
    assert len(maps(remote.must(CMP_OFFLINE="1"))) == 3
    assert remote.host.requests == before
    listed = [line.split("  ")[0] for line in remote.cmp("cache", "list").stdout.splitlines()]
    records = ChartCache(str(remote.sandbox.cache)).records()
    assert listed == [
        f"x.yaml {records[0].version} file+{remote.host.url}/v1.2/x.yaml",
        f"addons {remote.commit} git+{remote.url}",
        f"addons {remote.commit} part+{records[1].sha256}",
    ]
    assert remote.cmp("cache", "verify").code == 0
    assert remote.cmp("lock").code == 0
    assert "addons" not in (remote.root / "cmp.lock").read_text()  # a commit is a digest already


def test_in_the_sidecar(remote: RepositoryWithRemoteBase) -> None:
    remote.use(f"{remote.url}//base?ref=v1.0.0")
    (remote.root / "cmp.yaml").write_text(f"version: 1\ntools: {{kustomize: {NEWEST}}}\n")
    for hits in ("0/1", "1/1"):
        ran = remote.generate()
        assert (ran.code, len(maps(ran.stdout))) == (0, 2), ran.stderr
        assert f"charts {hits} without network" in ran.stderr
    remote.sandbox.extra.clear()
    ran = remote.generate()
    assert (ran.code, ran.stdout) == (3, "")
    assert "see operations.md#configuration" in ran.stderr


def test_explain_says_what_was_taken(remote: RepositoryWithRemoteBase) -> None:
    remote.use(f"{remote.url}//base?ref=v1.0.0")
    for how in ("fetched", "cache"):
        told = remote.run("--explain").stderr
        assert f"  addons v1.0.0 = {remote.commit}  {remote.url}  {how}  sha256 " in told


def test_a_fetched_folder_and_a_tag_with_a_slash(remote: RepositoryWithRemoteBase) -> None:
    remote.addons.commit({}, "kustomize/v5.0.0")
    remote.use(f"{remote.url}//base?ref=kustomize/v5.0.0")
    assert len(maps(remote.must())) == 2


def test_the_name_of_fetched_bases_is_taken(remote: RepositoryWithRemoteBase) -> None:
    remote.write({"cmp-remote-bases/x": ""})
    remote.use(f"{remote.url}//base?ref=v1.0.0")
    assert remote.refused()[0] == "cmp: fetched bases get this folder's name"

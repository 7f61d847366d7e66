"""The administrator's file: what it may say, every mistake with its whole text, and where it may lie."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from cmp import policy
from cmp.errors import ConfigError
from cmp.policy import flags, hosts
from cmp.policy.document import Permission, Policy
from cmp.system.tree import WorkTree
from tests.support import versions
from tests.support.harness import CHECKOUT
from tests.support.invalid_configurations import Wrong, read

if TYPE_CHECKING:
    from pathlib import Path

HINT = (
    "  hint: CMP_POLICY names this file; nothing is rendered before an administrator corrects it; "
    "Argo CD keeps this error cached until a hard refresh"
)
WHOLE = """\
version: 1
applications:
  - projects: [team-a]
    repositories: [https://git.example.com/platform/clusters, "git@git.example.com:platform/*"]
    revisions: [main, release-*]
    namespaces: [team-a, "team-a-*"]
    folders: [namespaces/team-a-*, clusters/*/team-a-*]
  - {projects: ["*"], folders: [charts]}
charts: {hosts: [charts.example.com, "*.corp.example", "registry.example.com:5000"]}
flags: {helm: [--enable-dns], kustomize: [--load-restrictor=LoadRestrictionsNone]}
"""


def load(folder: Path, text: str | bytes) -> Policy:
    path = folder / "policy.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return policy.load(str(path), None)


def refusal(path: Path, tree: WorkTree | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        policy.load(str(path), tree)
    return "\n".join(caught.value.lines(is_cached=True))


def test_the_whole_format(tmp_path: Path) -> None:
    assert load(tmp_path, WHOLE) == Policy(
        file=str(tmp_path / "policy.yaml"),
        applications=(
            Permission(
                *(("team-a",), ("team-a", "team-a-*"), ("namespaces/team-a-*", "clusters/*/team-a-*")),
                repositories=("https://git.example.com/platform/clusters", "git@git.example.com:platform/*"),
                revisions=("main", "release-*"),
                line=3,
            ),
            Permission(("*",), ("*",), ("charts",), line=8),
        ),
        hosts=("charts.example.com", "*.corp.example", "registry.example.com:5000"),
        flags={"helm": ("--enable-dns",), "kustomize": ("--load-restrictor=LoadRestrictionsNone",)},
    )


def test_what_is_left_out_ties_nobody_and_allows_no_flag(tmp_path: Path) -> None:
    nothing: dict[str, tuple[str, ...]] = {"helm": (), "kustomize": ()}
    assert load(tmp_path, "version: 1\n") == Policy(str(tmp_path / "policy.yaml"), flags=nothing)


@pytest.mark.parametrize(("text", "features"), [("{cmd: true}", {"cue.cmd"}), ("{cmd: false}", set())])
def test_a_feature_is_allowed_where_it_is_true(tmp_path: Path, text: str, features: set[str]) -> None:
    assert load(tmp_path, f"version: 1\ncue: {text}\n").features == features


def test_an_empty_list_allows_nothing(tmp_path: Path) -> None:
    found = load(tmp_path, "{version: 1, applications: [], charts: {hosts: []}, flags: {helm: []}}\n")
    assert (found.applications, found.hosts) == ((), ())


WRONG = read(CHECKOUT / "tests" / "data" / "invalid" / "policy.txt")


@pytest.mark.parametrize("wrong", WRONG, ids=[wrong.name for wrong in WRONG])
def test_a_wrong_file_says_everything_at_once(wrong: Wrong, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(wrong.files[path.name])
    assert refusal(path).replace(f"{tmp_path}/", "") == f"{wrong.error}\n{HINT}"


def unusable(why: str, path: Path) -> str:
    return f"cmp: the administrator's policy cannot be used: {why}\n  where: {path}\n{HINT}"


def test_a_missing_file_is_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    assert refusal(path) == unusable("cannot read this file: No such file or directory", path)


def test_nor_is_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == unusable("cannot read this file: Is a directory", tmp_path)


def test_a_relative_path_would_begin_in_the_applications_folder() -> None:
    with pytest.raises(ConfigError) as caught:
        policy.load("policy.yaml", None)
    assert caught.value.what == "the administrator's policy cannot be used: CMP_POLICY must be an absolute path"


@pytest.mark.parametrize("way", ["file", "link to it", "link out of it", "folder that leads out of it"])
def test_nothing_in_the_repository_is_a_policy(way: str, tmp_path: Path) -> None:
    (tmp_path / "repo/deploy").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    inside, outside = tmp_path / "repo/policy.yaml", tmp_path / "outside/policy.yaml"
    inside.write_text("version: 1\n")
    outside.write_text("version: 1\n")
    (tmp_path / "link").symlink_to(inside)
    (tmp_path / "repo/out.yaml").symlink_to(outside)
    (tmp_path / "repo/out").symlink_to(outside.parent)
    path = {
        "file": inside,
        "link to it": tmp_path / "link",
        "link out of it": tmp_path / "repo/out.yaml",
        "folder that leads out of it": tmp_path / "repo/out/policy.yaml",
    }[way]
    tree = WorkTree(str(tmp_path / "repo/deploy"), str(tmp_path / "repo"))
    assert refusal(path, tree) == unusable("it lies in the repository that it is to guard", path)
    assert policy.load(str(outside), tree).file == str(outside)


def test_a_mounted_configmap_is_a_chain_of_links(tmp_path: Path) -> None:
    (tmp_path / "mount/..2026").mkdir(parents=True)
    (tmp_path / "mount/..2026/policy.yaml").write_text("version: 1\n")
    (tmp_path / "mount/..data").symlink_to("..2026")
    (tmp_path / "mount/policy.yaml").symlink_to("..data/policy.yaml")
    path = str(tmp_path / "mount/policy.yaml")
    assert policy.load(path, WorkTree(str(tmp_path / "mount/other"))).file == path


LISTED = ("charts.example.com", "*.corp.example", "registry.example.com:5000", "[::1]:8080")


@pytest.mark.parametrize(
    "url",
    [
        *("https://charts.example.com", "http://charts.example.com/a/b", "oci://CHARTS.example.com:443/x"),
        *("http://charts.example.com:80", "https://a.corp.example", "https://a.b.corp.example/charts?x=1"),
        *("oci://registry.example.com:5000/team", "http://[::1]:8080/"),
    ],
)
def test_a_listed_host(url: str) -> None:
    assert hosts.is_listed(url, LISTED)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://charts.example.com:8443", "charts.example.com:8443"),
        ("https://charts.example.com.evil.example/x", "charts.example.com.evil.example"),
        ("https://evil.example/charts.example.com", "evil.example"),
        ("https://corp.example", "corp.example"),
        ("https://evilcorp.example", "evilcorp.example"),
        ("oci://registry.example.com", "registry.example.com"),
        ("https://user@charts.example.com", "`https://user@charts.example.com`"),
        ("https://evil.example\\.corp.example/", "`https://evil.example\\.corp.example/`"),
        ("https://charts%2eexample.com", "`https://charts%2eexample.com`"),
        ("https://charts.example.com.", "charts.example.com."),
        ("ftp://charts.example.com", "`ftp://charts.example.com`"),
        ("https://evil.example#.corp.example", "evil.example"),
    ],
)
def test_any_other_host(url: str, shown: str) -> None:
    assert (hosts.is_listed(url, LISTED), hosts.shown(url)) == (False, shown)


@pytest.mark.parametrize("version", versions.HELM)
def test_of_helms_flags_only_some_harmless_switches_can_be_allowed(version: str, tools_dir: str) -> None:
    """A new version brings new flags: each must have a reason here before anybody can ask for it."""
    said = subprocess.run(
        [f"{tools_dir}/helm/{version}/helm", "template", "--help"], capture_output=True, text=True, check=True
    ).stdout
    found = dict(re.findall(r"(?m)^ {2,6}(?:-\w, )?(--[\w-]+) (\w*)", said))
    assert len(found) > 50
    assert {flag for flag in found if not flags.reason(flag)} == set(flags.HELM)
    assert {found[flag] for flag in flags.HELM} == {""}, "a switch takes no value"

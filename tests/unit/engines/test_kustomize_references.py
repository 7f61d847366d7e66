"""Spellings of references to remote bases and files, and those that no render follows."""

from __future__ import annotations

import pytest

from cmp.artifacts.remotes import keys
from cmp.engines.kustomize import remote_urls
from cmp.engines.kustomize.kustomization import Reference
from cmp.errors import ConfigError
from cmp.model import RemoteRef
from tests.support.remote_bases import FULL

SPELLINGS = {
    "https://github.com/org/repo//path/in?ref=v1": ("https://github.com/org/repo", "path/in", "v1"),
    "https://github.com/org/repo/path/in?ref=v1": ("https://github.com/org/repo", "path/in", "v1"),
    "https://github.com/org/repo?ref=v1": ("https://github.com/org/repo", "", "v1"),
    "https://github.com/org/repo.git?ref=v1": ("https://github.com/org/repo.git", "", "v1"),
    "https://GitHub.com/org/repo.git/path?ref=refs/tags/v1": ("https://github.com/org/repo.git", "path", "v1"),
    "github.com/org/repo/path/?ref=tags/v1": ("https://github.com/org/repo", "path", "v1"),
    "git::https://host.example/a/b/c//d?ref=v1": ("https://host.example/a/b/c", "d", "v1"),
    "https://host.example:8443/a/b.git//d/../e?version=v1": ("https://host.example:8443/a/b.git", "e", "v1"),
    "https://me@dev.azure.com/o/p/_git/repo/d?ref=v1": ("https://dev.azure.com/o/p/_git/repo", "d", "v1"),
    f"https://h.example/o/r?timeout=90s&submodules=false&ref={FULL}": ("https://h.example/o/r", "", FULL),
    "https://h.example/o/r//deploy/install.yaml?ref=v1": ("https://h.example/o/r", "deploy/install.yaml", "v1"),
}


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_reference_is_read_as_kustomize_reads_it(text: str) -> None:
    reference = remote_urls.parse(Reference(text, "bases", "x:1"))
    assert (reference.ref.url, reference.folder, reference.ref.version) == SPELLINGS[text]


@pytest.mark.parametrize(
    ("url", "version"),
    [
        ("https://raw.example/org/repo/v1.2.3/install.yaml", "v1.2.3"),
        (f"https://raw.example/org/repo/{FULL}/install.yml", FULL),
        ("https://github.com/org/repo/releases/download/1.14/x.json", "1.14"),
        ("https://host.example/v2.0.0-rc.1/x.yaml?raw=true", "v2.0.0-rc.1"),
    ],
)
def test_a_file_has_its_version_in_the_path(url: str, version: str) -> None:
    assert remote_urls.parse(Reference(url, "resources", "x:1")).ref == RemoteRef(url, version, "x:1", is_file=True)


REFUSED = {
    "https://h.example/o/r": "is not pinned",
    "https://h.example/o/r?ref=": "is not pinned",
    "https://h.example/o/r?ref=heads/main": "is pinned to a branch",
    "https://h.example/o/r?ref=refs/heads/main": "is pinned to a branch",
    "https://h.example/o/r?ref=--upload-pack=x": "has a version that can be no tag and no commit",
    "https://h.example/o/r?ref=a..b": "has a version that can be no tag and no commit",
    "https://h.example/o/r?ref=v1:main": "has a version that can be no tag and no commit",
    "http://h.example/o/r?ref=v1": "would be fetched without encryption",
    "git@github.com:o/r?ref=v1": "is reached by SSH, for which no render has a key",
    "ssh://git@h.example/o/r?ref=v1": "is reached by SSH, for which no render has a key",
    "gitlab.com/o/r?ref=v1": "is an address without https://",
    "gh:o/r?ref=v1": "is an address without https://",
    "file:///srv/repo?ref=v1": "is an address of the kind file, which is not fetched",
    "s3::https://h.example/o/r?ref=v1": "is an address of the kind s3::https, which is not fetched",
    "https://h.example/o?ref=v1": "is an address in which no host and repository can be told apart",
    "https://h.example/o/r//../x?ref=v1": "is an address in which no host and repository can be told apart",
    "https://-h/o/r?ref=v1": "is an address in which no host and repository can be told apart",
    "https://h.example/main/x.yaml": "is a file whose URL has no version",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_reference_that_no_render_follows(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        remote_urls.parse(Reference(text, "resources", "x:1"))
    assert caught.value.what == f"{text} (resources) {REFUSED[text]}"
    assert caught.value.file == "x:1"
    assert "copy what it names into this repository" in caught.value.hint


def test_a_password_in_a_reference_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        remote_urls.parse(Reference("https://me:s3cr3t@h.example/o/r?ref=v1", "resources", "x:1"))
    assert caught.value.what == "https://…h.example/o/r?ref=v1 (resources) holds a password"
    assert "s3cr3t" not in "".join(caught.value.lines())


@pytest.mark.parametrize("key", ["patches", "crds", "configMapGenerator", "configurations", "openapi"])
def test_only_some_keys_take_what_is_remote(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        remote_urls.parse(Reference("https://h.example/v1.0/x.yaml", key, "x:1"))
    assert caught.value.what.endswith("is remote, which is possible in resources, bases, components alone")


def test_a_key_of_the_cache_says_what_it_is() -> None:
    for wanted in (
        RemoteRef("https://h/o/r", "v1", ""),
        RemoteRef("https://h/v1.0/x y?z.yaml", "v1.0", "", is_file=True),
    ):
        assert keys.ref_of(keys.key_of(wanted)) == wanted
        assert "/" not in keys.key_of(wanted).name

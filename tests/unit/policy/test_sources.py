"""Repositories and revisions of a rule: the same by every name that Argo CD takes for the same, and nothing else."""

from __future__ import annotations

import pytest

from cmp.policy import sources

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    "url",
    [
        *("https://git.example.com/team/clusters", "https://git.example.com/team/clusters.git"),
        *("HTTPS://Git.Example.COM/Team/Clusters.git/", "https://git.example.com:443/team/clusters/"),
        *("https://user:token@git.example.com/team/clusters", " https://git.example.com/team/clusters "),
    ],
)
def test_a_web_server_by_all_its_urls(url: str) -> None:
    assert sources.is_repository(["https://git.example.com/team/clusters.git"], url)
    assert sources.is_repository([url], "https://git.example.com/team/clusters")


@pytest.mark.parametrize(
    "url",
    [
        *("git@git.example.com:team/clusters.git", "git@git.example.com:/team/clusters"),
        *("ssh://git@git.example.com/team/clusters", "ssh://git@git.example.com:22/Team/clusters.git"),
    ],
)
def test_ssh_by_all_its_urls(url: str) -> None:
    assert sources.is_repository(["git@git.example.com:team/*"], url)
    assert sources.is_repository([url], "git@git.example.com:team/clusters")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://git.example.com/team/clusters",
        "https://git.example.com:8443/team/clusters",
        "https://git.example.com/team/clusters2",
        "https://git.example.com/team/clusters/fork",
        "https://git.example.com/stranger/clusters",
        "https://git.example.com.evil.example/team/clusters",
        "https://evil.example/git.example.com/team/clusters",
        "https://git.example.com@evil.example/team/clusters",
        "https://evil.example#@git.example.com/team/clusters",
        "https://evil.example\\@git.example.com/team/clusters",
        "https://git.example.com/team/clusters/../../stranger/clusters",
        "https://git.example.com/team/%2e%2e/stranger",
        "https://git.example.com/team/clusters?x=1",
        "https://git.example.com/team//clusters",
        "git@git.example.com:team/clusters",
        "alice@git.example.com:team/other",
        "ssh://git@git.example.com:2222/team/other",
        "file:///srv/git/clusters",
        "ext::sh -c id",
    ],
)
def test_no_other_repository(url: str) -> None:
    assert not sources.is_repository(["https://git.example.com/team/clusters", "git@git.example.com:team/other"], url)


@pytest.mark.parametrize(
    ("pattern", "url", "fits"),
    [
        ("https://git.example.com/team/*", "https://git.example.com/team/a", True),
        ("https://git.example.com/team/*", "https://git.example.com/team/a/b", False),
        ("https://git.example.com/team/*", "https://git.example.com/team-b/a", False),
        ("https://git.example.com/**", "https://git.example.com/team/a/b.git", True),
        ("https://git.example.com/**", "https://git.example.com.evil.example/team/a", False),
        ("https://*.example.com/team/a", "https://git.example.com/team/a", True),
        ("https://*.example.com/team/a", "https://evil.test/x.example.com/team/a", False),
        ("file:///srv/git/*", "file:///srv/git/clusters.git", True),
    ],
)
def test_patterns_of_repositories(pattern: str, url: str, *, fits: bool) -> None:
    assert sources.REPOSITORY.accepts(pattern)
    assert sources.is_repository([pattern], url) == fits


@pytest.mark.parametrize(
    "text", ["*", "", "git.example.com/team/a", "https://git.example.com", "https://a/{b}", "/a/b"]
)
def test_what_is_no_repository(text: str) -> None:
    assert not sources.REPOSITORY.accepts(text)


def test_a_password_is_not_shown() -> None:
    assert sources.shown("https://user:token@git.example.com/a\n") == "https://git.example.com/a\\n"


@pytest.mark.parametrize(
    ("pattern", "revision", "fits"),
    [
        ("main", "main", True),
        ("main", "refs/heads/main", True),
        ("refs/heads/main", "main", True),
        ("v1.2.3", "refs/tags/v1.2.3", True),
        ("refs/tags/v1.*", "v1.2.3", True),
        ("v1.*", "v1.*", True),
        ("HEAD", "", True),
        ("main", "", False),
        ("main", "HEAD", False),
        ("main", "main2", False),
        ("main", "Main", False),
        ("*", "feature", True),
        ("*", "feature/a", False),
        ("feature/*", "refs/heads/feature/a", True),
        ("**", "feature/a/b", True),
        # A forge serves what strangers push, by the long name and by the short one.
        ("**", "refs/pull/666/head", False),
        ("**", "pull/666/head", False),
        ("*/*/head", "refs/pull/666/head", False),
        ("**", "refs/merge-requests/6/head", False),
        ("**", "refs/changes/34/1234/1", False),
        ("**", "refs/keep-around/x", False),
        ("pull/*/head", "refs/pull/666/head", True),
        ("refs/pull/666/head", "pull/666/head", True),
        # It also gives out the commits of forks, by the whole name and by its beginning.
        ("**", COMMIT, False),
        ("*", COMMIT[:7], False),
        ("*", COMMIT.upper(), False),
        (COMMIT, COMMIT, True),
        ("2026*", "20261130", False),
        ("2026*", "refs/tags/20261130", True),
        ("*", "a//b", False),
    ],
)
def test_revisions(pattern: str, revision: str, *, fits: bool) -> None:
    assert sources.REVISION.accepts(pattern)
    assert sources.is_revision([pattern], revision) == fits


@pytest.mark.parametrize("text", ["", "/main", "main/", "a/../b", ".", "a**", "{branch}", "a\nb"])
def test_what_is_no_revision(text: str) -> None:
    assert not sources.REVISION.accepts(text)

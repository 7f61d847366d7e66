"""An index of charts: the one entry that is wanted, found by its lines or, in another style, by the parser."""

from __future__ import annotations

import json
import re

import pytest

from cmp import yamldoc
from cmp.artifacts.charts.index import ChartVersion, Index, NoIndexError, resolved

BLOCK = b"""\
apiVersion: v1
entries:
  podinfo:
  - apiVersion: v2
    created: "2024-01-01T00:00:00Z"
    dependencies:
    - name: redis
      repository: https://charts.example.com
      version: 6.0.0
    description: |
      a text with
      version: 9.9.9

      - and a dash
    name: podinfo
    urls:
    - https://cdn.example.net/podinfo-6.1.0.tgz
    - https://mirror.example.net/podinfo-6.1.0.tgz
    version: 6.1.0
  - apiVersion: v2
    name: podinfo
    urls:
    - podinfo-6.0.0.tgz
    version: "6.0.0"
  "redis":
  - apiVersion: v2
    urls: [redis-v1.0.0.tgz]
    version: v1.0.0
  - version: 3.0.0+up1.7
    urls:
    - redis-3.0.0+up1.7.tgz
  - version: 3.0.0+up1.8
    urls:
    - redis-3.0.0+up1.8.tgz
  - version: 0.1.0
    urls: []
generated: "2024-01-01T00:00:00Z"
"""
CASES = [
    ("podinfo", "6.1.0", ChartVersion("6.1.0", "https://cdn.example.net/podinfo-6.1.0.tgz")),
    ("podinfo", "v6.0.0", ChartVersion("6.0.0", "podinfo-6.0.0.tgz")),
    ("podinfo", "9.9.9", None),
    ("pod", "6.1.0", None),
    ("redis", "1.0.0", ChartVersion("v1.0.0", "redis-v1.0.0.tgz")),
    ("redis", "3.0.0", ChartVersion("3.0.0+up1.7", "redis-3.0.0+up1.7.tgz")),
    ("redis", "3.0.0+up1.8", ChartVersion("3.0.0+up1.8", "redis-3.0.0+up1.8.tgz")),
    ("redis", "0.1.0", ChartVersion("0.1.0", "")),
    ("redis", "6.0.0", None),
]
VALUE = yamldoc.load_all(BLOCK)[0]
STYLES = {
    "as helm writes it": BLOCK,
    "with carriage returns": BLOCK.replace(b"\n", b"\r\n"),
    "json": json.dumps(VALUE).encode(),
    "in brackets": b"{apiVersion: v1, " + json.dumps(VALUE)[1:].encode(),
    "lists further in": re.sub(rb"(?m)^(?=  [ -])", b"  ", BLOCK),
    "an alias": BLOCK.replace(b"apiVersion: v1\n", b"apiVersion: &v v1\n").replace(
        b"apiVersion: v2", b"apiVersion: *v"
    ),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("name", "version", "expected"), CASES)
def test_an_entry_is_found(style: str, name: str, version: str, expected: ChartVersion | None) -> None:
    assert Index(STYLES[style]).find(name, version) == expected


def test_of_an_index_as_helm_writes_it_one_entry_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    load = yamldoc.load_all

    def noted(data: bytes) -> list[object]:
        parsed.append(data)
        return load(data)

    monkeypatch.setattr(yamldoc, "load_all", noted)
    for name, version, _ in CASES:
        Index(BLOCK).find(name, version)
    assert max(map(len, parsed)) < 500


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<html>please log in</html>", "it has no apiVersion"),
        (b"", "it has no apiVersion"),
        (b"entries: {}\n", "it has no apiVersion"),
        (b"apiVersion:\nentries:\n", "it has no apiVersion"),
        (b"[}", "it is not YAML"),
        (b'{"apiVersion": "v1"', "it is not YAML"),
        (b'{"Code": "Success", "Token": "secret"}', "it has no apiVersion"),
    ],
)
def test_what_is_no_index_is_told_without_a_byte_of_it(data: bytes, why: str) -> None:
    with pytest.raises(NoIndexError, match=f"^{why}$"):
        Index(data)


@pytest.mark.parametrize("data", [b"apiVersion: v1\nentries: {}\n", b"apiVersion: v1\nentries:\n", b"apiVersion: v1\n"])
def test_an_index_may_be_empty(data: bytes) -> None:
    assert Index(data).find("redis", "1.0.0") is None


@pytest.mark.parametrize(
    ("repository", "url", "expected"),
    [
        # helm.sh/helm/v3, pkg/repo/chartrepo_test.go
        ("http://localhost:8123/charts/", "nginx-0.2.0.tgz", "http://localhost:8123/charts/nginx-0.2.0.tgz"),
        (
            "http://localhost:8123/charts-with-no-trailing-slash",
            "nginx-0.2.0.tgz",
            "http://localhost:8123/charts-with-no-trailing-slash/nginx-0.2.0.tgz",
        ),
        (
            "http://localhost:8123",
            "https://charts.helm.sh/stable/nginx-0.2.0.tgz",
            "https://charts.helm.sh/stable/nginx-0.2.0.tgz",
        ),
        (
            "http://localhost:8123/charts%2fwith%2fescaped%2fslash",
            "nginx-0.2.0.tgz",
            "http://localhost:8123/charts%2fwith%2fescaped%2fslash/nginx-0.2.0.tgz",
        ),
        (
            "http://localhost:8123/charts?with=queryparameter",
            "nginx-0.2.0.tgz",
            "http://localhost:8123/charts/nginx-0.2.0.tgz?with=queryparameter",
        ),
        ("https://a.example/charts", "/other/x.tgz", "https://a.example/other/x.tgz"),
        ("https://a.example/charts", "../x.tgz", "https://a.example/x.tgz"),
        ("https://a.example/charts", "//b.example/x.tgz", "https://b.example/x.tgz"),
        ("https://a.example/charts", "oci://b.example/x:1.0.0", "oci://b.example/x:1.0.0"),
    ],
)
def test_a_url_is_resolved_as_helm_does(repository: str, url: str, expected: str) -> None:
    assert resolved(repository, url) == expected

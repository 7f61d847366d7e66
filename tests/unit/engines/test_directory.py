"""Files as Argo CD's directory source reads them; tests/argocd/builtin asks the real repo-server the same."""

from __future__ import annotations

import pytest

from cmp import yamldoc
from cmp.engines.directory import manifests
from cmp.errors import EngineError

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
PASSED_OVER = {
    "values": "replicas: 3\n",
    "a template": "a: {{ b }}\n",
    "a list": "- a\n",
    "a text": "hello\n",
}
READ = {
    "nothing": ("", 0),
    "comments": ("# nothing\n---\n---\n", 0),
    "two documents": (f"{MAP}---\n{MAP}", 2),
    "JSON": ('{"kind": "A"} {"kind": "B"}', 2),
    "a flow map": ("{kind: A, metadata: {name: a}}\n", 1),
}
REFUSED = {
    "a.yaml": (
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ a }}\n", "cannot be a key"),
        (f"{MAP}---\na: b\n", "a document is no object with a kind"),
        (f"{MAP}---\nb: [\n", "did not find expected node content"),
    ),
    "a.json": (
        ("[]", "no single object"),
        ("{}", "no single object"),
        ('{"kind": "A"}{"kind": "B"}', "no single object"),
        ("[" * 100_000, "no single object"),
    ),
}


@pytest.mark.parametrize("case", PASSED_OVER)
def test_a_file_that_is_no_manifest_is_passed_over(case: str) -> None:
    assert manifests("a.yaml", PASSED_OVER[case].encode()) == b""


@pytest.mark.parametrize("case", READ)
def test_a_file_of_manifests_is_read(case: str) -> None:
    text, count = READ[case]
    values = yamldoc.load_all(manifests("a.yaml", text.encode()))
    assert len([value for value in values if value is not None]) == count


@pytest.mark.parametrize(("path", "text", "what"), [(path, *case) for path, cases in REFUSED.items() for case in cases])
def test_what_looks_like_a_manifest_and_cannot_be_read_is_refused(path: str, text: str, what: str) -> None:
    with pytest.raises(EngineError) as caught:
        manifests(path, text.encode())
    assert what in caught.value.what
    assert caught.value.file == path
    assert "`directory: {exclude: …}`" in caught.value.hint


def test_utf_16_is_read() -> None:
    assert yamldoc.load_all(manifests("a.yaml", MAP.encode("utf-16"))) == yamldoc.load_all(MAP.encode())

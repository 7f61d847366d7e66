"""Patterns that a tree, a policy or an Application gives: what they match, and that no pattern takes for ever."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp.system.globs import PatternError, go_match, whole_match
from tests.support.harness import CHECKOUT


@pytest.mark.parametrize(
    ("pattern", "name", "is_match"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("*", "a/b", False),
        ("a*", "ab/", False),
        ("a*/b", "abc/b", True),
        ("a*/b", "a/c/b", False),
        ("a*b*c*d*e*/f", "axbxcxdxe/f", True),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", False),
        ("a*b?c*x", "abxbbxdbxebxczzx", True),
        ("a*b?c*x", "abxbbxdbxebxczzy", False),
        ("**/x", "a/x", True),
        ("**/x", "a/b/x", False),
        ("ab[c]", "abc", True),
        ("ab[b-d]", "abc", True),
        ("ab[^b-d]", "abc", False),
        ("ab[d-b]", "abc", False),
        ("ab[!c]", "abc", True),
        ("a[^b]c", "a/c", True),
        ("a?c", "a/c", False),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("[\\]a]", "]", True),
        ("[\\-x]*", "-y", True),
        ("a???b", "a名前値b", True),
        ("*[/x]*b", "x/b", False),  # Go takes the first fit, from where the next star meets a slash
    ],
)
def test_go_match(pattern: str, name: str, *, is_match: bool) -> None:
    assert go_match(pattern, name) is is_match


@pytest.mark.parametrize(
    "pattern", ["[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[", "[^", "[^bc", "a[", "a[a", "a\\", "[\\"]
)
def test_go_refuses_what_is_malformed(pattern: str) -> None:
    with pytest.raises(PatternError):
        go_match(pattern, "a")


TEXTS = st.text("ab/.", max_size=8)


@given(st.text("ab*?", max_size=8), st.text("ab.", max_size=8))
def test_without_slashes_go_reads_stars_as_a_shell_does(pattern: str, name: str) -> None:
    assert go_match(pattern, name) == fnmatch.fnmatchcase(name, pattern)


@given(st.lists(st.sampled_from(["a", "b", "/", "*", "**", "**/"]), max_size=8).map("".join), TEXTS)
def test_whole_paths_agree_with_regular_expressions(pattern: str, path: str) -> None:
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    pieces = re.split(r"(\*\*/|\*\*|\*)", pattern)
    expected = re.fullmatch("".join(meaning.get(piece) or re.escape(piece) for piece in pieces), path)
    assert whole_match(pattern, path) == bool(expected)


DOORS = """
import os, tempfile
from cmp.repository import layout
from cmp.argocd.sets.git import directory, pathspec
from cmp.engines.cue import sources as cue
from cmp.engines.helmfile import sources as helmfile
from cmp.system.globs import whole_match
from cmp.policy import check
from cmp.genpaths import annotation
from cmp.system.tree import WorkTree

STARS, NAME = "*a" * 200 + "*b*c", "a" * 220 + "b"
FOLDERS, PATH = "/".join(["**", "*a"] * 100) + "/c", "/".join("a" * 220)
folder = tempfile.mkdtemp()
open(os.path.join(folder, NAME), "w").close()
os.makedirs(os.path.join(folder, "/".join("a" * 40)))
tree = WorkTree(folder)
print(
    layout.match(layout.parse(STARS), NAME),
    layout.match(layout.parse("{x}" + STARS), NAME),
    layout.match(layout.parse("{x}*{x}" + STARS), NAME[:60]),
    layout.match(layout.parse(FOLDERS), PATH),
    layout.expand(tree, layout.parse(FOLDERS), {}),
    layout.expand(tree, layout.parse(STARS), {}),
    check._matches([STARS], NAME),
    layout.matches_above(layout.parse(FOLDERS), PATH),
    directory(STARS)(NAME),
    pathspec(STARS)(NAME),
    whole_match(STARS, NAME),
    whole_match(FOLDERS, PATH),
    annotation.covers([f"/{STARS}"], NAME),
    *cue._embedded(tree, "", STARS, is_pattern=True),
    *helmfile._matching(tree, STARS),
)
"""


def test_200_stars_are_told_apart_from_what_they_do_not_match() -> None:
    done = subprocess.run(  # not one of these would end within the hour if every way to share out a name were tried
        [sys.executable, "-c", DOORS], cwd=CHECKOUT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.split() == [*["None"] * 4, "[]", "[]", *["False"] * 7], done.stderr

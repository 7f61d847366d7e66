"""Patterns are parsed, matched, filled and expanded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cmp.errors import ConfigError
from cmp.repository import layout
from cmp.repository.layout import expand, fill, match, parse, parse_text, require, shown, sketch
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.system.tree import Entry, WorkTree


@pytest.mark.parametrize(
    ("pattern", "path", "captures"),
    [
        ("namespaces/{app}", "namespaces/shop", {"app": "shop"}),
        ("namespaces/{app}", "namespaces/shop/templates", None),
        ("namespaces/{app}", "namespaces", None),
        ("clusters/{cluster}/{app}", "clusters/dev/shop", {"cluster": "dev", "app": "shop"}),
        ("apps/app-{app}", "apps/app-shop", {"app": "shop"}),
        ("apps/app-{app}", "apps/app-", None),
        ("{a}-{b}", "one-two-three", {"a": "one-two", "b": "three"}),
        ("{a}/{a}", "x/x", {"a": "x"}),
        ("{a}/{a}", "x/y", None),
        ("{a}/{a}-values.yaml", "x/x-values.yaml", {"a": "x"}),
        ("*-values*.yaml", "dev-values.yaml", {}),
        ("*-values*.yaml", "-values.yaml", {}),
        ("*-values*.yaml", "values.yaml", None),
        ("a*b*c", "a-b-b-c", {}),
        ("a*b*c", "a-c-b", None),
        ("*", "a/b", None),
        ("**/x", "x", {}),
        ("**/x", "a/b/x", {}),
        ("**/x", "a/b/xy", None),
        ("a/**/x", "a/x", {}),
        ("a/**/x", "b/a/x", None),
        ("a/**", "a/b/c", {}),
        ("a/**", "a/b", {}),
        ("a/**", "a", None),
        ("**/{team}/{app}", "x/y/z", {"team": "y", "app": "z"}),
        ("*", ".hidden", None),
        ("{app}", ".git", None),
        ("**/x", ".git/x", None),
        (".*", ".hidden", {}),
        ("a.{x}", "a..b", {"x": ".b"}),
        ("名前/{app}", "名前/店", {"app": "店"}),
    ],
)
def test_a_pattern_matches_whole_paths_and_captures_names(
    pattern: str, path: str, captures: dict[str, str] | None
) -> None:
    assert match(parse(pattern), path) == captures


def test_a_known_name_matches_only_its_value() -> None:
    pattern = parse("clusters/{cluster}/{app}")
    assert match(pattern, "clusters/dev/shop", {"cluster": "dev"}) == {"cluster": "dev", "app": "shop"}
    assert match(pattern, "clusters/dev/shop", {"cluster": "prod"}) is None
    assert match(parse("{app}/x"), ".dot/x", {"app": ".dot"}) == {"app": ".dot"}


def test_a_pattern_knows_its_names_and_wildcards() -> None:
    assert parse("a/{b}/{c}-*.yaml").names == {"b", "c"}
    assert parse("a/{b}/*").has_wildcard
    assert parse("a/**/{b}").has_wildcard
    assert not parse("a/{b}.yaml").has_wildcard


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "`` is not a path pattern: it starts at the root, without empty, `.` and `..` segments"),
        ("/a", "`/a` is not a path pattern: it starts at the root, without empty, `.` and `..` segments"),
        ("a//b", "`a//b` is not a path pattern: it starts at the root, without empty, `.` and `..` segments"),
        ("a/", "`a/` is not a path pattern: it starts at the root, without empty, `.` and `..` segments"),
        ("./a", "`./a` is not a path pattern: it starts at the root, without empty, `.` and `..` segments"),
        ("a/../b", "`a/../b` is not a path pattern: it starts at the root, without empty, `.` and `..` segments"),
        ("a\n/..", "`a\\n/..` is not a path pattern: it starts at the root, without empty, `.` and `..` segments"),
        ("a/b**", "`**` must be a whole segment of the pattern `a/b**`"),
        ("a/{app", "`{app` in the pattern `a/{app` is not a name in braces"),
        ("a/{}", "`{}` in the pattern `a/{}` is not a name in braces"),
        ("a/{b c}", "`{b c}` in the pattern `a/{b c}` is not a name in braces"),
        ("a/{b,c}.yaml", "`{b,c}` in the pattern `a/{b,c}.yaml` is not a name in braces"),
    ],
)
def test_what_is_no_pattern_is_refused_at_its_place(pattern: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(pattern, "cmp.yaml:8:7")
    assert caught.value.lines() == [f"cmp: {message}", "  where: cmp.yaml:8:7"]


def test_names_are_filled_in_paths_and_other_texts() -> None:
    known = {"cluster": "dev", "app": "shop"}
    assert fill(parse("clusters/{cluster}/{app}.yaml"), known) == "clusters/dev/shop.yaml"
    assert fill(parse_text("{cluster}-{app}"), known) == "dev-shop"
    assert fill(parse_text("shop"), {}) == "shop"
    assert sketch(parse("clusters/{cluster}/{app}"), {"app": "shop"}) == "clusters/{cluster}/shop"


def test_a_cluster_that_nobody_named_is_an_error_of_its_own() -> None:
    with pytest.raises(ConfigError) as caught:
        require(parse_text("{cluster}-{app}", "cmp-app.yaml"), {"app": "shop"}, "without a cluster")
    assert caught.value.lines() == [
        "cmp: the pattern `{cluster}-{app}` needs {cluster}, which is not known without a cluster",
        "  where: cmp-app.yaml",
        "  hint: known are app; name a cluster",
    ]


def test_a_name_that_nothing_knows_is_an_error() -> None:
    with pytest.raises(ConfigError) as caught:
        require(parse("envs/{env}/{app}.yaml", "cmp.yaml:9:7"), {"app": "shop", "cluster": "dev"}, "of cluster dev")
    assert caught.value.lines() == [
        "cmp: the pattern `envs/{env}/{app}.yaml` needs {env}, which is not known of cluster dev",
        "  where: cmp.yaml:9:7",
        "  hint: known are app, cluster; give the cluster the fact env in the inventory",
    ]


@pytest.mark.parametrize("value", ["", ".", "..", "eu/west", "../other"])
def test_a_fact_fills_one_segment_and_no_more(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        expand(plant(tmp_path, {}), parse("envs/{env}.yaml", "cmp.yaml:9:7"), {"env": value})
    assert caught.value.lines() == [
        f"cmp: {{env}} of the pattern `envs/{{env}}.yaml` is `{value}`: not one segment of a path",
        "  where: cmp.yaml:9:7",
    ]


def found(tree: WorkTree, pattern: str, known: dict[str, str] | None = None) -> list[str]:
    return [hit.path for hit in expand(tree, parse(pattern), known or {})]


def test_matches_are_sorted_by_their_whole_path(tmp_path: Path) -> None:
    tree = plant(tmp_path, dict.fromkeys(["a/b/x.yaml", "a/x.yaml", "a-b/x.yaml", "a/é.yaml", "a/B.yaml"], ""))
    assert found(tree, "**/*.yaml") == ["a-b/x.yaml", "a/B.yaml", "a/b/x.yaml", "a/x.yaml", "a/é.yaml"]


def test_a_star_stays_in_its_segment_and_two_cross(tmp_path: Path) -> None:
    tree = plant(tmp_path, dict.fromkeys(["v/a.yaml", "v/x/b.yaml", "v/x/y/c.yaml", "v/a.txt"], ""))
    assert found(tree, "v/*.yaml") == ["v/a.yaml"]
    assert found(tree, "v/*/*.yaml") == ["v/x/b.yaml"]
    assert found(tree, "v/**/*.yaml") == ["v/a.yaml", "v/x/b.yaml", "v/x/y/c.yaml"]
    assert found(tree, "v/**/**/*.yaml") == ["v/a.yaml", "v/x/b.yaml", "v/x/y/c.yaml"]


def test_hidden_names_are_matched_only_by_patterns_that_say_the_dot(tmp_path: Path) -> None:
    tree = plant(tmp_path, dict.fromkeys([".ci/x.yaml", "a/.x.yaml", "a/x.yaml", ".x.yaml"], ""))
    assert found(tree, "**/*.yaml") == ["a/x.yaml"]
    assert found(tree, "{app}/x.yaml") == ["a/x.yaml"]
    assert found(tree, ".ci/*.yaml") == [".ci/x.yaml"]
    assert found(tree, "**/.*.yaml") == [".x.yaml", "a/.x.yaml"]


def test_captures_tell_which_folder_a_match_came_from(tmp_path: Path) -> None:
    tree = plant(tmp_path, dict.fromkeys(["apps/red/shop/x", "apps/blue/till/x", "apps/file"], ""))
    hits = expand(tree, parse("apps/{team}/{app}"), {})
    assert [(hit.path, hit.captures) for hit in hits] == [
        ("apps/blue/till", {"team": "blue", "app": "till"}),
        ("apps/red/shop", {"team": "red", "app": "shop"}),
    ]
    assert found(tree, "apps/{team}/{app}", {"app": "shop"}) == ["apps/red/shop"]


def test_links_to_folders_are_followed_by_names_but_not_crossed(tmp_path: Path) -> None:
    tree = plant(tmp_path, {"real/x.yaml": "", "link": "-> real", "real/up": "-> .."})
    assert found(tree, "*/x.yaml") == ["link/x.yaml", "real/x.yaml"]
    assert found(tree, "**/x.yaml") == ["real/x.yaml"]


def test_a_literal_path_is_found_only_if_it_is_there(tmp_path: Path) -> None:
    tree = plant(tmp_path, {"a/b": "", "broken": "-> nowhere"})
    assert [(hit.path, hit.kind) for hit in expand(tree, parse("a/b"), {})] == [("a/b", "file")]
    assert found(tree, "a/c") == []
    assert found(tree, "*/c") == []
    assert [(hit.path, hit.kind) for hit in expand(tree, parse("broken"), {})] == [("broken", "other")]


class Watched:
    """A tree that remembers which folders were listed."""

    def __init__(self, tree: WorkTree) -> None:
        self.listed: list[str] = []
        self._tree = tree
        self.prefix, self.kind, self.read, self.resolve = tree.prefix, tree.kind, tree.read, tree.resolve
        self.is_executable = tree.is_executable

    def entries(self, path: str) -> list[Entry]:
        self.listed.append(path)
        return self._tree.entries(path)


def test_only_folders_that_the_pattern_names_are_listed(tmp_path: Path) -> None:
    tree = Watched(plant(tmp_path, dict.fromkeys(["other/x/y", "ns/shop/a-values.yaml", "ns/till/a-values.yaml"], "")))
    hits = expand(tree, parse("ns/{app}/*-values.yaml"), {"app": "shop"})
    assert [hit.path for hit in hits] == ["ns/shop/a-values.yaml"]
    assert tree.listed == ["ns/shop"]


@pytest.mark.parametrize(
    ("name", "printed"),
    [("a\nb", "a\\nb"), ("a\x1b[31m", "a\\x1b[31m"), ("a\udcff", "a\\udcff"), ("a\x85b", "a\\x85b")],
)
def test_a_match_whose_name_cannot_be_shown_is_refused(tmp_path: Path, name: str, printed: str) -> None:
    tree = plant(tmp_path, {f"v/{name}.yaml": ""})
    with pytest.raises(ConfigError) as caught:
        expand(tree, parse("v/*.yaml"), {})
    assert caught.value.lines() == [
        "cmp: a file name with control characters, or not in UTF-8",
        f"  where: v/{printed}.yaml",
        "  hint: rename it",
    ]
    assert found(tree, "v/other*.yaml") == []


def test_names_in_any_script_and_with_any_space_are_fine(tmp_path: Path) -> None:
    names = ["v/共通 values.yaml", "v/\u3000.yaml"]
    assert found(plant(tmp_path, dict.fromkeys(names, "")), "v/*.yaml") == sorted(names)
    assert shown("共通 x") == "共通 x"


@pytest.mark.parametrize(
    ("pattern", "name", "captures"),
    [
        ("{a}-{a}", "x-y-x-y", {"a": "x-y"}),
        ("{a}{a}", "aba", None),
        ("*{a}.{a}", "xab.ab", {"a": "ab"}),
        ("{a}-{b}-{a}", "1-2-3-1", {"a": "1", "b": "2-3"}),
    ],
)
def test_a_name_that_stands_twice_in_a_segment_means_the_same_text(
    pattern: str, name: str, captures: dict[str, str] | None
) -> None:
    assert match(parse(pattern), name) == captures


def test_two_names_that_stand_twice_in_a_segment_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        match(parse("{a}{b}{a}{b}"), "xyxy")
    assert caught.value.lines() == [
        "cmp: {a} and {b} stand twice in one segment of a pattern",
        "  hint: name each once; what stands for it the second time may be `*`",
    ]
    assert match(parse("{a}{b}{a}{b}"), "xyxy", {"b": "y"}) == {"a": "x", "b": "y"}


def test_a_pattern_that_ends_in_two_stars_covers_whole_folders() -> None:
    assert layout.covers(parse("templates/**"), "templates", {})
    assert layout.covers(parse("templates/**"), "templates/deep", {})
    assert not layout.covers(parse("templates/*"), "templates", {})
    assert not layout.covers(parse("templates/**"), "files", {})


SEGMENTS = st.lists(
    st.one_of(st.sampled_from(["*", "{a}", "{b}", "."]), st.text("xy-", min_size=1, max_size=2)), min_size=1, max_size=4
).map("".join)
PATTERNS = st.lists(st.one_of(st.just("**"), SEGMENTS), min_size=1, max_size=4).map("/".join)
PATHS = st.lists(st.text("xy-.", min_size=1, max_size=4), min_size=1, max_size=4).map("/".join)


def as_expression(pattern: str) -> str:
    """Translate a pattern into a regular expression, the obvious way."""
    segments = pattern.split("/") + (["*"] if pattern.endswith("**") else [])
    translated = ""
    for segment in segments[:-1]:
        translated += r"(?:[^/.][^/]*/)*?" if segment == "**" else f"{_segment(segment)}/"
    return translated + _segment(segments[-1])


def _segment(segment: str) -> str:
    visible = r"(?!\.)" if segment[0] in "*{" else ""
    pieces = re.split(r"(\*|\{\w\})", segment)
    known = {"*": r"[^/]*?", "{a}": r"(?P<a>[^/]+)", "{b}": r"(?P<b>[^/]+)"}
    return visible + "".join(known.get(piece, re.escape(piece)) for piece in pieces)


@given(PATTERNS, PATHS)
def test_matching_agrees_with_regular_expressions(pattern: str, path: str) -> None:
    assume(pattern.count("{a}") < 2 and pattern.count("{b}") < 2)
    assume("***" not in pattern and not set(pattern.split("/")) & {".", ".."})
    assume(all("**" not in segment or segment == "**" for segment in pattern.split("/")))
    expected = re.fullmatch(as_expression(pattern), path)
    assert match(parse(pattern), path) == (expected.groupdict() if expected else None)

"""Two charts compared: their words, their CRDs and their default values, and what of these is no difference."""

from __future__ import annotations

import json
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from cmp.changes import ChartNote
from cmp.preview.bumps import compared, opened
from cmp.preview.bumps.compared import ComparedCharts, compare
from cmp.system.tree import WorkTree
from tests.support.bumped_charts import chart, definition, newer, older, within
from tests.support.trees import plant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cmp.preview.bumps.opened import OpenedChart


def packed(files: Mapping[str, str], name: str = "part") -> bytes:
    """Return an archive of a chart's files."""
    stream = BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, BytesIO(text.encode()))
    return stream.getvalue()


def open_chart(files: Mapping[str, str]) -> OpenedChart:
    of = opened.of_archive(packed(files))
    assert of is not None
    return of


def compared_values(before: str, after: str) -> ComparedCharts:
    return compare(open_chart(chart("part", "1.0.0", before)), open_chart(chart("part", "2.0.0", after)))


def differences(before: str, after: str) -> list[tuple[str, str, object, object]]:
    found = compared_values(before, after).defaults
    return [(".".join(one.path), one.what, one.before, one.after) for one in found]


def test_two_versions_that_differ_in_everything() -> None:
    facts = compare(open_chart(older()), open_chart(newer()))
    assert [(".".join(one.path), one.what) for one in facts.defaults] == [
        ("auth", "removed"),
        ("image.tag", "changed"),
        ("metrics", "added"),
        ("motd", "changed"),
        ("persistence", "changed"),
        ("replicas", "changed"),
        ("resources", "removed"),
        ("tolerations", "changed"),
    ]
    assert [note.kind for note in facts.notes] == ["security", "removed", "added"]
    assert facts.notes[1].links == ("https://queue.example/upgrade#2",)
    assert (facts.deprecated, facts.has_security_updates, facts.kube_versions) == (
        "new",
        True,
        (">=1.19.0-0", ">=1.33.0-0"),
    )
    assert facts.remarks == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1\nb: {c: 2}\n", "b:\n  c: 2 # two\n# one\na: 1\n"),
        ("a: &x [1]\nb: *x\n", "a: [1]\nb: [1]\n"),
        ("a: 1\n---\nb: 2\n", "a: 1\n"),
        ("", "# nothing\n"),
    ],
    ids=["order and comments", "aliases", "a second document, which helm does not read", "empty"],
)
def test_the_same_defaults(before: str, after: str) -> None:
    assert differences(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a: 1", "a: true", [("a", "changed", 1, True)]),
        ("a: {}", "a: {b: 1}", [("a.b", "added", None, 1)]),
        ("a: {b: 1}", "a:", [("a", "changed", {"b": 1}, None)]),
        ("a:", "{}", [("a", "removed", None, None)]),
        ("a: [1, 2]", "a: [2, 1]", [("a", "changed", [1, 2], [2, 1])]),
        ("a.b: 1", "a: {b: 1}", [("a", "added", None, {"b": 1}), ("a.b", "removed", 1, None)]),
    ],
)
def test_other_defaults(before: str, after: str, expected: list[tuple[str, str, object, object]]) -> None:
    assert differences(before, after) == expected


def test_a_subchart_that_goes_takes_its_key_along() -> None:
    with_store = {**chart("part", "1.0.0", "a: 1\n"), **within("charts/store", chart("store", "3.0.0", "size: 1Gi\n"))}
    facts = compare(open_chart(with_store), open_chart(chart("part", "2.0.0", "a: 1\n")))
    assert [(one.path, one.what) for one in facts.defaults] == [(("store",), "removed")]


class TestWhatCannotBeRead:
    """The bump is told all the same."""

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ("a: [1", "is not YAML (line 2)"),
            ("- a", "is no map"),
            ("a: " + "x" * (compared.MAX_VALUES + 1), "is larger than 4 MiB"),
        ],
        ids=["broken", "list", "huge"],
    )
    def test_default_values(self, values: str, reason: str) -> None:
        facts = compared_values("a: 1\n", values)
        assert facts.defaults == ()
        assert facts.remarks == (f"its default values are not compared: values.yaml of `2.0.0` {reason}",)

    def test_a_bomb_of_aliases(self) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]
        facts = compared_values("a: 1\n", "\n".join(lines))
        assert facts.remarks == ("its default values are not compared: values.yaml of `2.0.0` is not YAML (line 4)",)

    def test_more_defaults_than_anybody_lists(self) -> None:
        many = "".join(f"k{number}: 1\n" for number in range(compared.MAX_DEFAULTS + 1))
        facts = compared_values("a: 1\n", f"a: 1\n{many}")
        assert len(facts.defaults) == compared.MAX_DEFAULTS
        assert facts.remarks == ("more than 5,000 default values differ; the others are not listed",)

    def test_a_definition(self) -> None:
        broken = {**chart("part", "2.0.0"), "crds/a.yaml": "a: [1\n---\nkind: Other\nmetadata: {name: x}\n"}
        facts = compare(open_chart(chart("part", "1.0.0")), open_chart(broken))
        assert facts.definitions == ()
        assert facts.remarks == ("`crds/a.yaml` is not compared: it is not YAML",)


class TestNotes:
    @staticmethod
    def notes(annotation: object, before: str = "1.0.0", after: str = "2.0.0") -> ComparedCharts:
        annotations = {"artifacthub.io/changes": annotation}
        return compare(open_chart(chart("part", before)), open_chart(chart("part", after, annotations=annotations)))

    def test_a_list_of_texts(self) -> None:
        assert self.notes("- one\n- |\n  two\n  lines\n- 3\n").notes == (
            ChartNote("", "one"),
            ChartNote("", "two lines"),
            ChartNote("", "3"),
        )

    @pytest.mark.parametrize("annotation", ["kind: added", "- [", "- " + "x" * compared.MAX_ANNOTATION, {"a": 1}])
    def test_what_is_no_list(self, annotation: object) -> None:
        facts = self.notes(annotation)
        assert facts.notes == ()
        assert facts.remarks == ("its list of changes (`artifacthub.io/changes` of `2.0.0`) cannot be read",)

    def test_it_is_bounded(self) -> None:
        facts = self.notes(json.dumps([{"kind": "Fixed", "description": "y" * 900}, *["z"] * compared.MAX_NOTES]))
        assert len(facts.notes) == compared.MAX_NOTES
        assert facts.notes[0].kind == "fixed"
        assert len(facts.notes[0].text) == compared.MAX_TEXT
        assert facts.remarks == ("its list of changes has 201 entries; the first 200 are listed",)

    @pytest.mark.parametrize(
        ("before", "after", "is_next"),
        [
            ("1.0.0", "1.0.1", True),
            ("v1.0.0", "1.0.1", True),
            ("1.0.1", "1.0.0", True),
            ("1.0.0", "1.0.2", False),
            ("1.0.0", "1.1.0", False),
            ("1.0.0", "1.0.1-rc.1", False),
            ("1.0.0", "2.0.0", False),
        ],
    )
    def test_whether_a_version_may_lie_between(self, before: str, after: str, *, is_next: bool) -> None:
        assert self.notes("[a]", before, after).is_next is is_next

    def test_of_a_downgrade_those_of_the_newer_version_count(self) -> None:
        annotations = {"artifacthub.io/changes": "[undone]"}
        facts = compare(
            open_chart(chart("part", "1.10.0", annotations=annotations)), open_chart(chart("part", "1.9.0"))
        )
        assert (facts.noted, [note.text for note in facts.notes]) == ("1.10.0", ["undone"])


class TestDefinitions:
    @staticmethod
    def compared(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str, str]]:
        facts = compare(
            open_chart({**chart("part", "1.0.0"), **before}), open_chart({**chart("part", "2.0.0"), **after})
        )
        return [tuple(one) for one in facts.definitions]  # type: ignore[misc]

    def test_one_that_moves_to_another_file_is_the_same(self) -> None:
        text = definition("v1", stored="v1", served=("v1",))
        other = f"---\n{text}\n"
        assert self.compared({"crds/a.yaml": text}, {"crds/b.yaml": other}) == []

    def test_one_that_is_laid_out_otherwise_is_the_same(self) -> None:
        text = definition("v1", stored="v1", served=("v1",))
        assert self.compared({"crds/a.yaml": text}, {"crds/a.yaml": json.dumps(json.loads(text), indent=1)}) == []

    def test_versions_that_are_no_longer_served_and_stored(self) -> None:
        before = definition("v1alpha1", "v1", stored="v1alpha1", served=("v1alpha1", "v1"))
        after = definition("v1", stored="v1", served=("v1",)).replace("Namespaced", "Cluster")
        assert self.compared({"crds/a.yaml": before}, {"crds/a.yaml": after}) == [
            (
                "queues.queue.example",
                "changed",
                (
                    "no longer serves `v1alpha1`; no longer stores objects as `v1alpha1`; "
                    "its scope is no longer `Namespaced`"
                ),
            )
        ]

    def test_a_version_more_loses_nothing(self) -> None:
        before = definition("v1", stored="v1", served=("v1",))
        after = definition("v1", "v2", stored="v1", served=("v1", "v2"))
        assert self.compared({"crds/a.yaml": before}, {"crds/a.yaml": after}) == [
            ("queues.queue.example", "changed", "")
        ]

    def test_one_that_comes_and_one_that_goes(self) -> None:
        text = definition("v1", stored="v1", served=("v1",))
        assert self.compared({}, {"crds/a.yaml": text}) == [("queues.queue.example", "added", "")]
        assert self.compared({"crds/a.yaml": text}, {"crds/a.txt": text}) == [("queues.queue.example", "removed", "")]


class TestOpening:
    def test_an_archive_in_an_archive_in_a_folder(self, tmp_path: Path) -> None:
        files = within("app", chart("app", "0.1.0"))
        tree = plant(tmp_path, files)
        inner = packed(chart("deep", "3.0.0", "c: 1\n"), "deep")
        outer = packed(chart("part", "2.0.0"))
        stream = BytesIO()
        with tarfile.open(fileobj=BytesIO(outer)) as old, tarfile.open(fileobj=stream, mode="w:gz") as archive:
            for member in old:
                archive.addfile(member, old.extractfile(member))
            nested = tarfile.TarInfo("part/charts/deep-3.0.0.tgz")
            nested.size = len(inner)
            archive.addfile(nested, BytesIO(inner))
        (tmp_path / "app/charts").mkdir()
        (tmp_path / "app/charts/part-2.0.0.tgz").write_bytes(stream.getvalue())
        app = opened.of_folder(tree, "app")
        assert app is not None
        (part,) = app.subcharts
        (deep,) = part.chart.subcharts
        assert (app.folder, part.chart.folder, deep.chart.folder) == ("app", None, None)
        assert (part.key, deep.key, deep.chart.values) == ("part", "deep", b"c: 1\n")

    def test_two_versions_of_a_chart_under_two_aliases(self, tmp_path: Path) -> None:
        uses = [
            {"name": "part", "version": "^1.0.0", "alias": "old"},
            {"name": "part", "version": "~2.3", "alias": "new", "condition": "a.b, new.on", "tags": ["back"]},
        ]
        files = {
            **within("app", chart("app", "0.1.0", dependencies=uses)),
            **within("app/charts/one", chart("part", "1.4.0")),
            **within("app/charts/two", chart("part", "2.3.4")),
            **within("app/charts/_skipped", chart("part", "9.0.0")),
        }
        app = opened.of_folder(plant(tmp_path, files), "app")
        assert app is not None
        found = [(one.key, one.chart.version, one.chart.folder, one.conditions, one.tags) for one in app.subcharts]
        assert found == [
            ("old", "1.4.0", "app/charts/one", (), ()),
            ("new", "2.3.4", "app/charts/two", (("a", "b"), ("new", "on")), ("back",)),
        ]
        assert app.read_keys == {("a", "b"), ("new", "on"), ("tags", "back")}

    @pytest.mark.parametrize("text", ["", "a: [", "name: x\n", "- 1\n"])
    def test_what_is_no_chart(self, text: str, tmp_path: Path) -> None:
        assert opened.of_archive(packed({"Chart.yaml": text})) is None
        (tmp_path / "Chart.yaml").write_text(text)
        assert opened.of_folder(WorkTree(str(tmp_path)), "") is None

    def test_what_is_no_archive(self) -> None:
        assert opened.of_archive(b"nothing") is None

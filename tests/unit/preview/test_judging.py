"""Both sides of a pair are judged by what their own trees say, and only where something can be new."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from cmp.errors import ConfigError
from cmp.findings import Finding, Unjudged
from cmp.preview import judging
from cmp.preview.affected import find_impact
from cmp.preview.comparison import Comparer
from cmp.preview.judging import Forms, Judging, checks_of
from cmp.preview.sides import Side
from cmp.preview.worker import Worker
from cmp.render.pipeline import RenderOptions
from cmp.repository.config.model import Checks, SkippedFinding
from cmp.repository.git import changed
from tests.support.monorepos import git_tree
from tests.support.objects import objects
from tests.support.outcomes import config, deployment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cmp.changes import Object
    from cmp.context import Context
    from cmp.system.tree import Tree

FILE = "namespaces/web/all.yaml"
CRD = """
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec: {group: example.com, names: {kind: Widget}}
"""
WIDGET = """
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: one}
"""


class FakeDefinitions(NamedTuple):
    """The names of definitions."""

    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, found: Iterable[Object]) -> FakeDefinitions:
        return cls(frozenset(one.identity.name for one in found))

    @classmethod
    def read(cls, tree: Tree, folders: Sequence[str]) -> FakeDefinitions:
        if any(tree.kind(folder) != "folder" for folder in folders):
            raise ConfigError("there is no such folder")
        return cls(frozenset(entry.name for folder in folders for entry in tree.entries(folder)))

    def over(self, other: FakeDefinitions) -> FakeDefinitions:
        return FakeDefinitions(self.names | other.names)


class FakeJudged(NamedTuple):
    """The answer of a judge."""

    findings: tuple[Finding, ...]
    unjudged: tuple[Unjudged, ...]
    custom: tuple[Object, ...]


class FakeJudge:
    """A judge that refuses the value `bad` in data, and every ConfigMap from Kubernetes 1.34 on; no real one does."""

    asked: list[str]

    def __init__(self, version: str, api_versions: Sequence[str], definitions: FakeDefinitions | None = None) -> None:
        del api_versions
        self._version, self._definitions = version, definitions

    def judge(self, judged: Sequence[Object]) -> FakeJudged:
        findings, custom = [], []
        for one in judged:
            self.asked.append(one.identity.name)
            if one.identity.kind == "Widget" and "widgets.example.com" not in (self._definitions or ((),))[0]:
                custom.append(one)
            data = one.value.get("data")
            for key, value in data.items() if isinstance(data, dict) else ():
                if value.startswith("bad"):
                    message = f"is `{value}`"
                    findings.append(Finding("value", "error", "v1", one.identity, ("data", key), message))
            if one.identity.kind == "ConfigMap" and self._version == "1.34":
                findings.append(Finding("unknown-kind", "error", "v1", one.identity, (), "is not served by 1.34"))
        unjudged = () if self._version else (Unjudged("the version is not known", len(judged)),)
        return FakeJudged(tuple(findings), unjudged, tuple(custom))


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of all objects that are judged."""
    names: list[str] = []
    monkeypatch.setattr(FakeJudge, "asked", names, raising=False)
    monkeypatch.setattr(judging, "Judge", FakeJudge)
    monkeypatch.setattr(judging, "Definitions", FakeDefinitions)
    return names


def _side(version: str = "1.33", more: str = "", **files: str) -> Side:
    text = f'version: 1\nclusters: {{dev: {{kubeVersion: "{version}"}}}}\n{more}'
    return Side(git_tree({"cmp.yaml": text, "clusters/dev/web/.keep": "", FILE: config("a: b"), **files}))


def _forms(text: str) -> Forms:
    found = tuple(objects(text))
    return Forms(found, found)


def _judged(
    before: str,
    after: str,
    sides: tuple[Side, Side] | None = None,
    checks: Checks = Checks(),  # noqa: B008
) -> judging.JudgedPair:
    base, head = sides or (_side(), _side())
    return Judging(base, head, checks).judged("dev", _forms(before), _forms(after), (), str)


def test_only_what_changes_is_judged(asked: list[str]) -> None:
    old = deployment() + config("a: bad")
    found = _judged(old, old.replace("replicas: 3", "replicas: 4") + config("a: bad", name="more"))
    assert sorted(asked) == ["more", "web", "web"]
    assert [one.identity.name for one in found.new] == ["more"]


def test_another_version_of_the_cluster_judges_everything_anew() -> None:
    text = config("a: b")
    assert _judged(text, text, (_side("1.33"), _side("1.34"))).new
    assert _judged(text, text, (_side("1.34"), _side("1.33"))).fixed
    assert _judged(text, text, (_side("1.34"), _side("1.34"))) == judging.JudgedPair()


def test_what_the_older_side_has_is_old_and_what_it_alone_has_is_fixed() -> None:
    assert not _judged(config("a: bad"), config("a: bad, c: d")).new
    assert _judged(config("a: bad"), config("a: good")).fixed


def test_objects_without_a_name_of_their_own_are_all_judged(asked: list[str]) -> None:
    same = config("a: bad", name="x")
    _judged(same + same, same + same)
    assert asked == ["x"] * 4


def test_custom_kinds_are_judged_by_the_definitions_of_the_pair_and_of_folders() -> None:
    unknown = (Unjudged("Widget.example.com: a kind of which no CRD is known", 1),)
    assert _judged("", WIDGET).unjudged == unknown
    assert _judged("", WIDGET + CRD).unjudged == ()
    checks = Checks(("crds",))
    assert _judged("", WIDGET, (_side(), _side(**{"crds/other": ""})), checks).unjudged == unknown
    assert _judged("", WIDGET, (_side(), _side(**{"crds/widgets.example.com": ""})), checks).unjudged == ()


def test_a_definition_that_comes_judges_what_was_there_before(asked: list[str]) -> None:
    _judged(WIDGET, WIDGET + CRD)
    assert "one" in asked


def test_a_folder_that_is_missing_is_an_error_on_the_newer_side_alone() -> None:
    whole = _side(**{"crds/widgets.example.com": ""})
    Judging(_side(), whole, Checks(("crds",)))
    with pytest.raises(ConfigError, match="no such folder"):
        Judging(whole, _side(), Checks(("crds",)))


def test_findings_that_are_expected_count_on_neither_side() -> None:
    checks = Checks(skip=(SkippedFinding("known", rule="value", object="settings"),))
    assert _judged("", config("a: bad"), checks=checks) == judging.JudgedPair()
    assert _judged(config("a: bad"), "", checks=checks) == judging.JudgedPair()
    assert _judged("", config("a: bad", name="other"), checks=checks).new


def test_a_cluster_of_unknown_version_is_said() -> None:
    sides = _side("1.33"), _side("1.33")
    found = Judging(*sides, Checks()).judged("elsewhere", Forms(), _forms(config("a: b")), (), str)
    assert found.unjudged == (Unjudged("the version is not known", 1),)


# Whether a comparison judges


def test_a_block_in_the_newer_configuration_or_an_option_asks_for_it() -> None:
    without, given = _side(), _side(more="checks: {}\n")
    skipping = _side(more="checks: {skip: [{rule: value, reason: known}]}\n")
    assert checks_of(given, without, is_asked=False, is_untrusted=False) is None
    assert checks_of(without, given, is_asked=False, is_untrusted=False) == Checks(is_given=True)
    assert checks_of(without, without, is_asked=True, is_untrusted=False) == Checks()
    assert checks_of(given, skipping, is_asked=False, is_untrusted=True) == Checks(is_given=True)
    assert checks_of(without, skipping, is_asked=False, is_untrusted=True) is None


def test_another_version_reaches_pairs_whose_renders_do_not_see_it() -> None:
    own = {"cmp-app.yaml": "engine: helm\nhelm: {kubeVersion: '1.30'}\n", "Chart.yaml": "name: api\nversion: 1.0.0\n"}
    files = {"clusters/dev/api/.keep": "", **{f"namespaces/api/{name}": text for name, text in own.items()}}
    base, head = _side("1.33", **files), _side("1.34", **files)
    impacts = [find_impact(base, head, ["cmp.yaml"], is_judged=is_judged).touched for is_judged in (False, True)]
    affected = [{pair.subject.app: pair.inputs[0].how for pair in touched if pair.is_affected} for touched in impacts]
    seen = {"web": "Kubernetes version 1.33 -> 1.34"}
    assert affected == [seen, {**seen, "api": "judged by Kubernetes version 1.33 -> 1.34"}]


def test_files_that_objects_are_judged_by_belong_to_the_repository(context: Context) -> None:
    more = "checks: {schemas: [crds], policies: [rules]}\n"
    base, head = (_side(more=more, **{"crds/a.yaml": text, "rules/b.yaml": text, "other.txt": text}) for text in "ab")
    paths = changed(base.tree, head.tree)
    found = Comparer((), (), "main", is_untrusted=False, context=context).compare(base.tree, head.tree, [*paths])
    assert [file.path for file in found.impact.unowned] == ["other.txt"]
    assert found.checks is not None
    assert judging.changed_folders(base, head, found.checks) == ("crds", "rules")


# In a worker


@pytest.mark.no_tools
def test_a_worker_masks_what_it_finds(context: Context) -> None:
    secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: login}\ndata: {password: bad-secret-1}\n"
    sides = _side(), _side(**{FILE: config("a: b") + secret})
    compared = Comparer((), (), "main", is_untrusted=False, context=context, is_checked=True).compare(
        sides[0].tree, sides[1].tree, [FILE]
    )
    assert compared.checks == Checks()
    worker = Worker(
        *compared[:2],
        context,
        RenderOptions(is_keyless=True),
        rules=(),
        key=b"k" * 32,
        judging=Judging(*compared[:2], compared.checks),
    )
    result = worker.compare(compared.impact.touched[0])
    (found,) = result.outcome.findings
    assert (found.identity.name, found.path) == ("login", ("data", "password"))
    assert "bad-secret-1" not in repr(result)

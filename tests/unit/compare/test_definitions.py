"""One line in place of the hunks of a CustomResourceDefinition."""

from __future__ import annotations

import pytest

from cmp.changes import Field
from cmp.compare.definitions import summary
from cmp.compare.fields import differences
from tests.support.objects import matched

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.test}
spec: {versions: [{name: v1, served: true, schema: {type: object}}]}
"""


def _summary(before: str, after: str) -> str:
    definition = matched(before, after)
    if definition.before is None:
        return summary(definition, [Field((), "added", None, definition.newest.value)])
    return summary(definition, differences(definition.before.value, definition.newest.value))


def test_changed_lines_of_the_schema_are_counted() -> None:
    wider = CRD.replace("type: object", "type: object, required: [a, b]")
    assert _summary(CRD, wider) == "schema of widgets.example.test, +3 \N{MINUS SIGN}0 lines, versions unchanged"


def test_other_versions_are_named() -> None:
    more = CRD.replace("versions: [", "versions: [{name: v2}, ")
    assert _summary(CRD, more).endswith("lines, versions v1 → v2, v1")


def test_a_new_definition_has_its_versions() -> None:
    assert _summary("", CRD) == "schema of widgets.example.test, +10 \N{MINUS SIGN}0 lines, versions v1"


def test_a_label_is_shown_as_any_other() -> None:
    assert _summary(CRD, CRD.replace("test}", "test, labels: {team: shop}}")) == ""


@pytest.mark.parametrize("other", [CRD.replace("CustomResourceDefinition", "Widget"), CRD.replace(".k8s.io", ".test")])
def test_other_kinds_and_groups_have_hunks(other: str) -> None:
    assert _summary(other, other.replace("type: object", "type: array")) == ""

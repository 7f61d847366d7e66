"""The limits of gator: constraints by which it cannot judge as the webhook does, told by the code of templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.checks.policies import limits
from tests.support.policies import (
    ASKED,
    CREATED,
    HOSTS,
    LATEST,
    OWNER,
    REPLICAS,
    REPOSITORIES,
    cel_template,
    constraint,
    read,
    template,
)

if TYPE_CHECKING:
    from pathlib import Path

ONLY_VAP = """
  enforcementAction: scoped
  scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: vap.k8s.io}]}]
"""
LIKE = 'package a\nviolation[{"msg": "a"}] { %s }\n'
CEL = 'validations: [{expression: "%s"}]'
ON_UPDATE = "has(request.operation) && request.operation == 'UPDATE' || object.a == 1"


def reason(root: Path, manifest: str, spec: str = "{}") -> str:
    policies = read(root, manifest, constraint("Kind", spec=spec))
    return limits.reason(policies.templates[0], policies.constraints[0])


@pytest.mark.parametrize(
    "rego",
    [
        *(OWNER, LATEST, REPOSITORIES, HOSTS, CREATED),
        LIKE % 'input.review.operation != "DELETE"',
        LIKE % '"UPDATE" == input.review["operation"]',
        LIKE % "true # for any userInfo and oldObject",
        LIKE % 'input.review.object.spec.operations[_] == "CREATE"',
    ],
)
def test_a_creation_is_judged(rego: str, tmp_path: Path) -> None:
    assert reason(tmp_path, template("Kind", rego)) == ""


@pytest.mark.parametrize(
    ("rego", "words"),
    [
        (ASKED, "depend on who asks"),
        (LIKE % 'startswith(input.review.userInfo.username, "a#b")', "depend on who asks"),
        (LIKE % 'input.review.object.metadata.name == "#"; input.review.userInfo', "depend on who asks"),
        (LIKE % "input.review.oldObject.spec != input.review.object.spec", "depend on the object as it was"),
        (LIKE % 'input.review.operation == "CREATE"', "depend on the operation"),
        (LIKE % 'input.review["operation"] == "CREATE"', "depend on the operation"),
        (LIKE % '{"UPDATE"}[input.review.operation]', "depend on the operation"),
        (LIKE % "input.review.namespaceObject.metadata.labels.a", "read namespaceObject"),
        (LIKE % "input.review.dryRun", "read other parts of a request"),
        (LIKE % 'external_data({"provider": "a", "keys": []})', "ask a provider or a host"),
        (LIKE % 'http.send({"url": "a", "method": "GET"})', "ask a provider or a host"),
    ],
)
def test_what_only_a_request_has_is_not_judged(rego: str, words: str, tmp_path: Path) -> None:
    assert reason(tmp_path, template("Kind", rego)) == words


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (REPLICAS, ""),
        (CEL % ON_UPDATE, ""),
        (CEL % "request.operation == 'CREATE'", "depend on the operation"),
        (CEL % "request.userInfo.username == 'a'", "depend on who asks"),
        (CEL % "oldObject == null", "depend on the object as it was"),
        (CEL % "namespaceObject.metadata.name == 'a'", "read namespaceObject"),
    ],
)
def test_cel_is_told_alike(source: str, words: str, tmp_path: Path) -> None:
    assert reason(tmp_path, cel_template("Kind", source)) == words


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("{match: {source: Generated}}", "match objects that an ExpansionTemplate makes"),
        ("{match: {source: Original}}", ""),
        (ONLY_VAP, "have no action at the webhook"),
    ],
)
def test_a_constraint_may_be_for_others(spec: str, words: str, tmp_path: Path) -> None:
    assert reason(tmp_path, template("Kind"), spec) == words


@pytest.mark.parametrize(("operations", "words"), [("[UPDATE]", "judge no creation"), ("[CREATE]", ""), ('["*"]', "")])
def test_a_template_may_be_for_other_operations(operations: str, words: str, tmp_path: Path) -> None:
    manifest = template("Kind").replace("      rego:", f"      operations: {operations}\n      rego:")
    assert "operations" in manifest
    assert reason(tmp_path, manifest) == words


@pytest.mark.parametrize(
    "selector", ["{matchLabels: {env: prod}}", "{matchExpressions: [{key: env, operator: Exists}]}"]
)
def test_namespaces_are_selected_by_labels(selector: str, tmp_path: Path) -> None:
    assert selects_by_labels(tmp_path, selector)


@pytest.mark.parametrize("selector", ["{matchLabels: {kubernetes.io/metadata.name: shop}}", "{}"])
def test_namespaces_are_selected_by_their_name(selector: str, tmp_path: Path) -> None:
    assert not selects_by_labels(tmp_path, selector)


def selects_by_labels(root: Path, selector: str) -> bool:
    spec = f"{{match: {{namespaceSelector: {selector}}}}}"
    (found,) = read(root, template("Kind"), constraint("Kind", spec=spec)).constraints
    return limits.selects_by_labels(found)


def test_a_template_may_read_other_objects(tmp_path: Path) -> None:
    policies = read(tmp_path, template("Hosts", HOSTS), template("Owner"))
    assert [limits.is_referential(one) for one in policies.templates] == [True, False]

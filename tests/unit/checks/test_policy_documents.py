"""The folders of policies: templates, constraints and a Config count, all else is a mistake with file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.checks.policies import documents
from cmp.errors import ConfigError
from tests.support.policies import config, constraint, read, template
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
ONLY_AUDIT = """
  enforcementAction: scoped
  scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: audit.gatekeeper.sh}]}]
"""
SCOPED = """
  enforcementAction: scoped
  scopedEnforcementActions:
    - {action: warn, enforcementPoints: [{name: validation.gatekeeper.sh}, {name: audit.gatekeeper.sh}]}
    - {action: deny, enforcementPoints: [{name: %s}]}
"""


def mistakes(root: Path, *files: str) -> str:
    with pytest.raises(ConfigError) as error:
        read(root, *files)
    return "\n".join(error.value.lines())


def test_templates_and_constraints_have_the_places_where_they_stand(tmp_path: Path) -> None:
    policies = read(tmp_path, f"# ours\n{template('Owner')}---\n{constraint('Owner')}", constraint("Owner", "other"))
    assert [(one.kind, one.name, one.place) for one in policies.templates] == [("Owner", "owner", "policies/a.yaml:3")]
    assert [(one.rule, one.place, one.action) for one in policies.constraints] == [
        ("policy/Owner/it", "policies/a.yaml:23", "deny"),
        ("policy/Owner/other", "policies/b.yaml:2", "deny"),
    ]


@pytest.mark.parametrize(
    ("spec", "action"),
    [
        ("{}", "deny"),
        ("{enforcementAction: warn}", "warn"),
        ("{enforcementAction: dryrun}", "dryrun"),
        (SCOPED % "validation.gatekeeper.sh", "deny"),
        (SCOPED % '"*"', "deny"),
        (SCOPED % "audit.gatekeeper.sh", "warn"),
        (ONLY_AUDIT, ""),
    ],
)
def test_the_action_is_the_strongest_of_the_webhook(spec: str, action: str, tmp_path: Path) -> None:
    (found,) = read(tmp_path, template("Owner"), constraint("Owner", spec=spec)).constraints
    assert found.action == action


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("{enforcementAction: denny}", "enforcementAction is denny, not deny, warn, dryrun or scoped"),
        (
            "{enforcementAction: scoped}",
            (
                "enforcementAction is scoped, and spec.scopedEnforcementActions has no list of actions "
                "(deny, warn, dryrun) with their enforcementPoints"
            ),
        ),
    ],
)
def test_an_action_that_gatekeeper_does_not_know_is_a_mistake(spec: str, message: str, tmp_path: Path) -> None:
    found = mistakes(tmp_path, template("Owner"), constraint("Owner", spec=spec))
    assert found == f"cmp: {message}\n  where: policies/b.yaml:2"


def test_all_else_is_a_mistake_and_all_are_said_at_once(tmp_path: Path) -> None:
    said = mistakes(
        tmp_path,
        POD,
        f"{template('Owner')}---\n{template('Owner')}",
        f"{constraint('Owner')}---\n{constraint('Owner')}---\n{constraint('Ownr', 'late')}",
        f"{config('kube-*', '*')}---\n{config('kube-*', '*')}",
        "apiVersion: templates.gatekeeper.sh/v1\nkind: ConstraintTemplate\nmetadata: {name: a}\n",
        "apiVersion: constraints.gatekeeper.sh/v1beta1\nkind: Owner\n",
        "- a list\n",
    )
    kinds = (
        "is no policy; these folders hold ConstraintTemplates, constraints (constraints.gatekeeper.sh) and the Config "
        "of Gatekeeper alone"
    )
    assert said.splitlines() == [
        "cmp: 8 mistakes in the configuration",
        f"  policies/a.yaml:2: Pod {kinds}",
        "  policies/b.yaml:22: the ConstraintTemplate of Owner is already in policies/b.yaml:2",
        "  policies/c.yaml:7: Owner it is already in policies/c.yaml:2",
        "  policies/c.yaml:12: there is no ConstraintTemplate of the kind Ownr",
        "  policies/d.yaml:7: the Config is already in policies/d.yaml:2",
        "  policies/e.yaml:2: this ConstraintTemplate has no spec.crd.spec.names.kind",
        "  policies/f.yaml:2: this Owner has no name",
        f"  policies/g.yaml:1: a document without a kind {kinds}",
    ]


def test_what_is_no_yaml_is_a_mistake(tmp_path: Path) -> None:
    assert "this is not YAML" in mistakes(tmp_path, "a: [\n")


def test_a_config_of_another_name_is_none_for_gatekeeper(tmp_path: Path) -> None:
    said = mistakes(tmp_path, config("kube-*", "*").replace("name: config", "name: mine"))
    assert said.splitlines() == [
        "cmp: Gatekeeper reads the Config with the name config, not mine",
        "  where: policies/a.yaml:2",
    ]


@pytest.mark.parametrize(
    ("processes", "excluded"),
    [(("*",), ("kube-*", "a")), (("webhook", "audit"), ("kube-*", "a")), (("audit",), ()), (("sync",), ())],
)
def test_the_webhook_passes_what_is_excluded_for_it(
    processes: tuple[str, ...], excluded: tuple[str, ...], tmp_path: Path
) -> None:
    assert read(tmp_path, config('"kube-*", a', *processes)).excluded == excluded


def test_files_of_other_kinds_are_not_read_and_a_missing_folder_is_a_mistake(tmp_path: Path) -> None:
    tree = plant(tmp_path, {"policies/README.md": "# a: [", "policies/deep/a.yml": template("Owner")})
    assert len(documents.read(tree, ["policies", "policies/deep"]).templates) == 1
    with pytest.raises(ConfigError) as error:
        documents.read(tree, ["polices"])
    assert error.value.lines() == [
        "cmp: there is no such folder",
        "  where: polices",
        "  hint: `checks.policies` of cmp.yaml names it",
    ]

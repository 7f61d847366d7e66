"""Policies on the objects of a cluster, judged by the real gator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.errors import ConfigError, ToolError
from cmp.findings import Unjudged
from tests.support.policies import (
    ASKED,
    CREATED,
    HOSTS,
    LATEST,
    REPOSITORIES,
    SECRETS,
    WEB,
    Judge,
    cel_template,
    config,
    constraint,
    template,
)

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.findings import Finding

OWNED = "{match: {kinds: [{apiGroups: [apps], kinds: [Deployment]}]}, parameters: {labels: [owner]}}"
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
"""
SHOP = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {env: prod}}\n"
KEY = "hunter2-of-the-shop"


@pytest.fixture
def gator(tmp_path: Path, tools_dir: str) -> Judge:
    return Judge(tmp_path, tools_dir)


def told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    """Return the object, the level and the message of each finding."""
    return [(f"{one.identity.kind}/{one.identity.name}", one.level, one.message) for one in findings]


def test_what_a_policy_denies_is_an_error_with_the_constraints_place(gator: Judge) -> None:
    (found,) = gator.findings(WEB, template("Owner"), constraint("Owner", "teams", OWNED))
    assert (found.rule, found.level) == ("policy/Owner/teams", "error")
    assert (found.api_version, *found.identity) == ("apps/v1", "apps", "Deployment", "shop", "web")
    assert found.message == "is denied: it has no label owner (policies/b.yaml:2)"


def test_what_no_policy_denies_is_no_finding(gator: Judge) -> None:
    owned = WEB.replace("namespace: shop", "namespace: shop, labels: {owner: a}")
    assert gator.findings(owned, template("Owner"), constraint("Owner", spec=OWNED)) == []


def test_the_action_decides_how_much_a_violation_matters(gator: Judge) -> None:
    actions = ("deny", "warn", "dryrun")
    constraints = [constraint("Latest", one, f"{{enforcementAction: {one}}}") for one in actions]
    assert told(gator.findings(WEB, template("Latest", LATEST), *constraints)) == [
        ("Deployment/web", "error", "is denied: container web has the tag latest (policies/b.yaml:2)"),
        (
            *("Deployment/web", "note"),
            "violates a policy that only counts: container web has the tag latest (policies/d.yaml:2)",
        ),
        ("Deployment/web", "warning", "is taken with a warning: container web has the tag latest (policies/c.yaml:2)"),
    ]


def test_a_scoped_action_is_that_of_the_webhook(gator: Judge) -> None:
    """The program by itself passes constraints that do not name its own enforcement point."""
    scoped = """
  enforcementAction: scoped
  scopedEnforcementActions:
    - {action: deny, enforcementPoints: [{name: %s}]}
"""
    judgement = gator.judgement(
        [WEB],
        template("Latest", LATEST),
        constraint("Latest", "asked", scoped % "validation.gatekeeper.sh"),
        constraint("Latest", "audited", scoped % "audit.gatekeeper.sh"),
    )
    assert [one.rule for one in judgement.findings[0]] == ["policy/Latest/asked"]
    assert judgement.unjudged == (Unjudged("policies that have no action at the webhook: Latest/audited", 1),)


def test_parameters_reach_the_policy(gator: Judge) -> None:
    spec = "{parameters: {repositories: [%s]}}"
    files = template("Repositories", REPOSITORIES), constraint("Repositories", spec=spec % "registry.example.com/")
    assert [one.message for one in gator.findings(WEB, *files)] == [
        "is denied: image docker.example.com/web:latest is from elsewhere (policies/b.yaml:2)"
    ]


def test_cel_is_judged_as_rego_is(gator: Judge) -> None:
    (found,) = gator.findings(WEB, cel_template("Replicas"), constraint("Replicas"))
    assert found.message == "is denied: there are 5 of it (policies/b.yaml:2)"


def test_a_creation_is_judged_and_what_a_request_alone_has_is_not(gator: Judge) -> None:
    judgement = gator.judgement(
        [WEB], template("Created", CREATED), template("Asked", ASKED), constraint("Created"), constraint("Asked")
    )
    assert [one.rule for one in judgement.findings[0]] == ["policy/Created/it"]
    assert judgement.unjudged == (Unjudged("policies that depend on who asks: Asked/it", 1),)


def test_each_pair_gets_its_own_findings_and_equal_objects_theirs(gator: Judge) -> None:
    other = WEB.replace("name: web", "name: api")
    judgement = gator.judgement([WEB, f"{other}---{WEB}", ROLE], template("Latest", LATEST), constraint("Latest"))
    assert [[one.identity.name for one in findings] for findings in judgement.findings] == [["web"], ["api", "web"], []]


def test_objects_of_one_name_that_differ_are_told_apart(gator: Judge) -> None:
    judgement = gator.judgement([WEB, WEB.replace(":latest", ":1.2")], template("Latest", LATEST), constraint("Latest"))
    assert [len(findings) for findings in judgement.findings] == [1, 0]


@pytest.mark.parametrize(
    ("match", "names"),
    [
        ("{namespaceSelector: {matchLabels: {env: prod}}}", ["shop", "web", "reader"]),
        ("{namespaceSelector: {matchLabels: {env: test}}}", ["reader"]),
        ("{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}", ["shop", "web", "reader"]),
        ("{namespaces: [shop]}", ["shop", "web", "reader"]),
        ("{namespaces: [other]}", ["reader"]),
        ("{excludedNamespaces: [sh*]}", ["reader"]),
        ("{scope: Cluster}", ["shop", "reader"]),
        ("{scope: Namespaced}", ["web"]),
        ("{kinds: [{kinds: [ClusterRole]}], scope: Cluster}", ["reader"]),
        ("{kinds: [{kinds: [Deployment]}], namespaceSelector: {matchLabels: {env: prod}}}", ["web"]),
        ("{labelSelector: {matchLabels: {env: prod}}, scope: '*'}", ["shop"]),
    ],
)
def test_a_constraint_matches_as_at_the_webhook(match: str, names: list[str], gator: Judge) -> None:
    """The webhook compares no namespace with objects of the cluster; the program by itself takes an empty one."""
    spec = f"{{match: {match}, parameters: {{labels: [owner]}}}}"
    found = gator.findings(f"{SHOP}---{WEB}---{ROLE}", template("Owner"), constraint("Owner", spec=spec))
    assert [one.identity.name for one in found] == names
    assert {one.level for one in found} <= {"error"}


def test_a_namespace_that_nothing_renders_has_its_name_and_no_other_label(gator: Judge) -> None:
    match = "{match: {namespaceSelector: {matchExpressions: [{key: env, operator: NotIn, values: [test]}]}}}"
    by_name = "{match: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}}}"
    judgement = gator.judgement(
        [WEB], template("Latest", LATEST), constraint("Latest", "all", match), constraint("Latest", "one", by_name)
    )
    assert told([*judgement.findings[0]]) == [
        (
            *("Deployment/web", "warning"),
            (
                "may be denied: container web has the tag latest (policies/b.yaml:2; the labels of namespace shop are "
                "not known)"
            ),
        ),
        ("Deployment/web", "error", "is denied: container web has the tag latest (policies/c.yaml:2)"),
    ]
    assert judgement.notes == (
        (
            "no application here renders the namespaces shop: policies that select namespaces by labels know nothing "
            "but their name (Latest/all)"
        ),
    )


def test_namespaces_that_gatekeeper_leaves_out_are_left_out(gator: Judge) -> None:
    ignored = SHOP.replace("env: prod", "admission.gatekeeper.sh/ignore: a").replace("shop", "free")
    free, own, system = (
        WEB.replace("namespace: shop", f"namespace: {name}") for name in ("free", "gatekeeper-system", "kube-system")
    )
    judgement = gator.judgement(
        [f"{ignored}---{free}---{own}---{system}---{WEB}"],
        template("Owner"),
        constraint("Owner", spec="{parameters: {labels: [owner]}}"),
        config('"kube-*"', "webhook"),
    )
    assert [one.identity.namespace for one in judgement.findings[0]] == ["shop"]
    assert judgement.unjudged == (Unjudged("objects in namespaces that Gatekeeper leaves out", 4),)


def test_a_namespace_that_only_audits_pass_is_judged(gator: Judge) -> None:
    assert gator.findings(WEB, template("Latest", LATEST), constraint("Latest"), config("shop", "audit"))


def test_rendered_policies_are_no_policies_of_this_repository(gator: Judge) -> None:
    """The program by itself would judge by them, and fail on a constraint without a template."""
    rendered = f"{constraint('Unknown')}---\n{template('Latest', LATEST)}"
    judgement = gator.judgement([rendered], template("Owner"), constraint("Owner", spec="{parameters: {labels: [a]}}"))
    assert judgement.findings == ((),)
    assert judgement.unjudged == (Unjudged("objects that configure Gatekeeper itself", 2),)


def test_a_policy_that_reads_other_objects_knows_the_rendered_ones(gator: Judge) -> None:
    ingress = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %s, namespace: shop}
spec: {rules: [{host: shop.example.com}]}
"""
    judgement = gator.judgement(
        [ingress % "a", ingress % "b"], template("Hosts", HOSTS), constraint("Hosts", spec="{enforcementAction: deny}")
    )
    assert [told([*findings]) for findings in judgement.findings] == [
        [
            (
                f"Ingress/{name}",
                "warning",
                (
                    f"may be denied: host shop.example.com is that of {other} (policies/b.yaml:2; judged by the "
                    "rendered objects alone)"
                ),
            )
        ]
        for name, other in (("a", "b"), ("b", "a"))
    ]
    assert judgement.notes == (
        "of other objects of the cluster, the policies that read them know the rendered ones alone (Hosts/it)",
    )


def test_pods_that_a_workload_makes_are_said_to_be_judged_nowhere_here(gator: Judge) -> None:
    pods = "{match: {kinds: [{apiGroups: [''], kinds: [Pod]}]}, parameters: {labels: [owner]}}"
    pod = "\napiVersion: v1\nkind: Pod\nmetadata: {name: once, namespace: shop}\nspec: {containers: [{name: a}]}\n"
    judgement = gator.judgement([f"{WEB}---{pod}"], template("Owner"), constraint("Owner", spec=pods))
    assert [one.identity.name for one in judgement.findings[0]] == ["once"]
    assert judgement.unjudged == (Unjudged("workloads whose pods some policies match only once they are made", 1),)


def test_a_masked_secret_stays_masked_and_a_secret_in_a_message_is_masked(gator: Judge) -> None:
    gator.redactor.add(KEY)
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: shop}\n%s\n"
    findings = gator.findings(
        secret % f"data: {{a: ‹secret 1›}}\nstringData: {{b: {KEY}}}",
        template("Secrets", SECRETS),
        constraint("Secrets", spec="{}"),
    )
    assert [one.message for one in findings] == [
        "is denied: key a has the value ‹secret 1› (policies/b.yaml:2)",
        "is denied: key b has the value ‹secret› (policies/b.yaml:2)",
    ]


def test_a_template_that_does_not_compile_is_a_mistake_in_its_file(gator: Judge) -> None:
    with pytest.raises(ConfigError) as error:
        gator.findings(WEB, template("Owner"), template("Broken", 'package a\nviolation[{"msg": m}] { n = 1 }\n'))
    assert error.value.file == "policies/b.yaml:2"
    assert error.value.what.startswith("gator 3.23.1 refuses this policy: ")
    assert "m is unsafe" in error.value.what


def test_cel_that_does_not_compile_is_a_mistake_in_its_file(gator: Judge) -> None:
    """The program by itself says of each object that it is denied."""
    source = 'validations: [{expression: "objct.spec == 1", message: a}]'
    with pytest.raises(ConfigError) as error:
        gator.findings(WEB, cel_template("Broken", source), constraint("Broken"))
    assert error.value.file == "policies/a.yaml:2"
    assert "undeclared reference to 'objct'" in error.value.what


def test_a_template_of_another_name_than_its_kind_is_a_mistake_in_its_file(gator: Judge) -> None:
    with pytest.raises(ConfigError) as error:
        gator.findings(WEB, template("Owner").replace("name: owner", "name: other"))
    assert error.value.file == "policies/a.yaml:2"


def test_a_constraint_that_its_template_refuses_is_a_mistake_in_its_file(gator: Judge) -> None:
    strict = template("Owner").replace(
        "x-kubernetes-preserve-unknown-fields: true", "properties: {labels: {type: array, items: {type: string}}}"
    )
    with pytest.raises(ConfigError) as error:
        gator.findings(WEB, strict, constraint("Owner", spec="{parameters: {labels: owner}}"))
    assert error.value.file == "policies/b.yaml:2"
    assert "labels" in error.value.what


def test_what_the_program_says_instead_of_json_is_its_error(gator: Judge) -> None:
    with pytest.raises(ToolError) as error:
        gator.findings("apiVersion: ''\nkind: Thing\nmetadata: {name: a}\n", template("Owner"), constraint("Owner"))
    assert error.value.what.startswith("gator 3.23.1 cannot judge: auditing objects: ")

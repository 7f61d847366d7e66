"""Findings on versions of the API: removed, soon removed, deprecated; and the near misses beside each."""

from __future__ import annotations

import pytest

from cmp.checks.lifecycle import findings
from tests.support.objects import object_of, value_of

FLOWS = "flowcontrol.apiserver.k8s.io"
REMOVED, DEPRECATED = "removed-api", "deprecated-api"


def _findings(api_version: str, kind: str, kube_version: str, later: int = 2) -> list[tuple[str, str, str]]:
    subject = object_of(value_of(f"{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: it}}}}"))
    found = [*findings(subject, kube_version, later)]
    assert all(
        (finding.path, finding.identity, finding.api_version) == (("apiVersion",), subject.identity, api_version)
        for finding in found
    )
    return [(finding.rule, finding.level, finding.message) for finding in found]


def _budget(rule: str, level: str, text: str) -> tuple[str, str, str]:
    return rule, level, f"is `policy/v1beta1`, {text}: write `policy/v1`"


@pytest.mark.parametrize(
    ("kube_version", "expected"),
    [
        ("1.20", []),  # deprecated with the next release
        ("1.21", [_budget(DEPRECATED, "warning", "deprecated since Kubernetes 1.21 and no longer served by 1.25")]),
        ("1.22", [_budget(DEPRECATED, "warning", "deprecated since Kubernetes 1.21 and no longer served by 1.25")]),
        ("1.23", [_budget(REMOVED, "warning", "which Kubernetes 1.25 no longer serves")]),
        ("1.24.17", [_budget(REMOVED, "warning", "which Kubernetes 1.25 no longer serves")]),
        ("v1.25.0", [_budget(REMOVED, "error", "which Kubernetes has not served since 1.25")]),
        ("1.43", [_budget(REMOVED, "error", "which Kubernetes has not served since 1.25")]),
        ("", []),
        ("unknown", []),
    ],
)
def test_a_version_of_the_api_ends_step_by_step(kube_version: str, expected: list[tuple[str, str, str]]) -> None:
    assert _findings("policy/v1beta1", "PodDisruptionBudget", kube_version) == expected


def test_how_far_to_look_ahead_can_be_said() -> None:
    (warning,) = _findings("policy/v1beta1", "PodDisruptionBudget", "1.22", later=3)
    assert warning[:2] == (REMOVED, "warning")
    (warning,) = _findings("policy/v1beta1", "PodDisruptionBudget", "1.24", later=0)
    assert warning[:2] == (DEPRECATED, "warning")


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("policy/v1", "PodDisruptionBudget"),
        ("policy/v1beta1", "PodDisruptionBudgets"),
        ("policies.example.com/v1beta1", "PodDisruptionBudget"),  # a group whose name is like one of Kubernetes
        ("v1", "Pod"),
    ],
)
def test_what_has_no_known_end_has_no_finding(api_version: str, kind: str) -> None:
    assert _findings(api_version, kind, "1.43") == []


def test_removals_after_the_newest_schemas_are_known() -> None:
    assert _findings("certificates.k8s.io/v1beta1", "ClusterTrustBundle", "1.38") == [
        (
            REMOVED,
            "warning",
            "is `certificates.k8s.io/v1beta1`, which Kubernetes 1.40 no longer serves: write `certificates.k8s.io/v1`",
        )
    ]
    (error,) = _findings("lifecycle.k8s.io/v1alpha1", "Eviction", "1.43")
    reason = "which Kubernetes has not served since 1.43: no other version of this kind takes its place"
    assert error == (REMOVED, "error", f"is `lifecycle.k8s.io/v1alpha1`, {reason}")


def test_the_advice_is_what_the_cluster_serves_or_the_release_that_brings_it() -> None:
    (warning,) = _findings(f"{FLOWS}/v1beta2", "FlowSchema", "1.28")
    assert warning[2].endswith(f"write `{FLOWS}/v1beta3`")
    (error,) = _findings(f"{FLOWS}/v1beta2", "FlowSchema", "1.29")
    assert error[2].endswith(f"write `{FLOWS}/v1`")
    (warning,) = _findings("networking.k8s.io/v1alpha1", "IPAddress", "1.32")
    assert warning[2] == (
        "is `networking.k8s.io/v1alpha1`, which Kubernetes 1.33 no longer serves:"
        " write `networking.k8s.io/v1`, which Kubernetes 1.33 brings"
    )

"""Dangers of syncing: Argo CD's annotations, and versions of the API (test_dangers.py has every case)."""

from __future__ import annotations

import pytest

from cmp.changes import Danger
from cmp.compare.dangers.syncing import (
    annotation_items,
    has_option,
    hook_policy,
    is_always_recreated,
    is_hook,
    removed_api,
    sync_force,
    sync_replace,
)
from tests.support.objects import matched, object_of, value_of

PLAIN = "{apiVersion: batch/v1, kind: Job, metadata: {name: it, annotations: {}}}"
BOTH = "Force=true,Replace=true"


def _with(options: str, kind: str = "Job") -> str:
    annotations = f"{{argocd.argoproj.io/sync-options: '{options}'}}"
    return PLAIN.replace("annotations: {}", f"annotations: {annotations}").replace("kind: Job", f"kind: {kind}")


def test_items_of_an_annotation_stand_between_commas() -> None:
    subject = object_of(value_of("{metadata: {name: it, annotations: {b: ' x , ,y', c: z}}}"))
    assert annotation_items(subject.value, "a", "b", "c") == ("x", "y")  # the first that the object has
    assert annotation_items(subject.value, "a") == ()


@pytest.mark.parametrize(("options", "has_it"), [("Prune=false", True), (f"{BOTH}, Prune=false", True), (BOTH, False)])
def test_a_sync_option_is_one_of_several(options: str, *, has_it: bool) -> None:
    assert has_option(object_of(value_of(_with(options))), "Prune=false") is has_it


@pytest.mark.parametrize("kind", ["CustomResourceDefinition", "Namespace"])
def test_argo_cd_recreates_all_but_definitions_and_namespaces(kind: str) -> None:
    assert is_always_recreated(object_of(value_of(_with(BOTH))))
    assert not is_always_recreated(object_of(value_of(_with(BOTH, kind))))
    assert not is_always_recreated(object_of(value_of(_with("Force=true"))))


def test_replace_is_a_danger_when_it_is_new() -> None:
    assert [danger.rule for danger in sync_replace(matched(PLAIN, _with("Replace=true")))] == ["sync-replace"]
    assert list(sync_replace(matched(_with("Replace=true"), _with("Replace=true")))) == []


def test_force_deletes_where_it_cannot_patch_and_with_replace_always() -> None:
    (danger,) = sync_force(matched(PLAIN, _with("Force=true")))
    assert danger.text == "is from now on deleted and created again where it cannot be patched (`Force=true`)"
    (danger,) = sync_force(matched(_with(BOTH), _with(BOTH)))
    assert danger.text == "is deleted and created again, as `Force=true` and `Replace=true` say"
    assert list(sync_force(matched(_with("Force=true"), _with("Force=true")))) == []


def test_a_hook_is_deleted_at_another_time() -> None:
    hook = PLAIN.replace("annotations: {}", "annotations: {helm.sh/hook: pre-install}")
    after = hook.replace("pre-install}", "pre-install, helm.sh/hook-delete-policy: hook-succeeded}")
    assert is_hook(object_of(value_of(hook)))
    assert list(hook_policy(matched(hook, after))) == [
        Danger(
            "hook-policy", "is a pre-install hook whose delete policy changes from BeforeHookCreation to hook-succeeded"
        )
    ]


def test_a_removed_version_of_the_api_is_newly_written() -> None:
    old = PLAIN.replace("batch/v1", "batch/v1beta1").replace("Job", "CronJob")
    new = old.replace("v1beta1", "v1")
    assert list(removed_api(matched(new, old))) == [
        Danger("removed-api", "is written as `batch/v1beta1`, which Kubernetes 1.25 no longer has")
    ]
    assert list(removed_api(matched(old, new))) == []
    assert list(removed_api(matched(old, old))) == []

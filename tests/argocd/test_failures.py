"""Failures that come with a commit or an Application's own change are visible and harmless.

The condition says what, where and what to do; nothing is deleted or written, and no plaintext is anywhere.  What would
happen without us is in test_danger.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.argocd.applications import failed
from tests.argocd.caller import GENERATE_PATHS
from tests.argocd.faults import EMPTY, FAULTS, Fault
from tests.argocd.trees import PATH, VALUES
from tests.argocd.victim import CACHED, Victim, places
from tests.support import operations_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.argocd.world import ArgoCD


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_in_git_harms_nobody_and_the_commit_that_repairs_it_is_all_it_needs(
    argocd: ArgoCD, fault: Fault
) -> None:
    victim = Victim(argocd, f"fault-{fault.name}")

    victim.strike(fault.files)
    assert tuple(victim.fail()) == fault.lines
    victim.exhaust()

    victim.heal()
    victim.refresh()
    argocd.wait(victim.name)


@pytest.mark.every_argocd
def test_an_unknown_parameter_is_told_and_its_removal_is_all_it_needs(argocd: ArgoCD) -> None:
    victim = Victim(argocd, "fault-parameter", parameters={"cluster": "dev"})

    victim.strike()
    victim.parameters({"name": "clutser", "string": "dev"})
    argocd.wait(victim.name, failed("unknown parameter"))
    assert victim.fail() == [
        "cmp: unknown parameter `clutser`; did you mean `cluster`?",
        "  where: phase layout",
        "  hint: see operations.md#configuration",
    ]
    victim.exhaust()

    victim.parameters({"name": "cluster", "string": "dev"})
    argocd.wait(victim.name)


@pytest.mark.every_argocd
def test_a_part_of_the_repository_is_not_taken_for_all_of_it(argocd: ArgoCD) -> None:
    victim = Victim(argocd, "fault-part")
    victim.settle()

    with argocd.repo_server.process.changed("--plugin-use-manifest-generate-paths"):
        victim.settle()
        victim.annotate(GENERATE_PATHS, ".")
        victim.strike()
        assert victim.fail() == [
            (
                "cmp: only a part of the repository arrived: the working directory does not end in the source path "
                "clusters/dev/shop"
            ),
            "  where: phase layout",
            (
                f"  hint: name everything the application uses in the annotation {GENERATE_PATHS}, from the root: "
                "/cmp.yaml;/namespaces;/clusters in the reference layout, or / for everything; "
                "Argo CD keeps this error cached until a hard refresh; see operations.md#configuration"
            ),
        ]
        victim.exhaust()

        # An annotation is no part of the commit, under which Argo CD keeps what it knows.
        victim.annotate(GENERATE_PATHS, "/cmp.yaml;/namespaces;/clusters")
        assert CACHED in victim.refreshed_condition()
        victim.refresh(hard=True)
        argocd.wait(victim.name)
    victim.settle()


@pytest.mark.every_argocd
def test_what_the_annotation_does_not_name_changes_and_nothing_happens(argocd: ArgoCD) -> None:
    """Hold what docs/operations.md warns of: here there is no failure that could be told."""
    victim = Victim(argocd, "unwatched")
    victim.annotate(GENERATE_PATHS, f"/{PATH}")

    victim.repository.commit({VALUES: "greeting: bye\n"})
    assert victim.refreshed_condition() == ""
    assert argocd.wait(victim.name)["status"]["sync"]["revision"] == victim.repository.head
    assert argocd.kube.get("ConfigMap", "first-a", victim.name)["data"] == {"greeting": "hello"}

    named = re.search(f"{GENERATE_PATHS}: (.*)", operations_page.text())
    assert named
    victim.annotate(GENERATE_PATHS, named[1])
    victim.refresh(hard=True)
    argocd.wait(victim.name)
    assert argocd.kube.get("ConfigMap", "first-a", victim.name)["data"] == {"greeting": "bye"}

    victim.repository.commit({VALUES: "greeting: again\n"})
    victim.refresh()
    argocd.wait(victim.name)
    assert argocd.kube.get("ConfigMap", "first-a", victim.name)["data"] == {"greeting": "again"}


@pytest.mark.every_argocd
def test_the_commands_of_the_page_show_an_error_and_refresh(argocd: ArgoCD) -> None:
    victim = Victim(argocd, "operated")
    refresh, show, *_ = ([*_for(victim, words)] for words in operations_page.commands("kubectl") if "shop" in words)
    everything = next(words[1:] for words in operations_page.commands("kubectl") if "--all" in words)
    victim.strike(EMPTY.files)
    victim.fail()

    assert argocd.kube.kubectl(*show).endswith("\n".join([*EMPTY.lines, ""]))

    victim.heal()
    argocd.kube.kubectl(*refresh)
    argocd.wait(victim.name)
    assert f"application.argoproj.io/{victim.name} " in argocd.kube.kubectl(*everything, "--dry-run=server")


def _for(victim: Victim, words: list[str]) -> Iterator[str]:
    return (word.replace("shop", victim.name) for word in words[1:])


def test_a_rendered_secret_is_in_the_cluster_and_in_redis_and_nowhere_else(argocd: ArgoCD) -> None:
    Victim(argocd, "rendered")

    found = set(places(argocd, ["rendered-rendered"]))

    etcd = str(argocd.folder / "kubernetes/etcd")
    assert {place.partition(" ")[0] for place in found if not place.startswith(etcd)} == {"Redis"}
    assert any(place.startswith(etcd) for place in found)

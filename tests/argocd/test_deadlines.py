"""Whose deadline comes first, and what is then read in the condition of the Application, and in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.argocd.applications import application, condition, failed
from tests.argocd.ward import PHASES, SHOP, Ward, in_helm, last_word

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.argocd.sidecar import Sidecar
    from tests.argocd.world import ArgoCD
    from tests.support.interrupted_render import InterruptibleApplication

OURS = 5.0  # seconds: a healthy render has to be done by then
CALLERS = 3.0
ATTEMPTS = 3
HINT = "  hint: Argo CD keeps this error cached until a hard refresh; see operations.md#deadline"


@pytest.fixture(scope="module")
def hasty(argocd: ArgoCD) -> Iterator[Sidecar]:
    """Return a sidecar with a deadline that comes before Argo CD's; its private folders are in memory, as by default.

    It has one turn: whoever kept it would hold up everybody.
    """
    with argocd.sidecar("cmp-hasty", CMP_DEADLINE=f"{OURS:g}", CMP_TMPDIR="", CMP_RENDERS="1") as started:
        yield started


@pytest.fixture(scope="module")
def patient_one(argocd: ArgoCD) -> Iterator[Sidecar]:
    """Return a sidecar whose callers have lost their patience long before its deadline."""
    with argocd.sidecar("cmp-patient", CMP_TMPDIR="", CMP_RENDERS="1") as started:
        yield started


@pytest.mark.parametrize("phase", PHASES)
def test_ours_names_what_was_slow(
    phase: str, argocd: ArgoCD, hasty: Sidecar, patient: InterruptibleApplication, archives: Path
) -> None:
    ward = Ward(argocd, hasty, patient)
    name = f"hasty-{phase}"
    with PHASES[phase](ward, archives) as stop:
        argocd.apply(application(name, ward.repository.url, SHOP, plugin=hasty.name))
        shown = condition(argocd.wait(name, failed("cmp: ")))
        what = f"cmp: {stop.slow} when the deadline of {OURS:g} s passed"
        assert f"{what}\n  where: application shop, cluster dev, phase {phase}\n{HINT}" in shown
        ward.check_nothing_left()
    argocd.refresh(name)
    assert condition(argocd.wait(name)) == ""


@pytest.mark.parametrize("phase", PHASES)
def test_a_callers_leaves_time_for_a_last_word(
    phase: str, argocd: ArgoCD, patient_one: Sidecar, patient: InterruptibleApplication, archives: Path
) -> None:
    """argocd-cmp-server kills 100 ms before the caller gives up: what is said at once still reaches it."""
    ward = Ward(argocd, patient_one, patient)
    with PHASES[phase](ward, archives) as stop:
        said = f"failed signal: killed: {last_word(stop)}"
        answers: list[str] = []
        while not any(said in answer for answer in answers):
            assert len(answers) < ATTEMPTS, answers  # a busy machine may miss the 100 ms
            with ward.asked(deadline=CALLERS) as answer:
                answers.append(answer.result())
            ward.check_nothing_left()
        assert patient_one.process.log.read_text().count(f'`cmp generate` {said}" execID') == len(answers)


def test_the_controllers_is_such_a_callers(
    argocd: ArgoCD, patient_one: Sidecar, patient: InterruptibleApplication, archives: Path
) -> None:
    ward = Ward(argocd, patient_one, patient)
    with argocd.controller.changed(f"--repo-server-timeout-seconds={CALLERS:g}"):
        with in_helm(ward, archives) as stop:
            argocd.apply(application("impatient", ward.repository.url, SHOP, plugin=patient_one.name))
            argocd.wait("impatient", failed(last_word(stop)))
            ward.check_nothing_left()
        argocd.refresh("impatient")
        assert condition(argocd.wait("impatient")) == ""

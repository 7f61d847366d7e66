"""A proposal tried on its tree: what fails is left out, and said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.engines import ENGINES
from cmp.repository.config import ValuesPattern
from cmp.repository.scaffold import text
from cmp.repository.scaffold.proposal import Proposal
from cmp.repository.scaffold.trial import NOWHERE, Seen, Settled, Trial
from tests.support.trees import CHART, plant

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "charts/shop/Chart.yaml": CHART,
    "charts/shop/values-bergen.yaml": "a: 1\n",
    "charts/shop/values-turin.yaml": "a: 2\n",
}
WIDE = Proposal(apps=("charts/{app}",), values=(ValuesPattern("charts/{app}/values-*.yaml"),))


def settled(root: Path, proposal: Proposal, *, is_guess: bool = True) -> Settled:
    tree = Seen(plant(root, FILES))
    trial = Trial(tree, ENGINES, lambda one: text.write(one, {}, []), usual={}, is_guess=is_guess)
    return trial.settled(proposal)


def test_a_wildcard_over_alternatives_is_left_out_with_both_files_named(tmp_path: Path) -> None:
    note = (
        "the values files charts/{app}/values-*.yaml are left out: charts/shop/values-bergen.yaml and "
        "charts/shop/values-turin.yaml would be layers of one render"
    )
    assert settled(tmp_path, WIDE).proposal == WIDE._replace(values=(), notes=(note,))


def test_an_application_that_lists_both_files_has_both(tmp_path: Path) -> None:
    assert settled(tmp_path, WIDE, is_guess=False).proposal == WIDE


def test_an_empty_choice_of_instances_is_left_out(tmp_path: Path) -> None:
    proposal = WIDE._replace(values=(), instances=("clusters/{cluster}/{app}",), clusters={"turin": {}})
    found = settled(tmp_path, proposal._replace(values=(ValuesPattern("envs/{cluster}.yaml", optional=True),)))
    assert found.proposal.instances == ()
    assert found.proposal.notes == (NOWHERE,)
    assert [(pair.app, pair.cluster) for pair in found.pairs] == [("shop", "turin")]


def test_a_proposal_that_cannot_be_read_loses_what_makes_it_so(tmp_path: Path) -> None:
    found = settled(tmp_path, WIDE._replace(values=(), instances=("clusters/{app}",)))
    assert found.proposal.instances == ()
    assert [pair.app for pair in found.pairs] == ["shop"]
    assert found.proposal.notes[0].startswith("the instances clusters/{app} are left out: `clusters/{app}` does not ")

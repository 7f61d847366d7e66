"""A layout beside the Applications that it should express: what differs is told, never passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.engines import ENGINES
from cmp.repository.instances import Repository
from cmp.repository.scaffold.applications import Proposed
from cmp.repository.scaffold.applications.owners import OwnedPair
from cmp.repository.scaffold.compared import PROOF, compare
from cmp.repository.scaffold.proposal import Proposal
from cmp.repository.scaffold.wanted import Wanted, WantedPair, WantedValues
from cmp.system.tree import WorkTree
from tests.support.trees import CHART, plant

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

FILES = ("apps/shop/a.yaml", "apps/shop/b.yaml")
LAYOUT = """\
version: 1
layout: {apps: "apps/{app}", instances: "", values: ["apps/{app}/a.yaml", "apps/{app}/b.yaml"], namespace: web}
"""
SHOP = WantedPair(
    "shop-live",
    "argo.yaml:1",
    path="apps/shop",
    values=tuple(map(WantedValues, FILES)),
    release="shop-live",
    namespace="web",
    kind="helm",
)
EXACT = "1 of 1 Applications are expressed exactly by this layout"
NOT = EXACT.replace("1 of", "0 of")


def lines(tmp_path: Path, pair: WantedPair, text: str = LAYOUT) -> list[str]:
    plant(tmp_path, {"cmp.yaml": text, "apps/shop/Chart.yaml": CHART, **dict.fromkeys(FILES, "a: 1\n")})
    repository = Repository(WorkTree(str(tmp_path)), ENGINES)
    owned = OwnedPair(pair, "shop", "", "apps/shop", "apps/{app}")
    return [*compare(repository, Proposed(Proposal(("apps/{app}",)), (owned,), ()), Wanted((pair,))).lines()]


def test_an_equal_pair_is_exact(tmp_path: Path) -> None:
    assert lines(tmp_path, SHOP) == [EXACT, PROOF]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"values": (WantedValues(FILES[1]), WantedValues(FILES[0]))},
            f"values files in another order: Argo CD has {FILES[1]}, {FILES[0]}, the layout {FILES[0]}, {FILES[1]}",
        ),
        ({"values": (WantedValues(FILES[0]),)}, "the layout adds the values file b.yaml"),
        (
            {"values": (*SHOP.values, WantedValues("apps/shop/c.yaml"))},
            "the layout lacks the values file c.yaml",
        ),
        ({"namespace": "other"}, "its namespace is other, and web in this layout"),
        ({"release": "shop"}, "its release is shop, and shop-live in this layout"),
        ({"path": "apps/other"}, "the layout renders apps/shop, Argo CD apps/other"),
        ({"options": {"skipCrds": True}}, "the option skipCrds of helm, which its cmp-app.yaml may say"),
        (
            {"beyond": ("helm.fileParameters",)},
            "it has helm.fileParameters: no key of cmp.yaml and no parameter takes the text of a file",
        ),
    ],
)
def test_each_difference_is_a_line(tmp_path: Path, changed: dict[str, Any], reason: str) -> None:
    assert lines(tmp_path, SHOP._replace(**changed)) == [NOT, f"     1  {reason} (shop-live)", PROOF]


def test_a_pair_that_no_application_has_is_told(tmp_path: Path) -> None:
    plant(tmp_path, {"apps/mail/Chart.yaml": CHART, **{f"apps/mail/{name}.yaml": "a: 1\n" for name in "ab"}})
    assert lines(tmp_path, SHOP) == [EXACT, "     1  pairs of the layout have no Application (mail)", PROOF]

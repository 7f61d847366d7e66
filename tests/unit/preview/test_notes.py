"""Sentences of a report about changes that no manifest shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.preview.notes import data_key_rotations, folded_restarts, missing_capabilities
from tests.support.outcomes import deployment, outcome_of
from tests.support.trees import REFERENCE, plant, resolve

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.model import Instance
    from cmp.system.tree import Tree

SECRET = "clusters/dev/shop/dev-values-shop.secret.yaml"


def encrypted(root: Path, *data: str) -> tuple[Tree, list[Instance]]:
    """Return an application with a secret layer that holds these ciphertexts."""
    lines = [f"key{at}: ENC[AES256_GCM,data:{text},iv:x,tag:x,type:str]\n" for at, text in enumerate(data)]
    tree = plant(root, {**REFERENCE, SECRET: "".join(lines)})
    return tree, [resolve(tree)]


@pytest.mark.parametrize(
    ("before", "after", "is_rotated"),
    [
        (("a", "b", "c"), ("d", "e", "f"), True),
        (("a", "b", "c"), ("a", "e", "f"), False),  # one value is the same: somebody edited the others
        (("a", "b"), ("c", "d"), False),  # one value and its MAC: any edit looks like that
        (("a", "b", "c"), ("d", "e", "f", "g"), False),
    ],
)
def test_a_file_whose_every_ciphertext_is_another_one_has_a_new_data_key(
    before: tuple[str, ...], after: tuple[str, ...], *, is_rotated: bool, tmp_path: Path
) -> None:
    sides = encrypted(tmp_path / "base", *before), encrypted(tmp_path / "head", *after)
    assert [f"`{SECRET}`" in note for note in data_key_rotations(*sides)] == ([True] if is_rotated else [])


def test_clusters_without_api_versions_are_named() -> None:
    (note,) = missing_capabilities(["a", "b", "c", "d"], [])
    assert note.startswith("The inventory has no API versions of a, b, c and 1 more: charts that ask for them may ")
    assert missing_capabilities([], ["x/v1"]) == ()


def test_what_charts_ask_for_is_named() -> None:
    assert missing_capabilities(["a"], ["x/v1", "y"]) == (
        "The inventory has no API versions of a: charts ask for x/v1, y, and may render other objects in the cluster",
    )


def test_a_workload_that_restarts_by_folded_differences_alone_is_told() -> None:
    text = deployment().replace("template:", "template:\n    metadata: {labels: {helm.sh/chart: web-1.0.VERSION}}")
    folded = [
        outcome_of(name, text.replace("VERSION", "0"), text.replace("VERSION", "1")) for name in ("dev-1", "dev-2")
    ]
    shown = outcome_of("dev-3", text, text.replace("shop/web:8.2.0", "shop/web:8.3.0"))
    (note,) = folded_restarts([*folded, shown])
    assert note.startswith("`Deployment shop/web` of storefront restarts on `dev-1` and `dev-2`: ")
    assert note.endswith("what changes in it is folded (chart-labels).")

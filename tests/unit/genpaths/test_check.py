"""An annotation is compared with the paths that the renders of its sources read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.genpaths.applications import AnnotatedApplication, Source
from cmp.genpaths.check import Checker, Verdict
from cmp.genpaths.paths import RenderPaths
from tests.support.trees import REFERENCE, plant

if TYPE_CHECKING:
    from pathlib import Path

OWN = Source("clusters/dev/shop", "")
COMPLETE = "/clusters/dev/shop;/cmp.lock;/cmp.yaml;/namespaces/shop"


def verdict(root: Path, annotation: str | None, source: Source = OWN, overridden_by: str = "") -> Verdict:
    """Return the verdict on an annotation in the reference layout."""
    tree = plant(root, {**REFERENCE, "cmp.yaml": "version: 1\n"})
    application = AnnotatedApplication(
        file="app.yaml",
        line=1,
        kind="Application",
        name="shop",
        annotation=annotation,
        sources=(source,),
        overridden_by=overridden_by,
    )
    return Checker(RenderPaths(tree), "").check(application)


def test_an_annotation_that_covers_every_file_is_complete(tmp_path: Path) -> None:
    found = verdict(tmp_path, f".;{COMPLETE}")
    assert found.is_complete
    assert found.pairs == (("shop", "dev"),)


def test_items_that_are_lacking_are_told_with_a_value_that_has_them(tmp_path: Path) -> None:
    found = verdict(tmp_path, ".;/namespaces/shop/Chart.yaml")
    secret, values = "common-values-shop.secret.yaml", "common-values-shop.yaml"
    assert found.missing == ("/cmp.yaml", f"/namespaces/shop/{secret}", f"/namespaces/shop/{values}")
    assert found.corrected == COMPLETE
    assert not found.is_complete


def test_a_folder_of_which_every_file_is_lacking_is_told_as_one_item(tmp_path: Path) -> None:
    assert verdict(tmp_path, ".;/cmp.yaml").missing == ("/namespaces/shop",)


def test_without_an_annotation_every_change_counts(tmp_path: Path) -> None:
    assert verdict(tmp_path / "none", None).is_complete
    assert verdict(tmp_path / "empty", "").is_complete


def test_a_template_stands_for_every_pair_that_its_source_path_leads_to(tmp_path: Path) -> None:
    source = Source("clusters/{{.name}}/{{.app}}", "")
    found = verdict(tmp_path, ".;/cmp.yaml;/namespaces/{{.app}}", source)
    assert (found.pairs, found.is_complete) == ((("shop", "dev"), ("shop", "prod")), True)
    lacking = verdict(tmp_path / "lacking", ".;/cmp.yaml", source)
    assert lacking.corrected == "/clusters/{{.name}}/{{.app}};/cmp.lock;/cmp.yaml;/namespaces/{{.app}}"


def test_the_parameter_cluster_decides_about_the_pair(tmp_path: Path) -> None:
    found = verdict(tmp_path, None, Source("namespaces/shop", "prod"))
    assert found.pairs == (("shop", "prod"),)


def test_an_expression_of_unknown_value_leaves_files_undecided(tmp_path: Path) -> None:
    found = verdict(tmp_path, ".;/cmp.yaml;/namespaces/{{.team}}")
    assert (found.missing, found.undecided) == ((), ("/namespaces/shop",))


def test_an_annotation_that_something_else_may_set_is_not_compared(tmp_path: Path) -> None:
    found = verdict(tmp_path, ".", overridden_by="templatePatch")
    assert found.reason == "templatePatch may set another one than its template"


def test_a_source_of_another_repository_stands_for_no_pair(tmp_path: Path) -> None:
    assert verdict(tmp_path, ".", Source("elsewhere", "")).pairs == ()

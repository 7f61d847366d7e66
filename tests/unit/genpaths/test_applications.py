"""The Applications and ApplicationSets of a repository that have a plugin, with their annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.genpaths.applications import AnnotatedApplication, Source, UnreadableFile, read, scan
from tests.support.trees import plant

if TYPE_CHECKING:
    from pathlib import Path

APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: shop-dev
  annotations:
    argocd.argoproj.io/manifest-generate-paths: .;/charts
spec:
  source:
    path: clusters/dev/shop
    plugin: {parameters: [{name: cluster, string: dev}]}
"""
SET = """\
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: all}
spec:
  generators: [{git: {}}]
  template:
    metadata: {name: '{{.name}}'}
    spec:
      sources:
        - {path: charts, helm: {}}
        - {path: 'apps/{{.name}}', plugin: {env: [{name: CLUSTER, value: '{{.cluster}}'}]}}
"""


def only(text: str) -> AnnotatedApplication:
    """Return the one Application of a file."""
    (application,) = read(text.encode(), "argocd/app.yaml")
    return application


def test_an_application_is_read_with_its_annotation_and_the_line_of_that() -> None:
    assert only(APPLICATION) == AnnotatedApplication(
        file="argocd/app.yaml",
        line=6,
        kind="Application",
        name="shop-dev",
        annotation=".;/charts",
        sources=(Source("clusters/dev/shop", "dev"),),
    )
    assert (only(APPLICATION).subject, only(APPLICATION).place) == ("Application shop-dev", "argocd/app.yaml:6")


def test_the_source_of_a_hydrator_is_its_dry_one() -> None:
    hydrator = APPLICATION.replace("source:\n    path", "sourceHydrator:\n   drySource:\n    path")
    assert only(hydrator).sources == only(APPLICATION).sources


def test_the_template_of_a_set_is_read_like_an_application() -> None:
    application = only(SET)
    assert (application.subject, application.line, application.annotation) == ("ApplicationSet all", 7, None)
    assert application.sources == (Source("apps/{{.name}}", "{{.cluster}}"),)
    assert application.overridden_by == ""


def test_parts_of_a_set_that_may_set_another_annotation_are_named() -> None:
    assert only(f"{SET}  templatePatch: 'metadata: {{annotations: {{}}}}'\n").overridden_by == "templatePatch"
    generator = "[{git: {template: {metadata: {name: x}}}}]"
    assert only(SET.replace("[{git: {}}]", generator)).overridden_by == "a generator's own template"
    elements = "[{list: {elements: [{template: {metadata: {name: x}}}]}}]"
    assert only(SET.replace("[{git: {}}]", elements)).overridden_by == "", "these are values, and no template"


def test_an_application_without_a_plugin_is_left_out() -> None:
    assert [*read(APPLICATION.replace("plugin", "helm").encode(), "app.yaml")] == []


def test_applications_in_lists_are_found() -> None:
    item = APPLICATION.replace("\n", "\n    ")
    found = [*read(f"kind: List\nitems:\n  - {item.strip()}\n".encode(), "list.yaml")]
    assert [(application.name, application.line) for application in found] == [("shop-dev", 8)]


def test_all_yaml_files_are_scanned_and_those_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    template = "kind: Application # argoproj.io/\nmetadata: {{ toYaml . }}\n"
    tree = plant(tmp_path, {"a/app.yml": APPLICATION, "a/notes.txt": APPLICATION, "chart/app.yaml": template})
    application, unreadable = scan(tree)
    assert isinstance(application, AnnotatedApplication)
    assert application.file == "a/app.yml"
    assert isinstance(unreadable, UnreadableFile)
    assert (unreadable.file, unreadable.problem.partition(":")[0]) == ("chart/app.yaml", "this is not YAML")

"""Which pairs are rendered to see whether they print Applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.engines import ENGINES
from cmp.preview.applications import requests
from cmp.preview.declarations import ApplicationSources, Declarer
from cmp.preview.printers import Printers
from cmp.preview.sides import Side
from cmp.repository.config.model import NamedPair
from cmp.repository.instances import Repository
from tests.support.monorepos import git_tree

if TYPE_CHECKING:
    from cmp.context import Context

URL = "https://git.example.test/shop"
CHART = "repoURL: 'https://charts.example.test', chart: apps, targetRevision: 1.0.0"
FOLDER = f"repoURL: '{URL}', path: tree"
PACKED = {"tree/Chart.yaml": "apiVersion: v2\nname: tree\nversion: 1.0.0\n", "tree/charts/apps-1.0.0.tgz": "packed"}
OBJECT = "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
INLINE = "valuesObject: {apps: {web: {source: {repoURL: 'https://git.example.test/shop'}}}}"
RAW = "valuesObject: {raw: [{apiVersion: argoproj.io/v1alpha1, kind: Application}]}"
ROLLOUT = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n"


def may_print(context: Context, source: str, files: dict[str, str], *named: NamedPair) -> bool:
    """Return whether the Application `root` with a source may print Applications."""
    text = f"""\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {{name: root}}
spec: {{project: default, destination: {{name: hub}}, source: {{{source}}}}}
"""
    tree = git_tree({"cmp.yaml": "version: 1\nclusters: {hub: {}}\n", "root.yaml": text, **files})
    repository = Repository(tree, ENGINES)
    sources = ApplicationSources(("root.yaml",), urls=(URL,))
    declared = Declarer(tree, repository, sources, context).of_files()
    named_urls = sources._replace(urls=("git.example.test/shop",))
    read = requests(tree, repository, declared, named_urls)
    ((pair,),) = [Side(tree).with_requests(read.requests).pairs.values()]
    assert pair.error is None
    return Printers(tree, named).holds(pair)


@pytest.mark.parametrize(
    ("source", "files", "expected"),
    [
        (FOLDER, {"tree/web.yaml": OBJECT}, True),
        (FOLDER, {"tree/web.yaml": ROLLOUT}, False),
        (FOLDER, {"tree/web.yaml": "kind: Application\nmetadata: {annotations: {argocd.argoproj.io/x: y}}\n"}, False),
        (FOLDER, {"tree/map.yaml": "kind: ConfigMap\n", "other/web.yaml": OBJECT}, False),
        (f"{CHART}, helm: {{{INLINE}}}", {}, True),
        (f"{CHART}, helm: {{valuesObject: {{size: 1}}}}", {}, False),
        (FOLDER, {**PACKED, "tree/values.yaml": f"apps: {{repoURL: {URL}}}\n"}, True),
        (FOLDER, {**PACKED, "tree/values.yaml": "apps: {size: 1}\n"}, False),
        (f"{FOLDER}, helm: {{{RAW}}}", {"tree/Chart.yaml": PACKED["tree/Chart.yaml"]}, True),
    ],
)
def test_a_pair_with_an_input_that_looks_like_an_application_may_print_some(
    source: str, files: dict[str, str], *, expected: bool, context: Context
) -> None:
    assert may_print(context, source, files) is expected


def test_a_named_pair_prints_applications_whatever_its_inputs_are(context: Context) -> None:
    files = {"tree/map.yaml": "kind: ConfigMap\n"}
    assert may_print(context, FOLDER, files, NamedPair("root", "hub"))
    assert not may_print(context, FOLDER, files, NamedPair("root", "other"))

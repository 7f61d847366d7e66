"""Small monorepos with an application for each way to render, and random edits of their files.

A file is text by its path; a text that starts with `->` is the target of a symbolic link, as in `tests.support.trees`.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from cmp.repository.git import LINK, Blob, GitTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Files = dict[str, str]

CMP = """\
layout:
  apps: apps/{app}
  instances: clusters/{cluster}/{app}
  values:
    - {path: "common/{app}.yaml", optional: true}
    - {path: "envs/{env}/{app}.yaml", optional: true}
    - {path: "clusters/{cluster}/{app}/values.yaml", optional: true}
  release: "{app}"
  namespace: "{app}"
clusters:
  one: {kubeVersion: "1.31", env: test, region: tokyo}
  two: {kubeVersion: "1.32", env: test, region: osaka}
tools: {helm: 3.18.6, kustomize: 5.7.1}
"""
MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: %s}
data: {size: "1", color: none}
"""
CHART = """\
apiVersion: v2
name: shop
version: 1.0.0
dependencies:
  - {name: lib, version: 1.0.0, repository: "file://../../charts/lib"}
"""
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data:
  values: {{ .Values | toJson | quote }}
  file: {{ .Files.Get "files/a.txt" | quote }}
  version: {{ .Capabilities.KubeVersion.Version }}
  helped: {{ include "lib.size" . }}
"""
SHOP = {
    "apps/shop/Chart.yaml": CHART,
    "apps/shop/values.yaml": "size: 1\nlist: [1, 2]\nnested: {a: 1, b: 2}\n",
    "apps/shop/files/a.txt": "a 1\n",
    "apps/shop/templates/map.yaml": TEMPLATE,
    "apps/shop/templates/more": "-> ../../../shared",
    "shared/more.yaml": MAP % "shared-1",
    "charts/lib/Chart.yaml": "apiVersion: v2\nname: lib\nversion: 1.0.0\n"
    'dependencies: [{name: deep, version: 1.0.0, repository: "file://../deep"}]\n',
    "charts/lib/templates/_size.tpl": '{{ define "lib.size" }}size-1{{ end }}\n',
    "charts/deep/Chart.yaml": "apiVersion: v2\nname: deep\nversion: 1.0.0\n",
    "charts/deep/templates/map.yaml": MAP % "deep-1",
    "common/shop.yaml": "# how large\nsize: 2\nnested: {a: 3, b: 2}\n",
    "envs/test/shop.yaml": "-> ../../common/env.yaml",
    "common/env.yaml": "nested: {c: 4, b: 7}\n",
    "clusters/one/shop/values.yaml": "size: 5\nlist: [6]\n",
    "clusters/two/shop/values.yaml": "nested: {b: 8}\n",
}
SITE = {
    "apps/site/kustomization.yaml": "resources: [../../bases/web]\ncomponents: [../../bases/part]\n"
    "configMapGenerator: [{name: made, files: [page.html]}]\n"
    "patches: [{path: patch.yaml}]\n",
    "apps/site/page.html": "<p>1</p>\n",
    "apps/site/patch.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {size: '2'}\n",
    "bases/web/kustomization.yaml": "resources: [map.yaml]\nconfigMapGenerator: [{name: all, envs: [all.env]}]\n",
    "bases/web/map.yaml": MAP % "web",
    "bases/web/unused.yaml": MAP % "unused",
    "bases/part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
    "labels: [{pairs: {part: p1}}]\n",
    "bases/web/all.env": "A=1\n",
    "clusters/one/site/.keep": "",
    "clusters/two/site/kustomization.yaml": "resources: [../../../apps/site]\nnameSuffix: '-2'\n",
}
MIX = {
    "apps/mix/Chart.yaml": "apiVersion: v2\nname: mix\nversion: 1.0.0\n",
    "apps/mix/cmp-app.yaml": "engine: [helm, kustomize]\n",
    "apps/mix/kustomization.yaml": "labels: [{pairs: {mixed: m1}}]\n",
    "apps/mix/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mix}\n"
    "data: {size: {{ .Values.size | quote }}}\n",
    "common/mix.yaml": "size: 1 # a number\n",
    "clusters/one/mix/.keep": "",
}
PLAIN = {
    "apps/policies/a.yaml": MAP % "a1",
    "apps/policies/b.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b1"}}\n',
    "apps/policies/c.yaml": "-> ../../shared/more.yaml",
    "clusters/one/policies/.keep": "",
}
CUE = {
    "cue.mod/module.cue": 'module: "example.test/repo"\nlanguage: version: "v0.9.0"\n',
    "lib/lib.cue": "package lib\n\nsize: 1\n",
    "apps/quotas/quotas.cue": 'package quotas\n\nimport "example.test/repo/lib"\n\nwhere: string @tag(region)\n'
    'values: {...}\nobjects: [{apiVersion: "v1", kind: "ConfigMap", metadata: name: "quotas"\n'
    '\tdata: {region: where, size: "\\(lib.size)", limit: "\\(values.limit)"}}]\n',
    "common/quotas.yaml": "limit: 3\n",
    "clusters/one/quotas/.keep": "",
}
HELMFILE = {
    "apps/batch/helmfile.yaml": "releases: [{name: batch, chart: ./chart, values: [../../common/of-batch.yaml]}]\n",
    "apps/batch/chart/Chart.yaml": "apiVersion: v2\nname: batch\nversion: 1.0.0\n",
    "apps/batch/chart/templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: batch}\n"
    "data: {size: {{ .Values.size | quote }}}\n",
    "common/of-batch.yaml": "size: 1\n",
    "clusters/one/batch/.keep": "",
}
ELSEWHERE = {"docs/notes.md": "# Notes 1\n", "README.md": "Read 1.\n", "unused/x.txt": "1\n"}
OWN: Mapping[str, tuple[str, ...]] = {
    "shop": ("apps/shop/", "charts/", "common/shop.yaml", "common/env.yaml", "envs/"),
    "site": ("apps/site/", "bases/"),
    "mix": ("apps/mix/", "common/mix.yaml"),
    "policies": ("apps/policies/",),
    "quotas": ("apps/quotas/", "lib/", "cue.mod/", "common/quotas.yaml"),
    "batch": ("apps/batch/", "common/of-batch.yaml"),
}
WHOLE = {"cmp.yaml": CMP, **SHOP, **SITE, **MIX, **PLAIN, **CUE, **HELMFILE, **ELSEWHERE}

NEW_NAMES = (
    *("extra.yaml", "zz.json", "kustomization.yml", "Kustomization", "_more.tpl", "more.cue", "requirements.yaml"),
    *("cmp-app.yaml", "values.yaml", ".helmignore", "values.schema.json", "helmfile.yaml.gotmpl", "Chart.lock"),
)
APP_FILES = (
    "helm: {skipTests: true}\n",
    "tools: {helm: 3.14.4}\n",
    "release: other\n",
    "namespace: elsewhere\n",
    "kustomize: {namePrefix: own-}\n",
    "output: {allowEmpty: true}\n",
)


class Edit(NamedTuple):
    """An edit in words, for the message of a failure, and the files before and after it."""

    what: str
    before: Files
    after: Files

    def __repr__(self) -> str:
        return self.what


def owner(path: str) -> tuple[str, str]:
    """Return the application and the cluster whose renders alone may read a file; empty: none, and all clusters."""
    if path.startswith("clusters/"):
        _, cluster, app = path.split("/")[:3]
        return app, cluster
    if path.endswith(".cue") and "/" not in path:  # adds to the packages below
        return "quotas", ""
    return next((app for app, own in OWN.items() if path.startswith(own)), ""), ""


class InMemory(NamedTuple):
    """The contents of files by the ids that Git would give them."""

    data: dict[str, bytes]
    blobs: dict[str, Blob]

    def read(self, blob: Blob) -> bytes:
        return self.data[blob.id]

    def load(self, blobs: Iterable[Blob]) -> None:
        pass

    def sizes(self, blobs: Iterable[Blob]) -> list[int]:
        return [len(self.data[blob.id]) for blob in blobs]

    def holding(self, _: str, words: Sequence[str]) -> list[str]:
        return [path for path, blob in self.blobs.items() if all(word.encode() in self.data[blob.id] for word in words)]


def git_tree(files: Mapping[str, str]) -> GitTree:
    """Return the files as Git would list them."""
    blobs: dict[str, Blob] = {}
    contents = InMemory({}, blobs)
    for path, text in files.items():
        data = text.removeprefix("->").strip().encode() if text.startswith("->") else text.encode()
        name = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        contents.data[name] = data
        blobs[path] = Blob(LINK if text.startswith("->") else "100644", name)
    return GitTree(blobs, contents, "")


def edits(files: Files, within: Callable[[str], bool] = lambda _: True) -> st.SearchStrategy[Edit]:
    """Return edits of one file: any, or one of those `within` which the edit is to happen."""
    paths = sorted(path for path in files if within(path))
    texts = [path for path in paths if re.search(r"\d", files[path]) and not files[path].startswith("->")]
    return st.one_of(
        st.builds(_with_other_digit, st.just(files), st.sampled_from(texts), st.integers(0, 30), st.integers(1, 9)),
        st.builds(_with_other_digit, st.just(files), st.sampled_from(texts), st.integers(0, 30), st.integers(1, 9)),
        st.builds(_without, st.just(files), st.sampled_from(paths)),
        st.builds(_renamed, st.just(files), st.sampled_from(paths), st.sampled_from(NEW_NAMES)),
        st.builds(_copied, st.just(files), st.sampled_from(texts), st.sampled_from(paths), st.sampled_from(NEW_NAMES)),
        st.builds(_with_text, st.just(files), st.sampled_from(texts), st.sampled_from(APP_FILES)),
        st.builds(_linked, st.just(files), st.sampled_from(paths), st.sampled_from(paths)),
    )


def _with_other_digit(files: Files, path: str, which: int, digit: int) -> Edit:
    found = list(re.finditer(r"\d", files[path]))
    at = found[which % len(found)].start()
    text = f"{files[path][:at]}{digit}{files[path][at + 1 :]}"
    return Edit(f"{path}: {digit} at {at}", files, {**files, path: text})


def _without(files: Files, path: str) -> Edit:
    return Edit(f"{path} removed", files, {name: text for name, text in files.items() if name != path})


def _renamed(files: Files, path: str, name: str) -> Edit:
    target = posixpath.join(posixpath.dirname(path), name)
    return Edit(f"{path} renamed to {name}", files, {**_without(files, path).after, target: files[path]})


def _copied(files: Files, source: str, beside: str, name: str) -> Edit:
    target = posixpath.join(posixpath.dirname(beside), name)
    return Edit(f"{source} copied to {target}", files, {**files, target: re.sub(r"\d", "9", files[source])})


def _with_text(files: Files, beside: str, text: str) -> Edit:
    target = posixpath.join(posixpath.dirname(beside), "cmp-app.yaml")
    return Edit(f"{target} says {text}", files, {**files, target: text})


def _linked(files: Files, path: str, target: str) -> Edit:
    if files[path].startswith("->") and not files[target].startswith("->"):
        folder = posixpath.dirname(path)
        found = posixpath.relpath(target if path.endswith(".yaml") else posixpath.dirname(target) or ".", folder or ".")
        return Edit(f"{path} links to {found}", files, {**files, path: f"-> {found}"})
    text = f"-> {posixpath.relpath(target, posixpath.dirname(path))}"
    return Edit(f"{path} becomes a link to {target}", files, {**files, path: text if path != target else files[path]})

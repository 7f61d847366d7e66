"""Helm, then kustomize: the chart, rendered by helm, is one more resource of the kustomization.

It is one of the kustomization beside it, where that is built, and else of the one that is built: a kustomization of
one cluster patches the chart of the application's folder, with that folder's own kustomization as a base or without.
A chart that `chart` names counts as if it lay in the application's folder.

The output of helm is a private file only.  Decrypted files of the kustomization are no files of the chart: its
templates could print them anywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.engines.kustomize.graph import RENDERED_CHART
from cmp.engines.kustomize.kustomization import texts
from cmp.errors import ConfigError
from cmp.secrets.sops import CIPHERTEXT
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp.engines.kustomize.build import Build
    from cmp.engines.kustomize.graph import Graph
    from cmp.model import Instance
    from cmp.system.tree import Tree

_SPECIAL = re.compile(r"([\\*?\[])")


def target(instance: Instance, graph: Graph) -> str:
    """Return the folder of the kustomization that gets the rendered chart."""
    beside = instance.app_folder if instance.chart_place else instance.chart_folder
    return beside if beside in graph.kustomizations else instance.folder


def require_free_name(tree: Tree, folder: str) -> None:
    """ConfigError where a file has the name that the rendered chart gets."""
    path = join(folder, RENDERED_CHART)
    if tree.kind(path) != "missing":
        raise ConfigError("the rendered chart gets this file's name", file=path, hint="rename the file")


def start(build: Build) -> Callable[[], None]:
    """Start helm, and return a function that waits for it and adds the rendered chart to the resources."""
    from cmp.engines import helm  # noqa: PLC0415  # most kustomizations have no chart

    if not build.instance.chart:
        _hide_secrets(build)
    finish = helm.start(build.instance, build.work, build.processes)

    def add() -> None:
        output = finish()
        for warning in output.warnings:
            build.warn(warning)
        manifests = _without_noise(output.manifests, helm.NOISE, build)
        if not _is_empty(manifests):
            folder = target(build.instance, build.graph)
            build.write(join(folder, RENDERED_CHART), manifests)
            value = build.kustomization(folder)
            value["resources"] = [*texts(value.get("resources", [])), RENDERED_CHART]
            build.save()

    return add


def _hide_secrets(build: Build) -> None:
    """Add the files that sops decrypts for kustomize to .helmignore; those of `secrets.files` are the chart's, too."""
    folder = build.instance.chart_folder
    hidden = [
        path.removeprefix(f"{folder}/")
        for path in build.graph.files()
        if path.startswith(f"{folder}/") and path not in build.instance.secret_files and CIPHERTEXT in build.read(path)
    ]
    if hidden:
        path = join(folder, ".helmignore")
        content = build.read(path) if build.has(path) else b"/.helmignore"
        lines = "".join("\n/" + _SPECIAL.sub(r"\\\1", name) for name in hidden)
        build.write(path, content + lines.encode() + b"\n")


def _without_noise(manifests: bytes, noise: tuple[re.Pattern[str], ...], build: Build) -> bytes:
    """Remove the lines that helm is known to print before its first document."""
    leading, separator, documents = manifests.partition(b"---\n")
    lines = leading.decode(errors="replace").splitlines()
    if not all(not line.strip() or any(known.fullmatch(line.strip()) for known in noise) for line in lines):
        return manifests
    for line in lines:
        if line.strip():
            build.warn(f"helm printed before the first document: {line.strip()}")
    return separator + documents


def _is_empty(manifests: bytes) -> bool:
    lines = (line.strip() for line in manifests.splitlines())
    return all(not line or line.startswith((b"#", b"---")) for line in lines)

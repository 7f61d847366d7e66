"""A proposal as the text of a cmp.yaml: every key with a comment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.repository.config import ValuesPattern
    from cmp.repository.scaffold.proposal import Proposal

_PLAIN = re.compile(r"(?=.*[^\W\d_])[\w./][\w./{}*-]*")
_NOT_TEXT = re.compile(r"(?i:true|false|null|yes|no|on|off|y|n)|[\d.]+e\d+|0[xo][\da-fA-F]+")
_OF_PREVIEW = {
    "applications": "The files with Argo CD's Applications and ApplicationSets, and pairs that print some.",
    "argocds": "Which Argo CD reads which files, and the cluster that it runs in.",
    "urls": "The URLs under which Applications name this repository.",
    "ignore": "Files that no render depends on: a change of them renders nothing.",
    "argocd": "What Argo CD's own settings say where it renders without a plugin.",
}


def write(proposal: Proposal, tools: Mapping[str, str], suffixes: Sequence[str]) -> str:
    """Return the text of the file; what is empty is left out."""
    lines = [*_head(), *_layout(proposal), *_clusters(proposal), *_applications(proposal)]
    if tools:
        lines.append(
            "# The versions that render. An application's cmp-app.yaml, which `cmp pin --app` writes, may pin others."
        )
        lines.append("tools:")
        lines += (f"  {name}: {version}" for name, version in tools.items())
    if proposal.defaults:
        lines.append("# Options for all applications; those of one stand in its cmp-app.yaml.")
        lines.append("defaults:")
        lines += (f"  {name}: {flow(value)}" for name, value in proposal.defaults.items())
    if suffixes:
        lines.append("# Files with these ends must be encrypted by sops: one that is not is an error.")
        lines.append("secrets:")
        lines.append(f"  suffixes: [{', '.join(map(json.dumps, suffixes))}]")
    return "".join(f"{line}\n" for line in (*lines, *_preview(proposal)))


def _head() -> Iterator[str]:
    yield "# How this repository is laid out, which clusters it serves, and which tools render it."
    yield "# `cmp init` wrote it from what lies here: read it through. `cmp schema` prints every key there is."
    yield "version: 1"


def _layout(proposal: Proposal) -> Iterator[str]:
    yield "layout:"
    yield "  # The folders of the applications: each holds a chart, a kustomization or the like."
    if any("*" in pattern for pattern in proposal.apps):
        yield "  # Where a pattern has a `*`, a folder without any of these is no application."
    yield f"  apps: {_patterns(proposal.apps)}"
    if proposal.name:
        yield "  # The names of the applications: several folders have one name."
        yield f"  name: {plain(proposal.name)}"
    if proposal.chart:
        yield "  # The chart of every application that has none of its own; the values files are its values."
        yield f"  chart: {proposal.chart if isinstance(proposal.chart, str) else flow(proposal.chart)}"
    yield "  # The folders that say that an application runs on a cluster; empty: there are none."
    yield f"  instances: {_patterns(proposal.instances)}"
    yield "  # The values files, weakest first. {app} and {cluster} are filled, * is any text in one name."
    yield from _values(proposal.values)
    if proposal.shared:
        yield "  # Values files that an application may name although they lie in no folder of its own."
        yield f"  shared: {flow(list(proposal.shared))}"
    if proposal.release:
        yield "  # The release name."
        yield f"  release: {plain(proposal.release)}"
    else:
        yield "  # The release name. Without this key it is the Application's name in Argo CD, unknown to a checkout."
        yield '  # release: "{app}"'
    if proposal.namespace:
        yield "  # The destination namespace."
        yield f"  namespace: {plain(proposal.namespace)}"


def _values(patterns: Sequence[ValuesPattern]) -> Iterator[str]:
    if not patterns:
        yield "  values: []"
        return
    yield "  values:"
    for layer in patterns:
        yield (
            f"    - {{path: {_quoted(layer.pattern)}, optional: true}}"
            if layer.optional
            else (f"    - {plain(layer.pattern)}")
        )


def _clusters(proposal: Proposal) -> Iterator[str]:
    if proposal.clusters:
        yield '# Every cluster, with what charts and patterns may know of it, such as {kubeVersion: "1.33", env: prod}.'
        yield "clusters:"
        yield from (f"  {plain(name)}: {flow(keys)}" for name, keys in proposal.clusters.items())


def _applications(proposal: Proposal) -> Iterator[str]:
    if proposal.applications:
        yield "# What is different for some applications; a later entry is stronger, and a cmp-app.yaml stronger still."
        yield "applications:"
        yield from (f"  - {flow(entry)}" for entry in proposal.applications)


def _preview(proposal: Proposal) -> Iterator[str]:
    if not proposal.preview:
        return
    yield "# What `cmp affected` and `cmp diff` should know."
    yield "preview:"
    for key, value in proposal.preview.items():
        yield f"  # {_OF_PREVIEW[key]}"
        if isinstance(value, (list, tuple)) and any(isinstance(one, Mapping) for one in value):
            yield f"  {key}:"
            yield from (f"    - {flow(one)}" for one in value)
        else:
            yield f"  {key}: {flow(value)}"


def _patterns(patterns: Sequence[str]) -> str:
    if len(patterns) > 1:
        return flow(list(patterns))
    return plain(patterns[0] if patterns else "")


def plain(text: str) -> str:
    """Write a text so that YAML reads it as that text, in quotes only where it needs them."""
    is_plain = _PLAIN.fullmatch(text) and not _NOT_TEXT.fullmatch(text)
    return text if is_plain else _quoted(text)


def flow(value: object) -> str:
    """Write a value inside brackets: there, a text with braces or a star needs quotes, too."""
    if isinstance(value, str):
        return plain(value) if not {*"{}*"} & {*value} else _quoted(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(flow, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{flow(key)}: {flow(one)}' for key, one in value.items())}}}"
    return json.dumps(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)

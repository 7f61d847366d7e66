"""The text of a first cmp.yaml: every key with a line that says what it is for."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.repository.scaffold.values import Written

_PLAIN = re.compile(r"(?=.*[^\W\d_])[\w./][\w./{}*-]*")
_NOT_TEXT = re.compile(r"(?i:true|false|null|yes|no|on|off|y|n)|[\d.]+e\d+|0[xo][\da-fA-F]+")


class Parts(NamedTuple):
    """What the file says; no clusters, tools or suffixes leave their key out."""

    apps: str
    instances: str
    values: list[Written]
    clusters: list[str]
    tools: Mapping[str, str]
    suffixes: list[str]


def write(parts: Parts) -> str:
    """Return the file."""
    return "".join(f"{line}\n" for line in _lines(parts))


def _lines(parts: Parts) -> Iterator[str]:
    yield "# How this repository is laid out, which clusters it serves, and which tools render it."
    yield "# `cmp init` wrote it from what lies here: read it through. `cmp schema` prints every key there is."
    yield "version: 1"
    yield "layout:"
    yield "  # The folders of the applications: each holds a chart, a kustomization or the like."
    yield f"  apps: {_text(parts.apps)}"
    yield "  # The folders that say that an application runs on a cluster; empty: there are none."
    yield f"  instances: {_text(parts.instances)}"
    yield "  # The values files, weakest first. {app} and {cluster} are filled, * is any text in one name."
    yield from _values(parts.values)
    yield "  # The release name. Without this key it is the Application's name in Argo CD, unknown to a checkout."
    yield '  # release: "{app}"'
    yield from _clusters(parts.clusters)
    if parts.tools:
        yield "# The versions that render. An application's cmp-app.yaml, which `cmp pin --app` writes, may pin others."
        yield "tools:"
        yield from (f"  {name}: {version}" for name, version in parts.tools.items())
    if parts.suffixes:
        yield "# Files with these ends must be encrypted by sops: one that is not is an error."
        yield "secrets:"
        yield f"  suffixes: [{', '.join(json.dumps(suffix) for suffix in parts.suffixes)}]"


def _values(values: list[Written]) -> Iterator[str]:
    if not values:
        yield "  values: []"
        return
    yield "  values:"
    for pattern, is_optional in values:
        quoted = json.dumps(pattern, ensure_ascii=False)
        yield f"    - {{path: {quoted}, optional: true}}" if is_optional else f"    - {_text(pattern)}"


def _clusters(names: list[str]) -> Iterator[str]:
    if not names:
        return
    yield '# Every cluster, with what charts and patterns may know of it, such as {kubeVersion: "1.33", env: prod}.'
    yield "clusters:"
    yield from (f"  {_text(name)}: {{}}" for name in names)


def _text(text: str) -> str:
    """Write a text so that YAML reads it as that text, in quotes only where it needs them."""
    is_plain = _PLAIN.fullmatch(text) and not _NOT_TEXT.fullmatch(text)
    return text if is_plain else json.dumps(text, ensure_ascii=False)

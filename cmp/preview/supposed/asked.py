"""The values of `--kube-version`, `--pin` and `--chart`, checked as far as no tree is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import UsageError
from cmp.repository.pins import require_pinnable
from cmp.versions import is_exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# As Argo CD reads it of a cluster, or as somebody writes it: v1.38.2-gke.100, 1.38.
_KUBERNETES = re.compile(r"v?[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:[-+][0-9A-Za-z.+-]*)?")


class KubeVersion(NamedTuple):
    """A version of Kubernetes, for one cluster or (an empty name) for all; `text` is the option as it is written."""

    cluster: str
    version: str
    text: str


class Pin(NamedTuple):
    """A version of a tool for the whole repository, for an application, or for an application on a cluster."""

    tool: str
    version: str
    app: str
    cluster: str
    text: str


class ChartVersion(NamedTuple):
    """A version of a chart, wherever the repository names it."""

    name: str
    version: str
    text: str


class WhatIf(NamedTuple):
    """All that is asked for; nothing of it is empty for a comparison of two revisions."""

    kube_versions: tuple[KubeVersion, ...] = ()
    pins: tuple[Pin, ...] = ()
    charts: tuple[ChartVersion, ...] = ()

    @classmethod
    def of(cls, kube_versions: Sequence[str], pins: Sequence[str], charts: Sequence[str]) -> WhatIf:
        """Read the values of the options; UsageError for one that is wrong, or asks for a second version."""
        asked = cls(tuple(map(_kube_version, kube_versions)), tuple(map(_pin, pins)), tuple(map(_chart, charts)))
        _require_once((one.cluster, one.text) for one in asked.kube_versions)
        _require_once((one[:1] + one[2:4], one.text) for one in asked.pins)
        _require_once((one.name, one.text) for one in asked.charts)
        return asked

    @property
    def options(self) -> tuple[str, ...]:
        """The options as words of a command line."""
        named = (("--kube-version", self.kube_versions), ("--pin", self.pins), ("--chart", self.charts))
        return tuple(word for option, asked in named for one in asked for word in (option, one.text))


def _kube_version(text: str) -> KubeVersion:
    cluster, _, version = text.rpartition("=")
    if not _KUBERNETES.fullmatch(version) or text.startswith("="):
        raise UsageError(
            f"--kube-version {text}: expected VERSION or CLUSTER=VERSION",
            hint="a version of Kubernetes is written 1.38 or 1.38.2",
        )
    return KubeVersion(cluster, version.removeprefix("v"), text)


def _pin(text: str) -> Pin:
    what, equals, version = text.partition("=")
    place, colon, tool = what.rpartition(":")
    app, at, cluster = place.partition("@")
    if not equals or (colon and not app) or (at and not cluster):
        raise UsageError(
            f"--pin {text}: expected TOOL=VERSION",
            hint="for one application APP:TOOL=VERSION, on one cluster APP@CLUSTER:TOOL=VERSION",
        )
    require_pinnable(tool, version, app)
    return Pin(tool, version, app=app, cluster=cluster, text=text)


def scoped(tool: str, version: str, *, app: str, cluster: str) -> str:
    """Return a pin as `--pin` reads it; app and cluster may be empty."""
    place = f"{app}@{cluster}:" if cluster else f"{app}:" if app else ""
    return f"{place}{tool}={version}"


def _chart(text: str) -> ChartVersion:
    name, _, version = text.partition("=")
    if not name or not is_exact(version):
        raise UsageError(
            f"--chart {text}: expected NAME=VERSION, an exact version",
            hint="a range such as ^15 or 15.x is another chart tomorrow: name the version, such as 15.2.0",
        )
    return ChartVersion(name, version, text)


def _require_once(asked: Iterator[tuple[object, str]]) -> None:
    seen: dict[object, str] = {}
    for key, text in asked:
        if seen.setdefault(key, text) != text:
            raise UsageError(f"{seen[key]} and {text} ask for two versions of one thing", hint="give one of them")

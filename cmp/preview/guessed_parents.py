"""Charts that print Applications and that no Application renders: tried with each of their own values files.

Somebody applied the root of such a tree by hand, so that no file says with which values.  A file `values-kobe.yaml`
beside the chart says that there is a place named kobe, with an Argo CD of its own.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.argocd.application import IN_CLUSTER
from cmp.argocd.document import GROUP, chart_of_template
from cmp.preview.printers import KIND
from cmp.repository.config.rules import CLUSTER
from cmp.system.tree import join
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmp.repository.git import GitTree

NEVER = {"tests", "test", "docs", "examples", "example", "vendor", "starters", "ci", "templates", "charts"}
NOWHERE = "{cluster}/.none/{app}.yaml"  # no such file; with it an application runs only where an entry says so
_VALUES = re.compile(r"values-(.+)\.ya?ml")


def unread_charts(tree: GitTree, read: Sequence[str]) -> list[str]:
    """Return the folders of charts with templates of Applications but those that are rendered already."""
    charts = {chart_of_template(tree, path) for path in tree.holding(GROUP, KIND)}
    found = {chart for chart in charts if chart and not NEVER & {*chart.split("/")[:-1]}}
    return sorted(found - {*read})


def with_charts(config: Mapping[str, object], tree: GitTree, charts: Sequence[str]) -> dict[str, object]:
    """Return a configuration in which these charts are applications, each on the places of its values files."""
    entries: list[dict[str, object]] = []
    places: dict[str, None] = {}
    for chart in charts:
        names = [entry.name for entry in tree.entries(chart) if entry.kind == "file"]
        own = {match[1]: match[0] for name in names if (match := _VALUES.fullmatch(name)) and CLUSTER.accepts(match[1])}
        places |= dict.fromkeys(own)
        app = chart.rpartition("/")[2]
        entries.append({"apps": app, "clusters": [*own] or [IN_CLUSTER]})
        entries += (
            {"apps": app, "where": [place], "values": [join(chart, file)]} for place, file in sorted(own.items())
        )
    preview = mapping(config.get("preview"))
    clusters = {**mapping(config.get("clusters")), **{place: {} for place in places}}
    has_own = any(entry["clusters"] == [IN_CLUSTER] for entry in entries if "clusters" in entry)
    return {
        **config,
        "layout": {
            "apps": [join(chart.rpartition("/")[0], "{app}") for chart in charts],
            "instances": "",
            "values": [{"path": NOWHERE, "optional": True}],
        },
        "clusters": {**clusters, **({IN_CLUSTER: {}} if has_own else {})},
        "applications": entries,
        "preview": {
            **preview,
            "argocds": [{"name": place, "applications": [f".none/{place}"], "inCluster": place} for place in places],
        },
    }

"""The origins of merged values: the file and line that set each leaf, and those that it overrides.

    provenance.py   layers -> the origin of every key, by Helm's rules for layers
    chart.py        the defaults of a chart and its subcharts, and a chart that prints its values
    explain.py      Helm's own merged values + origins -> lines and records

Helm merges the values; no code here does.
"""

from __future__ import annotations

from cmp.repository.values.chart import Defaults, defaults, skeleton, title
from cmp.repository.values.explain import Leaf, Origins, leaves, line_of, record_of
from cmp.repository.values.provenance import Origin, Place, provenance

__all__ = [
    "Defaults",
    "Leaf",
    "Origin",
    "Origins",
    "Place",
    "defaults",
    "leaves",
    "line_of",
    "provenance",
    "record_of",
    "skeleton",
    "title",
]

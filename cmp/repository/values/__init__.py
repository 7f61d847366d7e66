"""Where merged values come from: which file and line set each leaf, and what it overrode.

    provenance.py   layers -> the origin of every key, by Helm's rules for layers
    chart.py        the defaults of a chart and its subcharts, and a chart that prints its values
    explain.py      Helm's own merged values + origins -> what a person reads

The values themselves always come from Helm; nothing here merges them.
"""

from __future__ import annotations

from cmp.repository.values.chart import Defaults, defaults, skeleton
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
]

"""The origins of merged values: the file and line that set each leaf, and those that it overrides.

    provenance.py   layers -> the origin of every key, by Helm's rules for layers
    chart.py        the defaults of a chart and its subcharts, and a chart that prints its values
    explain.py      Helm's own merged values + origins -> lines and records

Helm merges the values; no code here does.
"""

from __future__ import annotations

from cmp.repository.values.chart import Defaults, defaults, of_folder, skeleton, title, whole
from cmp.repository.values.explain import Leaf, Origins, flat, key_path, leaves, line_of, path_text, record_of
from cmp.repository.values.provenance import Origin, Place, provenance

__all__ = [
    "Defaults",
    "Leaf",
    "Origin",
    "Origins",
    "Place",
    "defaults",
    "flat",
    "key_path",
    "leaves",
    "line_of",
    "of_folder",
    "path_text",
    "provenance",
    "record_of",
    "skeleton",
    "title",
    "whole",
]

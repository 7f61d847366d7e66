"""A bump of a chart explained, from both charts alone: nothing is fetched for it.

opened.py      charts of folders and archives: Chart.yaml, values.yaml, crds/, subcharts
compared.py    two charts -> their own list of changes, deprecation, bounds, CRDs and default values that differ
uses.py        the charts of a rendered source, by the place of their values; which of them have another version
overrides.py   the places of the repository that set a value of a chart
explained.py   the bumps of one pair
lines.py       those of all pairs as lines of the report
"""

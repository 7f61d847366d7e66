"""The keys of a chart's values that something reads: its templates, its Chart.yaml, or templates in the values.

    at_hand.py   the files of a chart and its subcharts, from the tree and the cache
    charts.py    those files -> the use of their values
    reading.py   templates -> the values that they may read
    syntax.py    the syntax of Go templates
    use.py       the keys that are read
    known.py     the keys that values.schema.json knows

Nobody is told that nothing reads a key unless that is certain: what cannot be followed counts as read.
"""

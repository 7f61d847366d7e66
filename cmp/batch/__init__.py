"""Many pairs of application and cluster rendered into files: `cmp render --all`, `cmp golden` and `cmp check`.

renderer.py       pairs rendered in parallel, each printed with its secrets, without them, or masked
rendered_tree.py  a folder of rendered manifests, from which stale files are removed
judging.py        rendered pairs judged in their workers
checked.py        the findings on all pairs gathered: `cmp check`
golden.py         manifests kept in the repository, and their difference from a render
"""

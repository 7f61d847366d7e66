"""Many pairs of application and cluster rendered into files: `cmp render --all` and `cmp golden`.

renderer.py       pairs rendered in parallel, each printed with its secrets, without them, or masked
rendered_tree.py  a folder of rendered manifests, from which stale files are removed
golden.py         manifests kept in the repository, and their difference from a render
"""

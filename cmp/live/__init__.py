"""Helm releases in a cluster beside what Argo CD would apply: `cmp diff --live`, for a move away from `helm upgrade`.

    contexts.py     the user's kubeconfig -> the context that is asked
    client.py       pyhelm3 over the process runner of cmp
    releases.py     helm, asked about a release: read only, with a deadline, its stdout as bytes
    values.py       the values of a release and those in Git, leaf by leaf
    layer.py        what only the release has, as a values file
    sides.py        a release as the older side of a comparison
    judgement.py    what the first sync does with what a release left behind
    table.py        all releases and all applications of a cluster
    comparison.py   the pairs of a cluster, with that older side

Helm reads its own records: Secrets of the namespace of the release, which it may `get` and `list`.  No object of the
cluster is read beside them, and none is written.
"""

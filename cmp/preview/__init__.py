"""`cmp affected` and `cmp diff`: the effect of a change on every pair of application and cluster, before its merge.

A comparison has two sides, the base and the head revision.  Without any program, a pair is touched where a changed
file is among its inputs, and affected where the fingerprints of both sides differ.  Only an affected pair is rendered,
on both sides, and its manifests are compared.

    comparison.py    two trees -> two sides and the impact of the change on them
    sides.py         one side: a revision with every pair that it renders
    applications.py  pairs as Argo CD's Applications ask for them
    application_changes.py  what happens to Applications themselves; their states are in application_states.py
    broken_sets.py   ApplicationSets that cannot be evaluated any more
    followed.py      Applications that follow another revision: each side at its own
    timing.py        sync windows and steps of sets, which decide when something syncs
    affected.py      the impact: pairs whose inputs changed, and changed files of no pair
    copies.py        the impact on private copies of folders, by files that no program reads
    diff.py          the affected pairs rendered by workers -> the report
    worker.py        one pair rendered on both sides -> its outcome, masked
    causes.py        changed lines of values files, and the changed objects that they are behind
    proofs.py        causes established by renders without one of the changed files
    line_proofs.py     without some of the changed lines of values
    grouping.py      the same change in many pairs, once, in six passes
    keys.py            pass 1: everything in which two changes must agree
    outliers.py        pass 6: pairs that differ from the majority, and why
    labels.py        texts of the report: clusters' own texts, secrets, names of pairs
    setting_causes.py  the keys of a configuration behind settings that differ
    notes.py         sentences of the report about changes that no manifest shows
"""

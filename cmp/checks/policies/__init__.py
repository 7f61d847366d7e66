"""Rendered objects, judged by policies of Gatekeeper: one run of gator for a cluster.

    documents.py   the folders of policies -> ConstraintTemplates, constraints, Config
    limits.py      constraints by which gator cannot judge as the webhook does
    objects.py     the objects that the webhook is asked about, and their Namespaces
    gator.py       one run of the program
    judge.py       all of these for the objects of a cluster

What is judged is the creation of each object, by the webhook of Gatekeeper: its enforcement point, its exclusions.
"""

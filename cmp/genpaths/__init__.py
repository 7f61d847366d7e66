"""Argo CD's annotation `manifest-generate-paths`: `cmp paths` prints its value, and `cmp paths --check` checks it.

annotation.py    the syntax: items, their patterns, and the expressions of ApplicationSets in them
paths.py         the paths that a render reads, and the items that cover them
applications.py  Applications and ApplicationSets in the files of a repository, with their annotations
check.py         an annotation compared with the paths that the renders of its sources read
"""

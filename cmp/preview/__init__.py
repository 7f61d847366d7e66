"""What a change of the repository does, before it is merged: two revisions compared, pair by pair.

sides.py         a revision, and all that it renders      applications.py  Argo CD's Applications that ask for it
affected.py      which pairs a change touches, and how    compared.py      both sides, and what of them is affected
pairs.py         one pair rendered twice and compared     causes.py        values that changed; explained.py: and where
unstable.py      what templates make up                   diff.py          all of it, in workers
grouping.py      the same change once; columns.py, outliers.py, tokens.py, wording.py: its parts
assemble.py      the report
paths.py         what a render can read, as an annotation; annotation.py, items.py, links.py: its parts
"""

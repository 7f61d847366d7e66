"""What a change of the repository does, before it is merged: two revisions compared, pair by pair.

sides.py         a revision, and all that it renders      applications.py  Argo CD's Applications that ask for it
comparison.py    both sides, and what of them is affected affected.py      which pairs a change touches, and how
copies.py        what it does to private copies           worker.py        one pair rendered twice and compared
causes.py        values that changed, and where           diff.py          all of it, in workers, as a report
grouping.py      the same change once; columns.py and outliers.py: tables of values, and who differs from the pattern
labels.py        texts that a report shares               notes.py         sentences on what no manifest shows
"""

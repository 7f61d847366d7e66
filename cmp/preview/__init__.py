"""What a change of the repository does, before it is merged: two revisions compared, pair by pair.

sides.py      a revision, and all that it renders     affected.py   which pairs a change touches, and how
"""

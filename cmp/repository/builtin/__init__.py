"""Sources of Applications without a plugin, resolved into Instances: rendered as Argo CD's repo-server does it.

resolver.py     from a source to an Instance          sources.py   the folder of a source, and what it may name
helm.py, kustomize.py, directory.py                   the blocks of a source, as an Instance has them
value_files.py  the values files of a chart, in Argo CD's order
detection.py    the kind of a folder, by its files    patterns.py  Argo CD's patterns of files
settings.py     the settings of the Argo CD itself    definitions.py  the kinds that CRDs of the tree define

Source: argoproj/argo-cd 3.6, reposerver/repository/repository.go.
"""

from __future__ import annotations

from cmp.repository.builtin.definitions import scopes_in
from cmp.repository.builtin.resolver import resolve
from cmp.repository.builtin.settings import settings_of
from cmp.repository.builtin.sources import Surroundings

__all__ = ["Surroundings", "resolve", "scopes_in", "settings_of"]

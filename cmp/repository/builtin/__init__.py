"""Sources of Applications without a plugin, resolved into Instances: rendered as Argo CD's repo-server does it.

resolver.py     from a source to an Instance; without a block its files decide
sources.py      the folder of a source, and what its block may name
helm.py         kustomize.py         directory.py     the blocks, as an Instance has them
value_files.py  the values files of a chart, in Argo CD's order
patterns.py     Argo CD's patterns of files
settings.py     the settings of the Argo CD itself
definitions.py  objects of the whole tree: CRDs, and what a name finds

Source: argoproj/argo-cd 3.6, reposerver/repository/repository.go.
"""

from __future__ import annotations

from cmp.repository.builtin.definitions import scopes_in
from cmp.repository.builtin.resolver import resolve
from cmp.repository.builtin.settings import settings_of
from cmp.repository.builtin.sources import Surroundings

__all__ = ["Surroundings", "resolve", "scopes_in", "settings_of"]

"""An Argo CD Application in a file: the variables that Argo CD would set for the plugin that renders it.

document.py   which of a file's Applications      shape.py      the parts of it that count, and their types
overrides.py  the files `.argocd-source*.yaml`    variables.py  what it comes to
sets/         the Applications that ApplicationSets make

Source: argoproj/argo-cd 3.2, reposerver/repository/repository.go and pkg/apis/application/v1alpha1/types.go.
"""

from __future__ import annotations

from cmp.application.document import Application, find
from cmp.application.overrides import overridden
from cmp.application.variables import references, variables

__all__ = ["Application", "find", "overridden", "references", "variables"]

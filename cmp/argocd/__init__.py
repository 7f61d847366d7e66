"""Argo CD's Applications, and the plugin parameters and variables that they hand to a render.

document.py     which of a file's Applications      shape.py        the parts of it that count, and their types
overrides.py    the files `.argocd-source*.yaml`    environment.py  the variables that Argo CD sets for the plugin
parameters.py   what an Application may set         sets/           the Applications that ApplicationSets make

Source: argoproj/argo-cd 3.2, reposerver/repository/repository.go and pkg/apis/application/v1alpha1/types.go.
"""

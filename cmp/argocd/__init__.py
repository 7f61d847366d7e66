"""Argo CD's Applications, and the plugin parameters and variables that they hand to a render.

document.py     the objects of files, and one Application by name
application.py  the parts of an Application that count, and their types
reposerver.py   files `.argocd-source*.yaml` merged into it, and the variables that Argo CD sets for the plugin
parameters.py   the plugin parameters that an Application may set
sets/           the Applications that ApplicationSets make

Source: argoproj/argo-cd 3.2, reposerver/repository/repository.go and pkg/apis/application/v1alpha1/types.go.
"""

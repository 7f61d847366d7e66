"""An Argo CD Config Management Plugin: one application on one cluster, as clean YAML."""

__version__ = "0.2.0.dev0"

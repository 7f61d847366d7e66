"""Argo CD's manifest-generate-paths annotation: `cmp paths` writes it and checks it."""

"""Every pair of a repository rendered in one run: `cmp render --all` and `cmp golden`."""

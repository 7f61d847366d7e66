"""A Git tree read as a repository of applications: configuration, layout, values, Instances."""

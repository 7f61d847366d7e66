"""The stories of `tests/test_reports_of_changes.py`: what happens to a repository, told by topic."""

from tests.changestories import applications, charts, engines, failures, objects, pairs, secrets, settings, values

__all__ = ["applications", "charts", "engines", "failures", "objects", "pairs", "secrets", "settings", "values"]

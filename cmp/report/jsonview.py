"""The whole Report as JSON, and the schema of it; both follow the types in `changes`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Report
from cmp.report import typed_json
from cmp.report.judgement import Judgement, judge

if TYPE_CHECKING:
    from cmp.report.document import Options

VERSION = 1  # raised when a reader of the old would misread the new; another key is no reason


def view(report: Report, options: Options) -> str:
    """Return the Report and the judgement on it as JSON that fits `schema`, with keys in the order of the types."""
    return typed_json.printed(VERSION, judge(report, options.gates), report)


def schema() -> typed_json.Schema:
    """Return the JSON Schema (draft 2020-12) of the JSON view; keys that it does not name may be added later."""
    return typed_json.document("cmp diff --format json", VERSION, Judgement, Report)

"""The result of a check as JSON, and the schema of it; both follow the types in `result`."""

from __future__ import annotations

from cmp.report import typed_json
from cmp.report.findings.result import Result, Verdict

VERSION = 1  # raised when a reader of the old would misread the new; another key is no reason


def view(result: Result, verdict: Verdict) -> str:
    """Return the result and the verdict on it as JSON that fits `schema`, with keys in the order of the types."""
    return typed_json.printed(VERSION, verdict, result)


def schema() -> typed_json.Schema:
    """Return the JSON Schema (draft 2020-12) of the JSON view; keys that it does not name may be added later."""
    return typed_json.document("cmp check --format json", VERSION, Verdict, Result)

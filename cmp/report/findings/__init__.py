"""The result of a check, `cmp check`, as people and CI systems want it.

    result.py     the values, and the verdict on them
    words.py      a finding, its place and its pairs as texts
    plaintext.py  for a terminal            github.py  annotations of GitHub
    jsonview.py   JSON, and its schema      junit.py   JUnit's XML
    sarif.py      SARIF

Pure: values in, text out.  Every view shows hidden characters and escapes what its format would take for markup.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from cmp.report.findings import github, jsonview, junit, plaintext, sarif
from cmp.report.findings.jsonview import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp.report.findings.result import Result, Verdict

__all__ = ["FORMATS", "schema"]

FORMATS: Mapping[str, Callable[[Result, Verdict], str]] = MappingProxyType(
    {
        "text": plaintext.view,
        "json": jsonview.view,
        "sarif": sarif.view,
        "junit": junit.view,
        "github": github.view,
    }
)

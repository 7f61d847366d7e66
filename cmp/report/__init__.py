"""A Report as a reader wants it: text for a terminal, a Markdown comment, an HTML page, JSON.

    document.py   the small document between a Report and its views
    names.py      paths, values, objects and pairs as text on one line
    judgement.py  the verdict, the exit code, and the gates that a change does not pass
    overview.py   the table at the top
    matrix.py     a row for each application, a column for each cluster
    groups.py     one change in several pairs
    lots.py       all objects of pairs that come or go together
    sections.py   the sections above and below the groups
    markup.py     spans and blocks as Markdown
    markdown.py, plaintext.py, page.py (with page.css and page.js), jsonview.py   the views

Pure: values in, text out.  Every view makes control characters and those that turn the writing direction visible, and
escapes what its format would take for markup.  None prints a time: an unchanged result reads the same.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from cmp.report import jsonview, markdown, page, plaintext
from cmp.report.document import Gates, Options
from cmp.report.jsonview import schema
from cmp.report.judgement import judge
from cmp.report.markdown import marker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp.changes import Report

__all__ = ["FORMATS", "Gates", "Options", "judge", "marker", "schema"]

FORMATS: Mapping[str, Callable[[Report, Options], str]] = MappingProxyType(
    {"text": plaintext.view, "markdown": markdown.view, "html": page.view, "json": jsonview.view}
)

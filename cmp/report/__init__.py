"""A Report as a reader wants it: text for a terminal, a Markdown comment, an HTML page, JSON.

    spans.py      the little document between a Report and its views
    places.py     pairs named in a sentence
    overview.py   the verdict and the table at the top
    matrix.py     who changes how
    groups.py     one change in several pairs
    paths.py      a change as a list of paths
    sections.py   everything else
    markup.py     spans and blocks as Markdown; budget.py shares out the length of a comment
    markdown.py, plaintext.py, page.py (with style.py), jsonview.py   the views

Pure: values in, text out.  Every view makes control characters and those that turn the writing direction visible, and
escapes what its format would take for markup.  None prints a time: an unchanged result reads the same.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from cmp.report import jsonview, markdown, page, plaintext
from cmp.report.jsonview import schema
from cmp.report.markdown import marker
from cmp.report.options import Options
from cmp.report.overview import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp.changes import Report

__all__ = ["FORMATS", "Options", "marker", "schema", "verdict"]

FORMATS: Mapping[str, Callable[[Report, Options], str]] = MappingProxyType(
    {"text": plaintext.view, "markdown": markdown.view, "html": page.view, "json": jsonview.view}
)

"""The report for a terminal: plain lines, colours that add nothing, columns of wide characters."""

from __future__ import annotations

import re

from cmp.report import FORMATS, Options
from tests.support import reports


def test_japanese_names_keep_the_columns_of_a_table() -> None:
    first, second = (reports.subjects(name, prod=1)[0] for name in ("請求", "web"))
    groups = [
        reports.group("A", reports.change(first, "Deployment", "web", reports.SCALE), [first]),
        reports.group("B", reports.change(second, "Deployment", "web", reports.SCALE), [second]),
    ]
    shown = FORMATS["text"](reports.report(groups), Options())
    assert "  app   prod-01\n  web   B\n  請求  A\n" in shown


def test_colours_add_nothing_to_the_text() -> None:
    coloured = FORMATS["text"](reports.many(2, 1, 2), Options(color=True))
    assert "\x1b[32m  +  replicas: 5\x1b[0m\n" in coloured
    assert re.sub(r"\x1b\[\d*m", "", coloured) == FORMATS["text"](reports.many(2, 1, 2), Options())


def test_compact_shows_paths_in_place_of_yaml() -> None:
    shown = FORMATS["text"](reports.one_cluster(), Options(compact=True))
    assert "  # apps/v1 Deployment shop/web · templates/deployment.yaml\n  ~ spec.replicas  3 → 5\n" in shown

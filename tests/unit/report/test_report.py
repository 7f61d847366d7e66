"""Reports in every format: golden texts, and properties of all of them."""

from __future__ import annotations

import re

import pytest

from cmp.report import FORMATS, Options
from tests.support import reports
from tests.support.harness import DATA

GOLDEN = DATA / "reports"
SUFFIXES = {"text": "txt", "markdown": "md", "html": "html", "json": "json"}
MADE = {
    "empty": reports.EMPTY,
    "one": reports.one_cluster(),
    "few": reports.many(2, 1, 2),
    "twenty": reports.many(5, 5, 10),
    "many": reports.many(40, 60, 100),
    "wide": reports.wide(60),
    "nasty": reports.nasty(),
}
WRITTEN = [
    *((name, kind) for name in ("one", "nasty") for kind in FORMATS),
    *((name, kind) for name in ("empty", "few", "many") for kind in ("text", "markdown")),
]
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


@pytest.mark.parametrize(("name", "kind"), WRITTEN)
def test_golden(name: str, kind: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{name}.{SUFFIXES[kind]}"
    shown = FORMATS[kind](MADE[name], Options(show_noise=name == "nasty"))
    if request.config.getoption("--update-golden"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def test_golden_of_paths_in_colours(request: pytest.FixtureRequest) -> None:
    path = GOLDEN / "twenty-compact-colours.txt"
    shown = FORMATS["text"](MADE["twenty"], Options(compact=True, color=True, show_noise=True))
    if request.config.getoption("--update-golden"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", MADE)
def test_nothing_hidden_is_left(name: str, kind: str) -> None:
    assert not HIDDEN.search(FORMATS[kind](MADE[name], Options(show_noise=True)))


@pytest.mark.parametrize("kind", ["text", "markdown", "html"])
def test_every_question_of_a_reviewer_is_answered(kind: str) -> None:
    shown = re.sub(r"<[^>]+>|[`*]", "", FORMATS[kind](MADE["few"], Options()))
    for answer in (
        "billing on osaka-dr",  # did anything fail, and was that so before?
        "new in this change",
        "failed before, too",
        "is removed, and its data with it",  # is anything dangerous?
        "4 workloads restart",
        "4 of 6 pairs, synced automatically: dev-01, dev-02",  # which clusters change at merge?
        "1 of 6 pairs, following v1.4.0: prod-02",
        "1 of 6 pairs, waiting for a sync by hand: billing on stg-01",
        "replicas: 5",  # what is the change?
        "so the common change has no effect here",  # who differs?
    ):
        assert answer in shown, answer


def test_half_a_character_is_visible_and_can_be_written() -> None:
    made = MADE["one"]._replace(notes=("\ud800",))
    for kind, view in FORMATS.items():
        assert view(made, Options()).encode().count(b"ud800") == 1, kind

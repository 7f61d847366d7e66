"""Reports in every format: golden texts, and properties of all of them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from cmp.changes import Field, Noise, Outcome
from cmp.report import FORMATS, Options, schema, verdict
from cmp.report.names import path_line
from tests.support import reports
from tests.support.harness import DATA

if TYPE_CHECKING:
    from cmp.changes import Report

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
WORST = (
    "Manifest diff: 200 of 202 clusters, 2 apps, 4 distinct changes, 1 new failure, 1 earlier failure, 1 danger, "
    "1 pair not judged without the key"
)
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


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (MADE["empty"], "Manifest diff: no manifest changes"),
        (MADE["one"], "Manifest diff: 1 of 3 clusters, 1 app, 1 distinct change"),
        (
            MADE["many"],
            WORST,
        ),
        (MADE["one"]._replace(groups=()), "Manifest diff: 1 of 3 clusters, 1 app, nothing to compare with"),
        (
            MADE["one"]._replace(groups=(), noise=(Noise("checksum", 1),)),
            "Manifest diff: 1 of 3 clusters, 1 app, nothing but folded noise",
        ),
    ],
)
def test_verdict(made: Report, line: str) -> None:
    assert verdict(made) == line


def test_nobody_knows_what_changes_at_merge() -> None:
    shown = FORMATS["text"](MADE["one"]._replace(deliveries=()), Options())
    assert "  Unknown at merge: 1 of 1 pair, no Application in this repository says: prod-01\n" in shown
    unclear = reports.delivered(reports.subjects("storefront", prod=1), at_merge=None)
    shown = FORMATS["text"](MADE["one"]._replace(deliveries=unclear), Options())
    assert "  Unknown at merge: 1 of 1 pair, nobody can tell what their Application follows: prod-01\n" in shown


@pytest.mark.parametrize("name", MADE)
def test_json_fits_its_schema(name: str) -> None:
    closed = _closed(schema())
    Draft202012Validator.check_schema(closed)
    Draft202012Validator(closed).validate(json.loads(FORMATS["json"](MADE[name], Options())))


def test_json_reads_back_as_the_report() -> None:
    read = json.loads(FORMATS["json"](MADE["nasty"], Options()))
    assert list(read) == ["version", *MADE["nasty"]._fields]
    assert read["groups"][0]["change"]["identity"]["name"] == reports.NASTY
    assert read["groups"][0]["change"]["was"]["kind"] == reports.NASTY


def test_schema_tells_what_is_wrong() -> None:
    read = json.loads(FORMATS["json"](MADE["one"], Options()))
    read["groups"][0]["change"]["what"] = "broken"
    (error,) = Draft202012Validator(schema()).iter_errors(read)
    assert list(error.absolute_path) == ["groups", 0, "change", "what"]


def _closed(part: Any) -> Any:  # noqa: ANN401  # JSON
    """Return the schema without leave for keys that it does not name."""
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    closed = {key: _closed(value) for key, value in part.items()}
    return {**closed, "additionalProperties": False} if isinstance(part.get("properties"), dict) else closed


class _Page(HTMLParser):
    """Collects the elements of a page, its attributes and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_html_holds_nothing_foreign() -> None:
    page = _Page(FORMATS["html"](MADE["nasty"], Options(show_noise=True)))
    assert page.tags == {
        *("html", "head", "meta", "title", "style", "script", "body", "h1", "h2", "dl", "dt", "dd", "p", "ul", "li"),
        *("code", "pre", "span", "strong", "div", "table", "tr", "th", "td", "details", "summary", "a"),
    }
    assert {name for name, _ in page.attributes} == {
        *("lang", "charset", "http-equiv", "content", "name", "class", "id", "data-words", "open", "href"),
    }
    assert {value for name, value in page.attributes if name == "href"} == {"#group-A"}
    shown = reports.NASTY.replace("\x1b", r"\x1b").replace("\u202e", r"\u202e").replace("\n", r"\n")
    assert page.text.count(shown) > 20


def test_html_tells_all_clusters_of_a_group() -> None:
    page = "".join(_Page(FORMATS["html"](MADE["many"], Options())).text)
    assert "All 199 clusters" in page
    assert all(f"prod-{number:02}" in page for number in range(1, 101))


def test_matrix_of_many_applications_has_only_those_that_stand_out() -> None:
    made = reports.failing(MADE["wide"], *MADE["few"].failures)
    shown = FORMATS["text"](made, Options())
    table = shown.split("Who changes\n")[1].split("\n\n")[0]
    assert table.splitlines()[0].split() == ["app", "dev-01", "kobe-dr", "osaka-dr", "prod-01"]
    assert [row.split()[0] for row in table.splitlines()[1:3]] == ["billing", "vault"]
    assert "60 more apps without outlier, danger or failure." in table


def test_matrix_of_many_applications_that_are_all_alike_is_their_number() -> None:
    assert "Who changes\n  60 apps without outlier, danger or failure.\n\n" in FORMATS["text"](MADE["wide"], Options())


def test_matrix_of_more_outliers_than_there_is_room_for_counts_them() -> None:
    made = MADE["wide"]
    odd = tuple(group._replace(differs_from="ZZ") for group in made.groups[:50])
    shown = FORMATS["markdown"](made._replace(groups=odd + made.groups[50:]), Options())
    assert "10 more apps with an outlier, a danger or a failure.\n\n10 more apps without outlier" in shown


def test_matrix_tells_what_has_no_letter() -> None:
    made = MADE["few"]
    (equal, folded), rest = made.outcomes[:2], made.outcomes[2:]
    folded = folded._replace(changes=(made.groups[0].change,))
    outcomes = (equal._replace(status="equal", changes=()), folded, *rest)
    groups = tuple(group._replace(members=group.members[2:]) for group in made.groups[:1])
    shown = FORMATS["text"](made._replace(outcomes=outcomes, groups=groups), Options())
    assert "  storefront  =       ~       –        –         A        ~        A\n" in shown
    assert "❌ not rendered · ~ only what is folded · = no difference · – nothing rendered\n" in shown


def test_matrix_has_no_row_for_what_stays_as_it_is() -> None:
    made = MADE["one"]
    equal = tuple(Outcome(subject, "equal") for subject in reports.subjects("batch", prod=2))
    shown = FORMATS["text"](made._replace(outcomes=made.outcomes + equal), Options())
    assert "  app         prod-01  prod-02\n  storefront  A        –\n" in shown
    assert "\n  1 more app without a difference.\n" in shown
    shown = FORMATS["text"](reports.EMPTY._replace(outcomes=equal), Options())
    assert "Who changes\n  1 app without a difference.\n" in shown


def test_matrix_of_many_clusters_without_environment_counts() -> None:
    members = [subject._replace(environment="") for subject in reports.subjects("storefront", prod=31)]
    made = reports.report([reports.group("A", reports.change(members[0], "Deployment", "web", reports.SCALE), members)])
    assert "  app         clusters (31)\n  storefront  A ×31\n" in FORMATS["text"](made, Options())  # noqa: RUF001


def test_japanese_names_keep_the_columns_of_a_table() -> None:
    first, second = (reports.subjects(name, prod=1)[0] for name in ("請求", "web"))
    groups = [
        reports.group("A", reports.change(first, "Deployment", "web", reports.SCALE), [first]),
        reports.group("B", reports.change(second, "Deployment", "web", reports.SCALE), [second]),
    ]
    shown = FORMATS["text"](reports.report(groups), Options())
    assert "  app   prod-01\n  web   B\n  請求  A\n" in shown


@pytest.mark.parametrize(
    ("field", "line"),
    [
        (Field(("spec", "replicas"), "changed", 3, 5), "~ spec.replicas  3 → 5"),
        (Field(("spec", "containers", "[web]", "env", "[TZ]"), "added", None, "Asia/Tokyo"),
         "+ spec.containers[web].env[TZ]  Asia/Tokyo"),
        (Field(("data", "a.b"), "removed", "", None), '- data["a.b"]  ""'),
        (Field(("data", "port"), "changed", "80", 80), '~ data.port  "80" → 80'),
        (Field(("args",), "moved", ["a"], ["a"]), "~ args  order only"),
        (Field((), "changed", {"a": None}, [0.5]), '~ (all)  {"a": null} → [0.5]'),
    ],
)  # fmt: skip
def test_path(field: Field, line: str) -> None:
    assert path_line(field) == line


def test_half_a_character_is_visible_and_can_be_written() -> None:
    made = MADE["one"]._replace(notes=("\ud800",))
    for kind, view in FORMATS.items():
        assert view(made, Options()).encode().count(b"ud800") == 1, kind

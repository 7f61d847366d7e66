"""The sections above and below the groups: one function each, from a Report to blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Bump, BumpLine, Failure, FindingLine, Outcome, Unowned
from cmp.report import Options, sections
from cmp.report.document import TIMES, Bullets, CodeBlock, Limits, Paragraph, Table, plain
from tests.support import reports

if TYPE_CHECKING:
    from cmp.changes import Report
    from cmp.report.document import Section

LIMITS = Limits(items=2, names=2, lines=2)


def _text(section: Section | None) -> list[str]:
    """Return the lines of a section's blocks, cells of a table with bars between them."""
    lines: list[str] = []
    for block in section.blocks if section else ():
        if isinstance(block, Paragraph):
            lines.append(plain(block.line))
        elif isinstance(block, Bullets):
            lines += [plain(spans) for spans in block.lines]
        elif isinstance(block, CodeBlock):
            lines += block.lines
        elif isinstance(block, Table):
            lines += [" | ".join(plain(cell) for cell in row) for row in block.rows]
    return lines


def test_the_order_of_the_sections() -> None:
    made, options = reports.many(2, 1, 2), Options(show_noise=True)
    names = [
        [section.name for part in parts if (section := part(LIMITS))]
        for parts in (sections.above_groups(made), sections.below_groups(made, options))
    ]
    assert names == [
        ["failures", "dangers", "matrix"],
        ["bumps", "overridden", "noise", "unowned", "footer"],
    ]


def test_an_empty_report_has_a_footer_only() -> None:
    parts = (*sections.above_groups(reports.EMPTY), *sections.below_groups(reports.EMPTY, Options()))
    assert [section.name for part in parts if (section := part(LIMITS))] == ["footer"]


def test_the_same_error_of_several_pairs_stands_once_new_ones_first() -> None:
    old, new, other = reports.subjects("storefront", prod=3)
    made = reports.failing(
        reports.EMPTY,
        Failure(old, ("no chart",), is_new=False),
        Failure(new, ("a", "b", "c"), is_new=True),
        Failure(other, ("a", "b", "c"), is_new=True),
    )
    assert _text(sections.failures(made, LIMITS)) == [
        *("storefront on 2 clusters (prod-02, prod-03) · new in this change", "a", "b", "… 1 more line"),
        *("storefront on prod-01 · failed before, too", "no chart"),
    ]


def test_a_danger_names_the_object_the_pairs_and_the_rule() -> None:
    made = reports.many(0, 2, 1)
    pairs = "billing on 2 clusters (stg-01, stg-02)"
    assert _text(sections.dangers(made, LIMITS)) == [
        f"PersistentVolumeClaim shop/data is removed, and its data with it · {pairs} · removed-storage",
    ]


def test_a_bump_says_whether_the_manifests_are_equal() -> None:
    pairs = reports.subjects("web", prod=1)
    tool = BumpLine(Bump("tool", "helm", "3.16.4", "", "", pairs[0]), tuple(pairs), is_without_effect=True)
    assert _text(sections.bumps(reports.EMPTY._replace(bumps=(tool, tool, tool)), LIMITS)) == [
        *(["tool helm | 3.16.4 | – | – | web on prod-01, manifests equal"] * 2),
        "… and 1 more version",
    ]


def test_a_value_that_a_stronger_layer_sets_has_no_effect() -> None:
    cause = reports.REPLICAS._replace(overridden_by="clusters/prod/storefront.yaml:4")
    pairs = reports.subjects("storefront", prod=2)
    made = reports.EMPTY._replace(outcomes=tuple(Outcome(pair, "equal", causes=(cause,)) for pair in pairs))
    stronger = "clusters/prod/storefront.yaml:4 sets it on prod-01, prod-02"
    assert _text(sections.overridden(made, LIMITS)) == [
        f"common/storefront.yaml:18 sets replicas to 5, it was 3, without effect: {stronger}",
    ]


def test_folded_differences_are_counted_by_rule() -> None:
    pairs = reports.subjects("web", prod=2)
    change = reports.change(pairs[0], "Deployment", "web", folded=(reports.LABEL,))
    made = reports.EMPTY._replace(outcomes=tuple(Outcome(pair, "changed", (change,)) for pair in pairs))
    assert _text(sections.noise(made, LIMITS)) == [
        "chart-labels",
        'web Deployment/web: ~ metadata.labels["helm.sh/chart"]  web-1.0.0 → web-1.1.0  \N{MULTIPLICATION SIGN}2',
    ]


def test_a_file_of_no_application_has_its_consequence_and_its_rule() -> None:
    files = (Unowned("docs/a.md", "*.md", "it cannot change a manifest"), Unowned("x", "", "`all` were rendered"))
    assert _text(sections.unowned(reports.EMPTY._replace(unowned=files), LIMITS)) == [
        "docs/a.md: it cannot change a manifest (*.md)",
        "x: all were rendered",
    ]


def test_the_footer_says_how_to_see_the_same_again() -> None:
    made: Report = reports.EMPTY._replace(notes=("A `note`.",))
    assert _text(sections.footer(made, Limits(items=9, names=2, lines=2), Options(reproduce="diff {base} {head}"))) == [
        "Compared: 9b1e44a0c7d2 (merge base of main) → d07c2f1e5b6a",
        "640 pairs of app and cluster: 0 touched by a changed file, 0 with other inputs, 0 rendered",
        "Reproduce: diff 9b1e44a0c7d2 d07c2f1e5b6a",
        "A note.",
    ]


def test_new_findings_have_their_object_field_pairs_level_and_rule() -> None:
    pair = tuple(reports.subjects("storefront", prod=1))
    line = FindingLine(reports.PROBE, pair)
    whole = line.finding._replace(path=(), file="common.yaml", line=3)
    made = reports.found(line, line._replace(finding=whole), line, line._replace(finding=whole._replace(level="note")))
    message = "is not a known field: did you mean livenessProbe? · storefront on prod-01"
    assert _text(sections.findings(made, LIMITS)) == [
        f"Deployment shop/web spec.template.spec.containers[0].livenessProb {message} · error unknown-field",
        f"Deployment shop/web {message} · from common.yaml:3 · error unknown-field",
        "… and 1 more finding",
    ]
    assert sections.findings(reports.found(fixed=1, unjudged=1), LIMITS) is None


def test_the_footer_says_what_is_not_judged() -> None:
    options, limits = Options(), LIMITS._replace(items=9)
    said = f"Not judged: 4 {TIMES} Certificate of cert-manager.io: no schema of it is at hand"
    assert said in _text(sections.footer(reports.found(unjudged=4), limits, options))
    for made in (reports.EMPTY, reports.found()):
        assert not [text for text in _text(sections.footer(made, limits, options)) if "Not judged" in text]

"""The section on charts with another version, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Bump, BumpLine, ChartBumpDetails, ChartDefault, ChartDefinition, ChartNote
from cmp.report.chart_bumps import chart_bumps
from cmp.report.document import Bullets, Limits, Paragraph, plain
from tests.support import reports

if TYPE_CHECKING:
    from cmp.changes import Report

LIMITS = Limits(items=2, names=2, lines=2)
(DEV, PROD) = reports.subjects("shop", dev=1, prod=1)


def told(details: ChartBumpDetails, before: str = "1.0.0", after: str = "2.0.0") -> list[str]:
    """Return the lines of the section, without its title."""
    bump = BumpLine(Bump("chart", "part", before, after, "major", DEV), (DEV,), details=(details,))
    return lines(reports.EMPTY._replace(bumps=(bump,)))[1:]


def lines(report: Report) -> list[str]:
    section = chart_bumps(report, LIMITS)
    found: list[str] = []
    for block in section.blocks if section else ():
        if isinstance(block, Bullets):
            found += [f"- {plain(one)}" for one in block.lines]
        elif isinstance(block, Paragraph):
            found.append(plain(block.line))
    return found


def default(path: str, what: str, *overrides: str, before: str = "1", after: str = "2") -> ChartDefault:
    return ChartDefault(tuple(path.split(".")), what, before, after, overrides)  # type: ignore[arg-type]


def test_a_bump_without_details_has_no_section() -> None:
    bump = BumpLine(Bump("image", "a", "1", "2", "major", DEV), (DEV,))
    assert chart_bumps(reports.EMPTY._replace(bumps=(bump,)), LIMITS) is None


def test_defaults_by_their_weight() -> None:
    misfit = default("size", "changed", "a.yaml:1", before='{"a":1}', after="[1]")
    scalar = default("mode", "changed", "a.yaml:2", before="[]", after='"x"')
    defaults = (
        misfit._replace(misfits=("a.yaml:1",)),
        scalar._replace(misfits=("a.yaml:2",)),
        default("auth", "removed", "a.yaml:3", "b.yaml:3", "c.yaml:3", after=""),
        default("replicas", "changed", "a.yaml:4"),
        default("tag", "changed", "a.yaml:5"),
        default("pods", "changed", "a.yaml:6"),
        default("new", "added", "a.yaml:7"),
        default("old", "removed"),
        *(default(f"c.{number}", "changed") for number in range(3)),
        default("more", "added"),
    )
    assert told(ChartBumpDetails(defaults=defaults, more_defaults=2)) == [
        "- another shape under what is set here: size is a list now, and was a map: see a.yaml:1",
        "- another shape under what is set here: mode is a single value now, and was a list: see a.yaml:2",
        "- no longer among the chart's default values, and set here: auth at a.yaml:3, b.yaml:3, and 1 more",
        "- another default, and set here: replicas 1 → 2, at a.yaml:4",
        "- another default, and set here: tag 1 → 2, at a.yaml:5",
        "- … and 1 more default of that kind",
        "- a new default, and set here: new at a.yaml:7",
        "- 1 gone default: old",
        "- 3 changed defaults: c.0 1 → 2, c.1 1 → 2, and 1 more",
        "- 1 new default: more",
        "- 2 more defaults that differ",
    ]


def test_the_words_of_a_chart() -> None:
    notes = (ChartNote("security", "one", ("https://a.example",)), ChartNote("", "two"), ChartNote("fixed", "three"))
    details = ChartBumpDetails(
        noted="2.0.0", notes=notes, deprecated="kept", has_security_updates=True, is_prerelease=True,
        kube_versions=("", ">=1.30"), definitions=(ChartDefinition("a.example", "removed", "", is_rendered=False),),
    )  # fmt: skip
    shown = [
        "- wants Kubernetes >=1.30 (before: of any version)",
        "- deprecated by its authors, as before",
        "- by its own words 2.0.0 contains security updates",
        "- a pre-release, which the version before is not",
        "- CRD a.example goes (in crds/ and not rendered: nothing here brings it to the cluster)",
    ]
    listed = ["- security: one (https://a.example)", "- two", "- … and 1 more entry"]
    title = "Changes that 2.0.0 lists; those of versions between, if there are any, are not known here"
    assert told(details) == [*shown, title, *listed]
    assert told(details._replace(is_next=True)) == [*shown, "Changes that 2.0.0 lists", *listed]
    back = "This goes back: it undoes the changes that 2.0.0 lists, and those of versions between"
    assert told(details, "2.0.0", "1.0.0") == [*shown, back, *listed]


def test_clusters_that_it_is_not_made_for_and_pairs_without_it() -> None:
    details = ChartBumpDetails(kube_versions=("", ">=1.30"), unmet=(PROD,), disabled=(DEV,), keys=("one", ""))
    assert told(details) == [
        (
            "- not made for the Kubernetes of shop on prod-01: it wants >=1.30, "
            "and helm asks that of the outermost chart alone"
        ),
        "- its values stand under the top now, and stood under one",
        "- left out by its condition or tags: shop on dev-01",
        "- none of its default values that take effect here differs, and none of the CRDs in its crds/",
    ]


def test_what_is_not_known_is_said_and_nothing_else() -> None:
    remark = "not explained: the archive of `1.0.0` is not in the cache"
    assert told(ChartBumpDetails(remarks=(remark,))) == [f"- {remark.replace('`', '')}"]


def test_more_charts_than_the_limit() -> None:
    bump = BumpLine(Bump("chart", "part", "1", "2", "major", DEV), (DEV,), details=(ChartBumpDetails(),))
    assert lines(reports.EMPTY._replace(bumps=(bump,) * 3))[-1] == "… and 1 more chart"

"""The details of bumps of many pairs, put together."""

from __future__ import annotations

from itertools import permutations

from cmp.changes import Bump, ChartBumpDetails, ChartDefault, ChartDefinition, ChartNote, Outcome, Subject
from cmp.preview.bumps.explained import MAX_DEFAULTS, Explained, bounded
from cmp.preview.bumps.lines import Explanations, bump_lines

DEV, PROD = Subject("shop", "dev"), Subject("shop", "prod")
CHARTS = ("a", "b")
SECRET = "‹secret 0a›"


def bump(subject: Subject, kind: str = "chart") -> Bump:
    return Bump(kind, "part", before="1.0.0", after="2.0.0", size="major", subject=subject)  # type: ignore[arg-type]


def default(path: str, what: str = "changed", *overrides: str, before: str = "1") -> ChartDefault:
    return ChartDefault(tuple(path.split(".")), what, before, "2", overrides)  # type: ignore[arg-type]


def explained(subject: Subject, details: ChartBumpDetails, charts: tuple[str, str] = CHARTS) -> Explained:
    return Explained(bump(subject), charts, details)


def test_two_pairs_with_the_same_charts_whatever_their_order() -> None:
    pairs = [
        explained(
            DEV,
            ChartBumpDetails(
                notes=(ChartNote("fixed", f"the password {SECRET}"),),
                definitions=(ChartDefinition("a", "changed", "", is_rendered=True),),
                defaults=(default("a", "changed", "common.yaml:10", "dev.yaml:1"), default("b", before=f'"{SECRET}"')),
                unmet=(DEV,),
            ),
        ),
        explained(
            PROD,
            ChartBumpDetails(
                notes=(ChartNote("fixed", "the password clear"),),
                definitions=(ChartDefinition("a", "changed", "", is_rendered=False),),
                defaults=(default("b", "changed", before='"clear"'), default("a", "changed", "common.yaml:10")),
                remarks=("one",),
                disabled=(PROD,),
            ),
        ),
    ]
    told = set()
    for order in permutations(pairs):
        told.add(Explanations(order).of(bump(Subject("other", "any"))))
    ((merged,),) = told
    assert [(one.path, one.before, one.overrides) for one in merged.defaults] == [
        (("a",), "1", ("common.yaml:10", "dev.yaml:1")),
        (("b",), f'"{SECRET}"', ()),
    ], "a value that one pair masks is masked"
    assert merged.notes[0].text == f"the password {SECRET}"
    assert not merged.definitions[0].is_rendered
    assert (merged.unmet, merged.disabled, merged.remarks) == ((DEV,), (PROD,), ("one",))


def test_two_charts_of_one_name_are_two() -> None:
    one, other = ChartBumpDetails(noted="x"), ChartBumpDetails(noted="y")
    explanations = Explanations([explained(DEV, one), explained(PROD, other, ("a", "c"))])
    assert [one.noted for one in explanations.of(bump(DEV))] == ["x", "y"]
    assert explanations.of(bump(DEV)._replace(after="3.0.0")) == ()


def test_details_stand_once_where_a_bump_has_an_effect_in_some_pairs_alone() -> None:
    explanations = Explanations([explained(DEV, ChartBumpDetails(noted="x"))])
    outcomes = [
        Outcome(DEV, "equal", bumps=(bump(DEV),)),
        Outcome(PROD, "changed", bumps=(bump(PROD), bump(PROD, "image"))),
    ]
    assert [
        (line.bump.kind, line.is_without_effect, len(line.details)) for line in bump_lines(outcomes, explanations)
    ] == [
        ("image", False, 0),
        ("chart", False, 1),
        ("chart", True, 0),
    ]
    (only,) = bump_lines(outcomes[:1], explanations)
    assert len(only.details) == 1


def test_the_weightiest_defaults_are_kept() -> None:
    many = [default(f"k{number:04}", "added") for number in range(MAX_DEFAULTS)]
    misfit = default("m", "changed", "a.yaml:1")._replace(misfits=("a.yaml:1",))
    kept = bounded(
        ChartBumpDetails(
            defaults=(*many, default("z"), default("y", "removed"), default("x", "changed", "a.yaml:1"), misfit,
                      default("w", "removed", "a.yaml:2"))
        )
    )  # fmt: skip
    assert [one.path[0] for one in kept.defaults[:6]] == ["w", "m", "x", "y", "z", "k0000"]
    assert (len(kept.defaults), kept.more_defaults) == (MAX_DEFAULTS, 5)
    explanations = Explanations(explained(subject, kept) for subject in (DEV, PROD))
    assert [(len(one.defaults), one.more_defaults) for one in explanations.of(bump(DEV))] == [(MAX_DEFAULTS, 5)]

"""The section of a new cluster says what is as on its sister, and what is not; nothing that is not known is equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.changes import Change, Field, Group, Likeness, Lot, Member, ObjectDifference, Part, SisterCluster
from cmp.model import Identity
from cmp.report import lots, sisters
from cmp.report.document import Limits, plain
from tests.support.outcomes import config, outcome_of, subject_of

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMITS = Limits(items=20, names=3, lines=10)
RATES = Identity("", "ConfigMap", "shop", "rates")


def _lot(*pairs: Likeness, others: Sequence[str] = ()) -> Lot:
    names = tuple(dict.fromkeys(one.subject.cluster for one in pairs))
    parts = tuple(Part(_change(one), (Member(one.subject),)) for one in pairs)
    sister = SisterCluster("north", names, pairs, tuple(others))
    return Lot("comes", "cluster", names, tuple(one.subject for one in pairs), parts, (sister,))


def _change(one: Likeness) -> Change:
    (change,) = outcome_of(one.subject.cluster, "", config("a: b"), app=one.subject.app).changes
    return change


def _lines(*pairs: Likeness, others: Sequence[str] = ()) -> list[str]:
    return [plain(text) for text in sisters.lines(_lot(*pairs, others=others), LIMITS)]


def _equal(app: str, cluster: str = "south", secrets: int = 0, ciphertexts: int = 0) -> Likeness:
    return Likeness(subject_of(cluster, app), "equal", secrets=secrets, ciphertexts=ciphertexts)


def _different(app: str, *fields: Field, what: str = "changed", cluster: str = "south") -> Likeness:
    difference = ObjectDifference(RATES, what, fields)  # type: ignore[arg-type]  # one of the three
    return Likeness(subject_of(cluster, app), "different", (difference,))


def test_all_that_is_equal_is_one_line() -> None:
    pairs = [_equal(f"app-{number}") for number in range(30)]
    assert _lines(*pairs) == ["All 30 applications are as on north, the names and facts of clusters aside"]
    assert plain(sisters.short(_lot(*pairs))) == "as on north"


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (Likeness(subject_of("south", "b"), "missing"), "Not on north: b"),
        (Likeness(subject_of("south", "b"), "failed", error="no chart"), "Cannot be rendered on north: b (no chart)"),
        (Likeness(subject_of("south", "b"), "not-compared"), "Not compared with north, beyond the limit of pairs: b"),
        (_different("b", what="added"), "b ConfigMap/rates is not on north"),
        (_different("b", what="removed"), "b ConfigMap/rates is on north alone"),
        (_different("b", Field(("a",), "changed", 1, 2)), "b ConfigMap/rates is not as on north: a is 2, not 1"),
        (Likeness(subject_of("south", "b"), "not-rendered"), None),
    ],
)
def test_what_is_not_equal_is_not_counted_as_equal(other: Likeness, said: str | None) -> None:
    first, *rest = _lines(_equal("a"), other)
    assert first == "1 of 2 applications is as on north, the names and facts of clusters aside"
    assert rest == ([said] if said else [])
    assert plain(sisters.short(_lot(_equal("a"), other))) == "1 of 2 as on north"


def test_where_nothing_is_equal_the_summary_is_silent() -> None:
    assert sisters.short(_lot(_different("b", what="added"))) == ()
    assert sisters.short(Lot("comes", "cluster", ("south",), (), ())) == ()


def test_secrets_are_counted_beside_what_is_equal() -> None:
    assert _lines(_equal("a", secrets=2), _equal("b"), _equal("c", secrets=1, ciphertexts=1))[1:] == [
        "3 secret values differ: a, c",
        "1 secret value has other ciphertext, and no key tells whether they differ: c",
    ]


def test_objects_that_name_the_sister_are_told_and_are_as_there_all_the_same() -> None:
    pairs = [_equal(app)._replace(mentions=(RATES,)) for app in "abcd"]
    assert _lines(*pairs)[1:] == [
        "Names north and not its own cluster: a ConfigMap/rates, b ConfigMap/rates, c ConfigMap/rates, and 1 more"
    ]
    assert plain(sisters.short(_lot(*pairs))) == "as on north"


def test_applications_of_the_sister_alone_are_named() -> None:
    assert _lines(_equal("a"), _equal("b"), others=["c", "d", "e", "f"])[1:] == ["On north alone: c, d, e, and 1 more"]


def test_fields_are_few_and_short() -> None:
    fields = [
        Field(("long",), "changed", "a" * 100, "b"),
        Field(("order",), "moved", [1, 2], [2, 1]),
        Field(("new",), "added", None, {"a": "b" * 100}),
        Field(("more",), "changed", 1, 2),
        Field(("last",), "changed", 1, 2),
    ]
    (line,) = _lines(_different("b", *fields))[1:]
    assert line == (
        "b ConfigMap/rates is not as on north: long differs in 1 line; order has another order; new is there; "
        "and 2 more differences"
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("level info", "level debug", "text has level debug, not level info"),
        ("level info", "level debug\nmore", "text differs in 2 lines"),
        ("level info", "", "text differs in 1 line"),
        ("first\nsecond", "second\nfirst", "text has another order of lines"),
        ("x", "y" * 100, "text differs in 1 line"),
    ],
)
def test_of_a_long_text_the_line_is_told_that_differs(before: str, after: str, said: str) -> None:
    around = "a long line in front of it, with so many characters that no report shows it\n"
    (line,) = _lines(_different("b", Field(("text",), "changed", around + before, around + after)))[1:]
    assert line == f"b ConfigMap/rates is not as on north: {said}"


def test_one_difference_on_several_new_clusters_is_one_line_with_these() -> None:
    field = Field(("a",), "changed", 1, 2)
    pairs = [_different("b", field, cluster=f"south-{number}") for number in (1, 2)]
    assert _lines(*pairs, _equal("b", "south-3"), _equal("c", "south-3"))[:2] == [
        "2 of 4 pairs on south-1, south-2, south-3 are as on north, the names and facts of clusters aside",
        "b ConfigMap/rates on south-1, south-2 is not as on north: a is 2, not 1",
    ]


def test_lines_beyond_the_limit_are_counted() -> None:
    pairs = [_different(f"app-{number}", what="added") for number in range(30)]
    assert len(_lines(*pairs)) == LIMITS.items + 1
    assert _lines(*pairs)[-1] == "and 11 more"


@pytest.mark.parametrize("is_compact", [False, True])
def test_objects_as_on_the_sister_are_counted_and_not_shown(*, is_compact: bool) -> None:
    lot = _lot(_equal("a"), _equal("b"), _different("c", what="added"))
    group = Group("A", "a", lot.parts[0].change, (Member(lot.pairs[0]),), lot=lot)
    section = lots.section(group, LIMITS, is_compact=is_compact)
    assert len(section.objects) == 3  # for the page
    assert [hunk[0].lstrip("#+ ")[:10] for hunk in section.hunks] == ["v1 ConfigM", "2 objects "]
    assert section.hunks[-1] == ("# 2 objects as on north: the HTML page has them",)


def test_of_an_application_that_differs_only_what_differs_is_shown() -> None:
    subject = subject_of("south", "a")
    settings, rates = (config("a: b", name=name) for name in ("settings", "rates"))
    changes = outcome_of("south", "", settings + rates, app="a").changes
    found = _different("a", Field(("data", "a"), "changed", "c", "b"))._replace(same=(changes[1].identity,))
    assert changes[1].identity.name == "settings"
    parts = tuple(Part(change, (Member(subject),)) for change in changes)
    lot = _lot(found)._replace(parts=parts)
    assert sisters.others(lot) == {0}
    both = Part(changes[1], (Member(subject), Member(subject_of("x", "a"))))
    assert sisters.others(lot._replace(parts=(both,))) == {0}  # nobody knows about the second pair

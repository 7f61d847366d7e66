"""Findings that `checks.skip` passes over: which entry fits, and which is of no use."""

from __future__ import annotations

import pytest

from cmp.checks.skips import fits, shown, sort_out
from cmp.repository.config.model import SkippedFinding
from tests.support.check_results import SHOP_DEV, SHOP_PROD, finding


@pytest.mark.parametrize(
    ("rule", "kind", "name", "is_fitting"),
    [
        ("", "", "", True),
        ("schema", "Deployment", "web", True),
        ("schema", "Pod", "", False),
        ("sch*", "*", "*", True),
        ("*ema", "Dep*ment", "w*b", True),
        ("*a*e*", "", "", False),
        ("sc*c*hema", "", "", False),
        ("", "", "shop/web", True),
        ("", "", "shop/*", True),
        ("", "", "till/*", False),
        ("", "", "webb*b", False),
        ("policy/*", "", "", False),
    ],
)
def test_an_entry_fits_by_rule_kind_and_name(rule: str, kind: str, name: str, *, is_fitting: bool) -> None:
    assert fits(SkippedFinding("because", rule, kind, name), finding()) == is_fitting


def test_the_first_entry_counts_and_the_others_are_told() -> None:
    first, second, third = (
        SkippedFinding("a", rule=rule, place=f"cmp.yaml:{rule}") for rule in ("value", "v*", "nope")
    )
    found = ((SHOP_DEV, finding("value")), (SHOP_PROD, finding()))
    done = sort_out(found, (first, second, third))
    assert done.counted == (found[1],)
    assert done.passed_over == ((first, *found[0]),)
    assert done.unused == (third,)


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    entry = SkippedFinding("slow", rule="*a" * 400 + "b")
    assert not fits(entry, finding("a" * 100_000))


def test_an_entry_is_shown_by_its_keys() -> None:
    assert shown(SkippedFinding("x", rule="policy/*", kind="Pod")) == "rule policy/*, kind Pod"
    assert shown(SkippedFinding("x")) == "every finding"

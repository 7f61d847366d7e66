"""Lines of styled spans, from which every view writes its own markup."""

from __future__ import annotations

from cmp.report.document import Span, code, joined, line, plain, plural, sentence


def test_a_line_is_made_of_texts_spans_and_lines_without_empty_ones() -> None:
    assert line("sets ", code("replicas"), "", line(" to ", code("5"))) == (
        Span("sets "),
        Span("replicas", "code"),
        Span(" to "),
        Span("5", "code"),
    )


def test_empty_lines_are_not_joined() -> None:
    assert plain(joined([line("a"), (), line("b")], ", ")) == "a, b"
    assert joined([(), ()], ", ") == ()


def test_names_between_backticks_are_code() -> None:
    assert sentence("`a.yaml` sets it to `5`.") == (
        Span("a.yaml", "code"),
        Span(" sets it to "),
        Span("5", "code"),
        Span("."),
    )


def test_a_count_has_its_noun() -> None:
    assert [plural(0, "pair"), plural(1, "pair"), plural(2_000, "pair")] == ["0 pairs", "1 pair", "2,000 pairs"]
    assert plural(2, "more entry", "more entries") == "2 more entries"

"""Spans and blocks as Markdown: names in code, prose escaped, messages in fences."""

from __future__ import annotations

import pytest

from cmp.report.document import Bullets, CodeBlock, Paragraph, Span, Table, line
from cmp.report.markup import blocks, code, escaped, fenced, summary, text


def test_a_line_has_code_and_prose() -> None:
    spans = line("set by ", Span("@team", "code"), " in #12", Span(" twice", "strong"))
    assert text(spans) == "set by `@team` in &#35;&#8203;12** twice**"
    assert summary(spans) == "set by <code>@team</code> in &#35;&#8203;12<b> twice</b>"


def test_each_block_is_followed_by_an_empty_line() -> None:
    assert blocks([Paragraph(line("a")), Bullets((line("b"), line("c"))), CodeBlock(("d",))]) == (
        "a\n\n- b\n- c\n\n```text\nd\n```\n\n"
    )
    assert blocks([Table((line("x"), line("y")), ((line("1"), line("2")),))]) == "| x | y |\n|---|---|\n| 1 | 2 |\n\n"


def test_a_fence_is_longer_than_the_backticks_in_it() -> None:
    assert fenced(["a", "````"], "diff") == "`````diff\na\n````\n`````\n"
    assert fenced(["a`b"], "text") == "```text\na`b\n```\n"
    assert fenced(["a\n```\rb\tc"], "text") == "````text\na\\n```\\rb\tc\n````\n"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("web", "`web`"),
        ("@team #12", "`@team #12`"),
        ("a|b", "<code>a&#124;b</code>"),
        ("`x`*", "<code>&#96;x&#96;&#42;</code>"),
        (" a", "<code>&#32;a</code>"),
        ("\u202ea\n", r"`\u202ea\n`"),
        ("x" * 300, f"`{'x' * 199}…`"),
    ],
)
def test_names_stand_in_code(raw: str, shown: str) -> None:
    assert code(raw) == shown


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("it was 3, not 5", "it was 3, not 5"),
        ("@team", "&#64;&#8203;team"),
        ("org/repo#12", "org/repo&#35;&#8203;12"),
        ("gh-12", "gh-&#8203;12"),
        ("https://e.example", "https&#58;&#8203;//e.example"),
        ("www.e.example", "www&#8203;.e.example"),
        ("<b>|*a*", "&#60;b&#62;&#124;&#42;a&#42;"),
        ("&amp;", "&#38;&#8203;amp;"),
        ("![a](b)", "&#33;&#8203;&#91;a&#93;(b)"),
    ],
)
def test_prose_is_read_as_it_stands(raw: str, shown: str) -> None:
    assert escaped(raw) == shown

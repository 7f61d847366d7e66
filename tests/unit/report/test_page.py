"""The HTML page: nothing foreign in it is markup, and its policy allows its own style and script only."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

from cmp.report import FORMATS, Options
from tests.support import reports


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
    page = _Page(FORMATS["html"](reports.nasty(), Options(show_noise=True)))
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
    page = "".join(_Page(FORMATS["html"](reports.many(40, 60, 100), Options())).text)
    assert "All 199 clusters" in page
    assert all(f"prod-{number:02}" in page for number in range(1, 101))


def test_the_policy_has_the_hashes_of_the_style_and_the_script() -> None:
    page = FORMATS["html"](reports.one_cluster(), Options())
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_a_group_is_found_by_its_letter_and_its_words() -> None:
    page = FORMATS["html"](reports.one_cluster(), Options())
    assert (
        '<details class="group" id="group-A" data-words="a · storefront · deployment/web · 1 cluster (prod-01)' in page
    )
    assert '<a class="letter" href="#group-A">A</a>' in page
    assert '<span class="del">-  replicas: 3\n</span><span class="add">+  replicas: 5\n</span>' in page

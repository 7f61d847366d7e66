"""docs/layout.md: each tree, read by the layout beside it, has the pairs that the page shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cmp.engines import ENGINES
from cmp.repository.config import keys
from tests.support.harness import CHECKOUT
from tests.support.trees import CHART, plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

pytestmark = pytest.mark.no_tools

PAGE = (CHECKOUT / "docs/layout.md").read_text("utf-8")
_SECTION = re.compile(r"^#{2,3} ([^\n]+)\n(.*?)(?=^#{2,3} |\Z)", re.MULTILINE | re.DOTALL)
_BLOCKS = re.compile(r"^```tree\n(.*?)^```\n```yaml\n(.*?)^```\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A section's tree, a file a line (`path` or `path: content`), the layout that reads it, and the pairs."""

    heading: str
    tree: str
    layout: str
    pairs: str

    @property
    def files(self) -> dict[str, str]:
        """The files, those of engines with a content that the engine reads."""
        lines = (line.partition(": ") for line in self.tree.splitlines())
        return {path: f"{text}\n" if text else CHART if path.endswith("Chart.yaml") else "" for path, _, text in lines}


EXAMPLES = [Example(heading, *found) for heading, text in _SECTION.findall(PAGE) for found in _BLOCKS.findall(text)]


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.heading for example in EXAMPLES])
def test_the_layout_reads_the_tree_as_the_page_shows(example: Example, tmp_path: Path, sandbox: Sandbox) -> None:
    plant(tmp_path / "repo", {**example.files, "cmp.yaml": f"version: 1\n{example.layout}"})
    ran = sandbox.run("apps", cwd=tmp_path / "repo")
    assert (ran.stdout, ran.stderr, ran.code) == (example.pairs, "", 0)


def test_every_key_of_the_layout_has_a_section_and_every_key_but_two_an_example() -> None:
    known = {*keys.repository({name: one.options for name, one in ENGINES.items()}).known["layout"].known}  # type: ignore[attr-defined]
    named = {key for heading, _ in _SECTION.findall(PAGE) for key in re.findall(r"`(\w+)`", heading)}
    assert named == known | {"clusters", "applications"}
    shown = {key for example in EXAMPLES for key in re.findall(r"^  (\w+):", example.layout, re.MULTILINE)}
    assert shown == known - {"release", "namespace"}

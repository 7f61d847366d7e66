"""Every wrong configuration is refused with exactly the text that stands beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp import __version__
from cmp.engines import ENGINES
from cmp.errors import ConfigError
from cmp.repository import config
from cmp.schema.spec import MAX_QUOTED
from cmp.system.tree import WorkTree
from tests.support.invalid_configurations import OWN_VERSION, WRONG, Wrong

if TYPE_CHECKING:
    from pathlib import Path

SPECIFICATIONS = {name: facts.options for name, facts in ENGINES.items()}
APP = "apps/web"


@pytest.mark.parametrize("wrong", WRONG, ids=[wrong.name for wrong in WRONG])
def test_it_is_refused_and_all_of_it_is_said_at_once(wrong: Wrong, tmp_path: Path) -> None:
    for path, content in wrong.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        _load(tmp_path)

    assert "\n".join(caught.value.lines()) == wrong.error.replace(OWN_VERSION, __version__)


def _load(root: Path) -> None:
    config.load_app(WorkTree(str(root)), APP, SPECIFICATIONS)
    config.load(WorkTree(str(root)), SPECIFICATIONS)


def test_there_are_many_cases_and_no_two_are_the_same() -> None:
    assert len({wrong.name for wrong in WRONG}) == len(WRONG)
    assert len({tuple(wrong.files.items()) for wrong in WRONG}) == len(WRONG) >= 100


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "clusters.yaml").write_text("dev: {}\n")
    (root / "clusters.yaml").symlink_to("../clusters.yaml")
    (root / "cmp.yaml").write_text("clusters: {file: clusters.yaml}\n")

    with pytest.raises(ConfigError) as caught:
        config.load(WorkTree(str(root)), SPECIFICATIONS)

    assert caught.value.lines() == [
        "cmp: the inventory `clusters.yaml`: this path leads outside the source tree",
        "  where: cmp.yaml:1:18",
    ]


@pytest.mark.parametrize(("folder", "place"), [("cmp.yaml", "cmp.yaml"), ("clusters.yaml", "cmp.yaml:1:18")])
def test_a_folder_is_no_configuration(folder: str, place: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir()
    if folder != "cmp.yaml":
        (tmp_path / "cmp.yaml").write_text("clusters: {file: clusters.yaml}\n")

    with pytest.raises(ConfigError) as caught:
        config.load(WorkTree(str(tmp_path)), SPECIFICATIONS)

    assert caught.value.file == place


def test_a_long_text_is_shown_in_part(tmp_path: Path) -> None:
    (tmp_path / "cmp.yaml").write_text(f"tools: {{helm: {'9' * 10_000}}}\n")

    with pytest.raises(ConfigError) as caught:
        config.load(WorkTree(str(tmp_path)), SPECIFICATIONS)

    shown = "9" * (MAX_QUOTED - 1) + "…"
    assert caught.value.what == f"`{shown}` is not an exact version; a pin names one, such as 3.18.6"

"""The layer of what only a release has: lists whole, secrets left out, a file that is new and private."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from cmp.errors import UsageError
from cmp.live import layer, values
from cmp.live.layer import LiveLayer, layer_of
from cmp.live.releases import Release
from cmp.live.values import GivenValues, SecretPaths
from cmp.render.merged_values import MergedValues
from cmp.repository.values import Origins

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = Release("shop", "store", 3, "deployed", "", "shop", "1.0.0", b"", ())


def made(live: dict[str, object], git: dict[str, object], *, encrypted: dict[str, object] | None = None) -> LiveLayer:
    """Return the layer of a release beside Git, whose one layer is `encrypted` where that is given."""
    origins = Origins(git, [("common.yaml", json.dumps(encrypted or git).encode())], [], [])
    here = MergedValues(git, origins, frozenset(["common.yaml"]))
    secrets = SecretPaths(here, ["in-a-secret"])
    given = GivenValues(live, live)
    return layer_of(values.compare(given, here, secrets), given, secrets, lambda text: "decrypted" in text)


def test_it_has_what_git_lacks_and_what_git_has_otherwise_and_no_more() -> None:
    live: dict[str, object] = {"a": {"b": 1, "c": 2}, "d": "x", "e": None}
    git: dict[str, object] = {"a": {"b": 1, "c": 3, "only": 4}, "e": 5}

    assert made(live, git) == LiveLayer({"a": {"c": 2}, "d": "x", "e": None}, ())


def test_a_list_is_taken_whole_as_helm_merges_none() -> None:
    assert made({"a": [{"n": 1}, {"n": 2}]}, {"a": [{"n": 1}, {"n": 3}]}).values == {"a": [{"n": 1}, {"n": 2}]}


def test_what_is_secret_is_left_out_by_its_path() -> None:
    live: dict[str, object] = {"password": "p", "x": "see in-a-secret", "y": "see decrypted", "z": "ok"}

    assert made(live, {}) == LiveLayer({"z": "ok"}, ("password", "x", "y"))


def test_a_list_with_an_equal_item_that_is_encrypted_in_git_is_left_out() -> None:
    git: dict[str, object] = {"env": [{"v": "plain"}, {"w": 1}]}
    live: dict[str, object] = {"env": [{"v": "plain"}, {"w": 2}]}

    found = made(live, git, encrypted={"env": [{"v": "ENC[AES256_GCM,data:x]"}, {"w": 1}]})

    assert found == LiveLayer({}, ("env",))


def test_the_file_is_private_and_says_where_its_values_are_from(tmp_path: Path) -> None:
    file = tmp_path / "live.yaml"

    layer.write(str(file), LiveLayer({"a": {"b": "1.30"}}, ()), RELEASE, "prod-admin")

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == (
        "# Values of the release shop in namespace store (context prod-admin, revision 3) that Git does not have.\n"
        'a:\n  b: "1.30"\n'
    )


@pytest.mark.parametrize("is_link", [False, True])
def test_no_file_is_written_over(tmp_path: Path, *, is_link: bool) -> None:
    file, target = tmp_path / "live.yaml", tmp_path / "target"
    if is_link:
        file.symlink_to(target)
    else:
        file.write_text("mine")

    with pytest.raises(UsageError, match=r"the file of --write-values exists"):
        layer.require_new(str(file))
    with pytest.raises(UsageError, match=r"cannot write the values: File exists"):
        layer.write(str(file), LiveLayer({}, ()), RELEASE, "prod-admin")
    assert not target.exists()

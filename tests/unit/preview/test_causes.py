"""The values line that is blamed for a changed object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Cause, Change
from cmp.preview.causes import DecryptedFiles, RecordingRedactor, changed_values, is_only_replaced, visible_causes
from tests.support.outcomes import config, deployment, outcome_of
from tests.support.trees import REFERENCE, plant, resolve

if TYPE_CHECKING:
    from pathlib import Path

    from cmp.model import Instance
    from cmp.system.tree import Tree

COMMON = "namespaces/shop/common-values-shop.yaml"
OWN = "clusters/dev/shop/dev-values-shop.yaml"
SECRET = "clusters/dev/shop/dev-values-shop.secret.yaml"
REPLICAS = Cause(f"{COMMON}:1", ("replicas",), 3, 5)
TAG = Cause(f"{COMMON}:2", ("image", "tag"), "8.2.0", "8.3.0")
SWITCH = Cause(f"{COMMON}:3", ("metrics", "enabled"), False, True)  # noqa: FBT003  # a value of YAML


def side(root: Path, **layers: str) -> tuple[Tree, list[Instance]]:
    """Return the application of the reference layout with these values files."""
    names = {"common": COMMON, "own": OWN, "secret": SECRET}
    tree = plant(root, {**REFERENCE, **{names[name]: text for name, text in layers.items()}})
    return tree, [resolve(tree)]


def changed(before: str, after: str) -> Change:
    """Return the one change between two objects, without causes."""
    (change,) = outcome_of("dev", before, after).changes
    return change


def test_a_changed_value_is_found_with_its_file_and_line(tmp_path: Path) -> None:
    base = side(tmp_path / "base", common="size: 1\nweb: {replicas: 3}\n", own="")
    head = side(tmp_path / "head", common="size: 1\nweb: {replicas: 5}\n", own="")
    assert changed_values(base, head) == (Cause(f"{COMMON}:2", ("web", "replicas"), 3, 5),)


def test_a_value_that_two_sources_of_a_pair_read_is_told_once(tmp_path: Path) -> None:
    base = side(tmp_path / "base", common="zones: []\n", own="")
    head = side(tmp_path / "head", common="zones: {}\n", own="")
    (cause,) = changed_values((base[0], base[1] * 2), (head[0], head[1] * 2))
    assert (cause.place, cause.before, cause.after) == (f"{COMMON}:1", [], {})


def test_a_value_that_a_stronger_layer_sets_is_overridden_there(tmp_path: Path) -> None:
    base = side(tmp_path / "base", common="replicas: 3\n", own="size: 2\nreplicas: 12\n")
    head = side(tmp_path / "head", common="replicas: 5\n", own="size: 2\nreplicas: 12\n")
    (cause,) = changed_values(base, head)
    assert (cause.place, cause.overridden_by) == (f"{COMMON}:1", f"{OWN}:2")


def test_a_changed_ciphertext_is_shown_as_encrypted(tmp_path: Path) -> None:
    text = "sops: {{mac: x}}\npassword: ENC[AES256_GCM,data:{},iv:x,tag:x,type:str]\n"
    base, head = (side(tmp_path / data, own="", secret=text.format(data)) for data in ("YQ==", "Yg=="))
    assert changed_values(base, head) == (Cause(f"{SECRET}:2", ("password",), "‹encrypted›", "‹encrypted›"),)


def test_a_decrypted_value_counts_by_its_plaintext_and_is_shown_as_its_label(tmp_path: Path) -> None:
    text = "sops: {{mac: x}}\nsame: ENC[AES256_GCM,data:{0},iv:x]\nother: ENC[AES256_GCM,data:{0},iv:x]\n"
    redactor = RecordingRedactor()
    redactor.learn(text.format("YQ==").encode(), b"same: correct horse\nother: battery\n")
    redactor.learn(text.format("Yg==").encode(), b"same: correct horse\nother: staple\n")
    decrypted = DecryptedFiles(redactor, lambda secret: f"‹{secret.path} {len(secret.text)}›", is_keyless=False)
    base, head = (side(tmp_path / data, own="", secret=text.format(data)) for data in ("YQ==", "Yg=="))
    assert changed_values(base, head, decrypted) == (Cause(f"{SECRET}:3", ("other",), "‹other 7›", "‹other 6›"),)


def test_an_object_is_explained_by_the_line_whose_old_and_new_value_it_shows() -> None:
    change = changed(deployment(image="shop/web:8.2.0"), deployment(image="shop/web:8.3.0"))
    assert visible_causes(change, [REPLICAS, TAG, SWITCH]) == (TAG,)
    backwards = changed(deployment(image="shop/web:8.3.0"), deployment(image="shop/web:8.2.0"))
    assert visible_causes(backwards, [REPLICAS, TAG, SWITCH]) == ()


def test_a_short_value_explains_only_a_field_that_is_that_value() -> None:
    assert visible_causes(changed(deployment(3), deployment(5)), [REPLICAS]) == (REPLICAS,)
    assert visible_causes(changed(config("port: 'a3'"), config("port: 'b5'")), [REPLICAS]) == ()


def test_a_folded_field_shows_its_cause_too() -> None:
    label = "apiVersion: v1\nkind: Thing\nmetadata: {{name: it, labels: {{app.kubernetes.io/version: '{}'}}}}\n"
    change = changed(label.format("8.2.0"), label.format("8.3.0"))
    assert (change.fields, len(change.folded)) == ((), 1)
    assert visible_causes(change, [TAG]) == (TAG,)


def test_an_overridden_line_explains_nothing() -> None:
    overridden = REPLICAS._replace(overridden_by=f"{OWN}:2")
    change = changed(deployment(3), deployment(5))
    assert visible_causes(change, [overridden]) == ()


IMAGE = "shop/web:8.2.0"


def test_a_text_in_which_a_changed_value_takes_the_place_of_its_old_one_is_not_made_up() -> None:
    bump = changed(deployment(image=IMAGE), deployment(image="shop/web:8.3.0"))
    assert is_only_replaced(bump, [TAG])
    assert is_only_replaced(changed(config("a: 8.2.0-8.2.0"), config("a: 8.3.0-8.3.0")), [TAG])


def test_any_other_text_may_be() -> None:
    bump = changed(deployment(image=IMAGE), deployment(image="shop/web:8.3.0"))
    assert not is_only_replaced(bump, []), "nobody knows why"
    assert not is_only_replaced(bump, [TAG._replace(overridden_by="x.yaml:1")])
    assert not is_only_replaced(changed(config("a: 8.2.0-x1"), config("a: 8.3.0-y2")), [TAG]), "a part is another one"
    both = changed(config("a: 8.2.0, b: x1"), config("a: 8.3.0, b: y2"))
    assert not is_only_replaced(both, [TAG]), "another field"
    assert not is_only_replaced(changed(deployment(3), deployment(5)), [REPLICAS]), (
        "so short a value may be by accident"
    )
    came = changed(config("a: x"), config("a: x, b: 8.3.0"))
    assert not is_only_replaced(came, [TAG._replace(before=None), TAG])

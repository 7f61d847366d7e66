"""The differences of two clusters are told: own texts, secrets and made-up values aside, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.changes import Rule
from cmp.preview.likeness import ClusterObjects, compared
from tests.support.objects import objects
from tests.support.outcomes import config, deployment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.preview.likeness import Differences

NORTH = {"north": "‹cluster›", "eu": "‹region›", "large": "‹size›"}
SOUTH = {"south": "‹cluster›", "us": "‹region›", "small": "‹size›"}


def _compared(there: str, here: str, rules: Sequence[Rule] = (), again: str = "") -> Differences:
    return compared(
        ClusterObjects(objects(there), NORTH),
        ClusterObjects(objects(here), SOUTH),
        rules,
        objects(again) if again else None,
    )


def _paths(found: Differences) -> list[str]:
    return [".".join(field.path) for one in found.objects for field in one.fields]


def test_equal_objects_are_equal() -> None:
    text = deployment() + config("a: north, b: south, c: eu")
    assert not _compared(text, text).is_any


def test_names_and_facts_of_the_clusters_are_no_difference() -> None:
    there = config("host: web.north.example, zone: eu-1, north-key: x", name="web-north")
    here = config("host: web.south.example, zone: us-1, south-key: x", name="web-south")
    assert not _compared(there, here).is_any


def test_a_name_inside_a_word_is_a_difference() -> None:
    assert _paths(_compared(config("host: northern"), config("host: southern"))) == ["data.host"]


def test_a_text_that_both_have_is_nobodys_own() -> None:
    assert not _compared(config("peers: us, size: large"), config("peers: us, size: small")).is_any


def test_an_own_text_that_both_have_elsewhere_is_own_all_the_same() -> None:
    there = config("me: north, peers: 'a', list: [north, south]")
    here = config("me: south, peers: 'a', list: [north, south]")
    assert not _compared(there, here).is_any


def test_a_value_is_told_in_general_terms() -> None:
    found = _compared(config("url: 'http://north:80'"), config("url: 'http://south:90'"))
    (field,) = found.objects[0].fields
    assert (field.before, field.after) == ("http://‹cluster›:80", "http://‹cluster›:90")


def test_objects_of_one_cluster_alone_are_told() -> None:
    found = _compared(config("a: b") + config("a: b", name="old"), config("a: b") + deployment())
    assert [(one.what, one.identity.kind, one.identity.name) for one in found.objects] == [
        ("removed", "ConfigMap", "old"),
        ("added", "Deployment", "web"),
    ]
    assert [one.name for one in found.same] == ["settings"]


def test_objects_that_are_as_there_have_their_own_names() -> None:
    there = config("a: north", name="of-north") + config("a: 1", name="other")
    here = config("a: south", name="of-south") + config("a: 2", name="other")
    assert [one.name for one in _compared(there, here).same] == ["of-south"]
    assert _compared(there, there).same == ()  # where all are, nobody asks


def test_secrets_are_counted_and_equal_ones_are_not() -> None:
    there = config("a: ‹secret 01ab›, b: 'x ‹secret 02ab› y', c: ‹secret 03ab›")
    here = config("a: ‹secret 01ab›, b: 'x ‹secret 02cd› y', c: ‹secret 03cd›")
    found = _compared(there, here)
    assert (found.objects, found.secrets, found.ciphertexts) == ((), 2, 0)


def test_other_text_around_a_secret_is_a_difference() -> None:
    found = _compared(config("a: 'x ‹secret 01ab›'"), config("a: 'y ‹secret 02ab›'"))
    assert (_paths(found), found.secrets) == (["data.a"], 0)


def test_a_secret_in_place_of_a_text_is_a_difference() -> None:
    found = _compared(config("a: plain"), config("a: ‹secret 02ab›"))
    assert (_paths(found), found.secrets) == (["data.a"], 0)


def test_other_ciphertext_is_counted_apart() -> None:
    found = _compared(config("a: ‹sops db.user 0a0a0a0a›"), config("a: ‹sops db.user 0b0b0b0b›"))
    assert (found.objects, found.secrets, found.ciphertexts) == ((), 0, 1)


def test_a_cluster_called_secret_does_not_touch_the_labels() -> None:
    side = ClusterObjects(objects(config("a: ‹secret 01ab›")), {"secret": "‹cluster›"})
    other = ClusterObjects(objects(config("a: ‹secret 02ab›")), SOUTH)
    assert compared(side, other) == ((), 1, 0, (), ())


def test_made_up_values_are_no_difference() -> None:
    there, here = config("a: b, token: x, real: 1"), config("a: b, token: y, real: 2")
    assert _paths(_compared(there, here)) == ["data.real", "data.token"]
    assert _paths(_compared(there, here, again=config("a: b, token: z, real: 2"))) == ["data.real"]


def test_made_up_secrets_are_not_counted() -> None:
    there, here, again = (config(f"a: ‹secret 0{digit}›") for digit in "123")
    assert _compared(there, here, again=again).secrets == 0
    assert _compared(there, here, again=here).secrets == 1


def test_a_checksum_of_own_texts_is_no_difference() -> None:
    assert not _compared(_pod("1111", "north"), _pod("2222", "south")).is_any


def test_a_checksum_that_no_configuration_explains_is_a_difference() -> None:
    there, here = (
        ClusterObjects([one._replace(source=f"clusters/{name}/web.yaml") for one in objects(_pod(checksum, "x"))], own)
        for name, checksum, own in (("north", "1111", NORTH), ("south", "2222", SOUTH))
    )
    (path,) = _paths(compared(there, here))
    assert path.endswith("checksum/config")


def test_rules_of_the_user_fold_here_too() -> None:
    rule = Rule("mine", kind="ConfigMap", path=("data", "a"))
    assert not _compared(config("a: b"), config("a: c"), [rule]).is_any


def test_an_object_that_names_the_other_cluster_and_not_its_own_is_told() -> None:
    text = config("host: web.north.example", name="left") + config("peers: 'north, south'", name="both")
    found = _compared(text + config("a: northern", name="word"), text + config("a: northern", name="word"))
    assert (found.is_any, [one.name for one in found.mentions]) == (False, ["left"])


def test_a_name_that_is_in_that_of_the_cluster_or_a_fact_of_it_is_no_mention() -> None:
    there = ClusterObjects(objects(config("host: prod, env: prod")), {"prod": "‹cluster›"})
    here = ClusterObjects(objects(config("host: prod-2, env: prod")), {"prod-2": "‹cluster›", "prod": "‹env›"})
    assert compared(there, here).mentions == ()


def _pod(checksum: str, host: str) -> str:
    return f"""
---
apiVersion: v1
kind: Pod
metadata: {{name: web, namespace: shop, annotations: {{}}}}
spec: {{containers: []}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: shop}}
spec:
  template:
    metadata: {{annotations: {{checksum/config: "{checksum}"}}}}
    spec:
      containers: [{{name: web, image: "a:1", envFrom: [{{configMapRef: {{name: settings}}}}]}}]
""" + config(f"host: {host}")

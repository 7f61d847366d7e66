"""A revision with every pair that it renders, and the pairs that a change leaves as they are."""

from __future__ import annotations

from cmp.preview.identity import PairId, of_application
from cmp.preview.sides import RenderRequest, Side, environment, request_for
from cmp.repository.instances import Request
from tests.support.monorepos import git_tree
from tests.support.trees import REFERENCE

KEYS = [PairId(app="shop", cluster=cluster) for cluster in ("dev", "prod")]
COMMON, DEV = "namespaces/shop/common-values-shop.yaml", "clusters/dev/shop/dev-values-shop.yaml"


def test_a_side_has_every_pair_of_the_layout_with_the_files_that_it_reads() -> None:
    side = Side(git_tree(REFERENCE))
    assert sorted(side.pairs) == KEYS
    pair = side.pairs[KEYS[0]]
    (source,) = pair.sources
    assert source.inputs.layers[::2] == (COMMON, DEV)
    assert source.inputs.folders == ("namespaces/shop",)
    assert pair.copied_folders == ("namespaces/shop",)


def test_a_pair_that_cannot_be_resolved_is_a_pair_with_an_error() -> None:
    side = Side(git_tree({**REFERENCE, "clusters/dev/ghost/x": ""}))
    pair = side.pairs[PairId(app="ghost", cluster="dev")]
    assert pair.sources == ()
    assert "there is no application ghost" in str(pair.error)
    assert side.fingerprint(pair.request.id) == f"error: {pair.error}"


def test_where_a_file_of_values_changes_every_pair_stays_and_its_fingerprint_does_not() -> None:
    base = Side(git_tree(REFERENCE))
    head = base.successor(git_tree({**REFERENCE, DEV: "a: 9\n"}), [DEV])
    assert [head.pairs[key] is base.pairs[key] for key in KEYS] == [True, True]
    assert [head.fingerprint(key) == base.fingerprint(key) for key in KEYS] == [False, True]


def test_where_a_file_comes_every_pair_is_resolved_again() -> None:
    base = Side(git_tree(REFERENCE))
    path = "clusters/stage/shop/stage-values-shop.yaml"
    head = base.successor(git_tree({**REFERENCE, path: ""}), [path])
    assert sorted(head.pairs) == [*KEYS, PairId(app="shop", cluster="stage")]


def test_only_a_request_that_differs_is_resolved_again() -> None:
    side = Side(git_tree(REFERENCE))
    dev, prod = (side.pairs[key].request for key in KEYS)
    canary = of_application("", "", "shop-canary")
    asked = side.with_requests([dev, prod._replace(id=canary)])
    assert [*asked.pairs] == [dev.id, canary]
    assert asked.pairs[dev.id] is side.pairs[dev.id]


def test_a_pair_of_the_layout_is_requested_with_the_environment_of_its_cluster() -> None:
    files = {**REFERENCE, "cmp.yaml": "version: 1\nclusters: {dev: {env: test}, prod: {}}\n"}
    repository = Side(git_tree(files)).repository
    dev, _ = repository.pairs()
    request = request_for(repository, dev)
    assert request == RenderRequest(KEYS[0], request.subject, (Request("shop", "dev"),))
    assert request.subject == ("shop", "dev", "test")
    assert environment(repository, "prod") == environment(repository, "unknown") == ""

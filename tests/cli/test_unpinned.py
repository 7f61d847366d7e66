"""A repository that pins nothing is told the versions that render it, once a run, and the commands that keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.repository.config.model import PINS
from tests.support.git_repository import Repo
from tests.support.repository import Repository

if TYPE_CHECKING:
    from tests.support.harness import Ran, Sandbox

HELM, SOPS = PINS["helm"].version, PINS["sops"].version
CHART = {
    "Chart.yaml": "{apiVersion: v2, name: shop, version: 1.0.0}",
    "templates/a.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: {{ .Values.name }}}}\n",
    "common-values.yaml": "name: a\n",
}


def told(tool: str, version: str) -> str:
    return (
        f"cmp: warning: {tool} is not pinned: {version} runs, which is the default of this cmp and may be another in "
        f"the next; `cmp pin {tool} {version}` keeps it"
    )


@pytest.fixture
def shop(sandbox: Sandbox) -> Repository:
    return Repository(sandbox).write_app(CHART)


def lines(ran: Ran) -> list[str]:
    assert ran.code == 0, ran.stderr
    return [*ran.unpinned]


def test_the_version_is_named_with_the_command_that_keeps_it(shop: Repository) -> None:
    assert lines(shop.run()) == [told("helm", HELM)]
    assert lines(shop.generate()) == [told("helm", HELM)]
    assert lines(shop.cmp("values", "shop", "--cluster", "dev")) == [told("helm", HELM)]
    shop.cmp("pin", "helm", HELM)
    assert lines(shop.run()) == lines(shop.generate()) == []


def test_a_pin_of_the_application_is_one(shop: Repository) -> None:
    shop.write_app({"cmp-app.yaml": f"tools: {{helm: {HELM}}}\n"})
    assert lines(shop.run()) == []


def test_a_parameter_is_a_pin_of_that_render(shop: Repository) -> None:
    assert lines(shop.run("--helm-version", "3.14.4")) == []


def test_sops_is_named_where_it_decrypts(shop: Repository) -> None:
    shop.write({"cmp.yaml": f"version: 1\ntools: {{helm: {HELM}}}\n"})
    assert lines(shop.run()) == []
    shop.seal({"namespaces/shop/common-values.secret.yaml": "token: abcdefgh\n"})
    assert lines(shop.run()) == [told("sops", SOPS)]


def test_a_run_that_renders_many_says_it_once(shop: Repository) -> None:
    shop.write({f"clusters/{cluster}/shop/.keep": "" for cluster in ("a", "b", "c")})
    assert lines(shop.cmp("render", "--all", "--output-dir", "out")) == [told("helm", HELM)]
    assert lines(shop.cmp("golden", "shop", "--update")) == [told("helm", HELM)]


def test_a_comparison_says_it_of_the_newer_side(shop: Repository) -> None:
    repository = Repo(shop.root)
    repository.commit()
    shop.write_app({"common-values.yaml": "name: b\n"}).write({"clusters/b/shop/.keep": ""})
    repository.commit()
    ran = shop.cmp("diff", "--base", "HEAD~1", "--exit-zero")
    assert lines(ran) == [told("helm", HELM)]
    shop.write({"cmp.yaml": f"version: 1\ntools: {{helm: {HELM}}}\n"}).write_app({"common-values.yaml": "name: c\n"})
    repository.commit()
    assert lines(shop.cmp("diff", "--base", "HEAD~1", "--exit-zero")) == []

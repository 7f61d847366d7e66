"""`cmp apps` lists every application with its clusters, also where something is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cmp.repository.config.model import PINS
from tests.support.trees import CHART, REFERENCE, plant

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.harness import Sandbox

pytestmark = pytest.mark.no_tools
HELM = PINS["helm"].version
WIDTH = len(f"helm {HELM}")


def test_every_pair_is_a_line(tmp_path: Path, sandbox: Sandbox) -> None:
    plant(tmp_path / "repo", {**REFERENCE, "clusters/prod/shop/cmp-app.yaml": "tools: {helm: 3.14.4}\n"})
    ran = sandbox.run("apps", cwd=tmp_path / "repo/namespaces/shop")
    assert (ran.stdout, ran.stderr, ran.code) == (
        (
            "APPLICATION  CLUSTER  ENGINE       FOLDER           VALUES\n"
            f"shop         dev      {f'helm {HELM}':<11}  namespaces/shop  4\n"
            "shop         prod     helm 3.14.4  namespaces/shop  3\n"
        ),
        "",
        0,
    )


def test_json_tells_all(tmp_path: Path, sandbox: Sandbox) -> None:
    plant(tmp_path, {**REFERENCE, "namespaces/店/Chart.yaml": CHART, "clusters/dev/店/cmp-app.yaml": "release: mise\n"})
    ran = sandbox.run("apps", "--format", "json", cwd=tmp_path)
    assert ran.code == 3
    shop, _, other = json.loads(ran.stdout)
    assert shop == {
        "application": "shop",
        "cluster": "dev",
        "engines": {"helm": HELM},
        "folder": "namespaces/shop",
        "values": [
            "namespaces/shop/common-values-shop.yaml",
            "namespaces/shop/common-values-shop.secret.yaml",
            "clusters/dev/shop/dev-values-shop.yaml",
            "clusters/dev/shop/dev-values-shop.secret.yaml",
        ],
        "release": "shop",
        "namespace": "shop",
        "error": None,
    }
    assert other["application"] == "店"
    assert other["error"]["what"].startswith("`店` is no namespace: ")
    assert other["error"]["hint"].startswith("it comes from the application's name; ")


def test_what_is_broken_is_listed_with_the_rest(tmp_path: Path, sandbox: Sandbox) -> None:
    wrong = {
        "namespaces/till/Chart.yaml": CHART,
        "namespaces/till/cmp-app.yaml": "relase: x\nnamspace: y\n",
        "clusters/dev/till/x": "",
        "clusters/prod/shop/lost.yaml": "",
        "clusters/prod/ghost/x": "",
    }
    plant(tmp_path, {**REFERENCE, **wrong})
    ran = sandbox.run("apps", cwd=tmp_path)
    assert (ran.stdout.splitlines(), ran.stderr, ran.code) == (
        [
            f"APPLICATION  CLUSTER  {'ENGINE':<{WIDTH}}  FOLDER           VALUES",
            (
                f"ghost        prod     {'-':<{WIDTH}}  -                -       error: there is no application ghost: "
                "no folder namespaces/{app} has this name"
            ),
            f"shop         dev      helm {HELM}  namespaces/shop  4",
            (
                f"shop         prod     {'-':<{WIDTH}}  namespaces/shop  -       error: nothing uses the file "
                "clusters/prod/shop/lost.yaml"
            ),
            (
                f"till         dev      {'-':<{WIDTH}}  namespaces/till  -       error: 2 mistakes in the "
                "configuration namespaces/till/cmp-app.yaml:1:1: unknown key `relase`; did you mean `release`? "
                "namespaces/till/cmp-app.yaml:2:1: unknown key `namspace`; did you mean `namespace`?"
            ),
        ],
        "",
        3,
    )


def test_an_application_whose_configuration_is_broken_does_not_vanish(tmp_path: Path, sandbox: Sandbox) -> None:
    plant(
        tmp_path, {**REFERENCE, "namespaces/new/Chart.yaml": CHART, "namespaces/new/cmp-app.yaml": "clusters: some\n"}
    )
    ran = sandbox.run("apps", cwd=tmp_path)
    assert ran.stdout.splitlines()[1].startswith(
        f"new          -        {'-':<{WIDTH}}  namespaces/new   -       error: "
    )
    assert ran.code == 3


def test_without_pairs_only_the_titles_are_printed(tmp_path: Path, sandbox: Sandbox) -> None:
    plant(tmp_path, {"namespaces/shop/Chart.yaml": CHART, "cmp.yaml": "version: 1\n"})
    assert sandbox.run("apps", cwd=tmp_path).stdout == "APPLICATION  CLUSTER  ENGINE  FOLDER  VALUES\n"
    assert sandbox.run("apps", "--format", "json", cwd=tmp_path).stdout == "[]\n"


def test_settings_in_cmp_yaml_that_fit_nothing_are_told(tmp_path: Path, sandbox: Sandbox) -> None:
    entries = '- {apps: [shop, shpo], release: x}\n- {apps: "mail*", release: y}\n'
    plant(tmp_path, {**REFERENCE, "cmp.yaml": f"version: 1\napplications:\n{entries}"})
    ran = sandbox.run("apps", cwd=tmp_path)
    assert (ran.stdout.count("shop"), ran.code) == (4, 3)
    assert ran.stderr == (
        "cmp: `applications` names shpo, and there is none\n"
        "  where: cmp.yaml:3:17\n"
        "  hint: did you mean `shop`?\n"
        "cmp: warning: `applications` has settings for mail*, and no application has such a name (cmp.yaml:4:10)\n"
    )
    checks = json.loads(sandbox.run("doctor", "--format", "json", cwd=tmp_path).stdout)["checks"]
    told = [tuple(check.values()) for check in checks if check["subject"] == "applications in cmp.yaml"]
    assert told == [
        (
            "applications in cmp.yaml",
            "problem",
            "`applications` names shpo, and there is none (cmp.yaml:3:17)",
            "did you mean `shop`?",
        ),
        (
            "applications in cmp.yaml",
            "warning",
            "`applications` has settings for mail*, and no application has such a name (cmp.yaml:4:10)",
            "",
        ),
    ]


def test_a_checkout_without_anything_is_not_listed_in_silence(tmp_path: Path, sandbox: Sandbox) -> None:
    plant(tmp_path, {".git/HEAD": "", "README.md": ""})
    ran = sandbox.run("apps", cwd=tmp_path)
    assert ran.stderr == (
        "cmp: warning: no application and no Application of Argo CD is here; `cmp init` writes a cmp.yaml for what it "
        "finds\n"
    )
    assert (len(ran.stdout.splitlines()), ran.code) == (1, 0)

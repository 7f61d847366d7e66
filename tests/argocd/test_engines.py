"""Every engine in Argo CD: from the commit to the objects, and a fault that is visible and harms nobody."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.argocd.engine_trees import CONTENTS, GREETING
from tests.argocd.victim import Victim
from tests.support.keys import make_key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.argocd.world import ArgoCD


@pytest.mark.parametrize("engine", CONTENTS)
def test_an_engine_from_the_commit_to_the_objects(argocd: ArgoCD, engine: str) -> None:
    content = CONTENTS[engine]
    victim = Victim(argocd, f"engine-{engine}", content=content)
    (name,) = {one.split()[1] for one in content.objects}
    assert live(victim, name) == ("hello", f"rendered-{victim.name}")
    assert live(victim, name) == rendered(victim)

    victim.repository.commit({GREETING: str(content.files[GREETING]).replace("hello", "こんにちは")})
    victim.refresh()
    argocd.wait(victim.name)
    assert live(victim, name)[0] == "こんにちは"


@pytest.mark.parametrize("engine", CONTENTS)
def test_a_secret_for_another_key_harms_nobody(
    argocd: ArgoCD, engine: str, tmp_path: Path, test_tools_dir: str
) -> None:
    content = CONTENTS[engine]
    victim = Victim(argocd, f"sealed-{engine}", content=content)

    victim.strike(recipient=make_key(tmp_path, test_tools_dir).recipient)
    what, where, hint = victim.fail()
    assert what == "cmp: none of the age keys that are configured opens this file"
    assert where == f"  where: application shop, cluster dev, phase secrets, {content.sealed}"
    assert re.fullmatch(r"  hint: .*; see operations\.md#secrets", hint), hint

    victim.heal()
    victim.refresh()
    argocd.wait(victim.name)


def live(victim: Victim, name: str) -> tuple[str, str]:
    """Return what the ConfigMap and the Secret in the cluster say."""
    kube = victim.argocd.kube
    password = kube.get("Secret", name, victim.name)["data"]["password"]
    return kube.get("ConfigMap", name, victim.name)["data"]["greeting"], base64.b64decode(password).decode()


def rendered(victim: Victim) -> tuple[str, str]:
    """Return what the two say that `cmp render` prints in a checkout of the same commit."""
    ran = victim.argocd.cmp.sandbox.run("render", "shop", "--cluster", "dev", cwd=victim.repository.folder)
    assert ran.code == 0, ran.stderr
    found = {one["kind"]: one for one in yaml.safe_load_all(ran.stdout)}
    return found["ConfigMap"]["data"]["greeting"], found["Secret"]["stringData"]["password"]

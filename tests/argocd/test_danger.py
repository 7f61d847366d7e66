"""The danger is real: what each fault does with a plugin of the usual kind, a line of shell around helm and sops.

Without these tests those of test_failures.py could hold because Argo CD would never delete anything, or because nobody
would notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.argocd.applications import failed
from tests.argocd.faults import CIPHERTEXT, EMPTY, GLUED, QUOTING
from tests.argocd.victim import Victim, places
from tests.support.charts import HELM
from tests.support.keys import SOPS_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.argocd.world import ArgoCD

PLUGIN = "unguarded"
SHELL = (
    "cd ../../../namespaces/shop && sops decrypt common-values.secret.yaml"
    " | helm template shop . --values common-values.yaml --values /dev/stdin"
)


@pytest.fixture(scope="module")
def _unguarded(argocd: ArgoCD, tools_dir: str) -> Iterator[None]:
    with argocd.sidecar(PLUGIN) as sidecar:
        for name, version in (("helm", HELM), ("sops", SOPS_VERSION)):
            (sidecar.sandbox.folder / "bin" / name).symlink_to(f"{tools_dir}/{name}/{version}/{name}")
        config = sidecar.sandbox.folder / "plugin.yaml"
        plugin = yaml.safe_load(config.read_text())
        plugin["spec"] = {"generate": {"command": ["sh", "-c", SHELL]}}
        config.write_text(yaml.safe_dump(plugin))
        sidecar.process.restart()
        yield


@pytest.mark.usefixtures("_unguarded")
def test_without_a_guard_an_empty_output_deletes_everything(argocd: ArgoCD) -> None:
    victim = Victim(argocd, "danger-empty", plugin=PLUGIN)

    victim.strike(EMPTY.files)
    victim.refresh(hard=True)

    argocd.wait(victim.name)
    assert victim.objects() == set()
    with pytest.raises(AssertionError, match="became"):
        victim.assert_unharmed()


@pytest.mark.usefixtures("_unguarded")
def test_without_a_guard_a_glued_line_deletes_half_of_the_objects(argocd: ArgoCD) -> None:
    victim = Victim(argocd, "danger-glued", plugin=PLUGIN)

    victim.strike(GLUED.files)
    victim.refresh(hard=True)

    argocd.wait(victim.name)
    assert victim.objects() == {"ConfigMap first-b", "ConfigMap second-b", "Secret shop"}


@pytest.mark.usefixtures("_unguarded")
def test_without_a_guard_ciphertext_is_applied(argocd: ArgoCD) -> None:
    victim = Victim(argocd, "danger-ciphertext", plugin=PLUGIN)

    victim.strike(CIPHERTEXT.files)
    victim.refresh(hard=True)

    argocd.wait(victim.name)
    assert argocd.kube.get("ConfigMap", "first-a", victim.name)["data"]["greeting"].startswith("ENC[AES256_GCM,")


@pytest.mark.usefixtures("_unguarded")
def test_without_a_mask_a_failing_template_shows_the_secret_everywhere(argocd: ArgoCD) -> None:
    victim = Victim(argocd, "danger-quoting", plugin=PLUGIN)

    victim.strike(QUOTING.files)
    victim.refresh(hard=True)

    argocd.wait(victim.name, failed(victim.unspoken))
    with pytest.raises(AssertionError, match="the password is in"):
        victim.assert_unharmed()
    found = list(places(argocd, [victim.unspoken]))
    assert f"Application {victim.name}" in found
    assert any(place.startswith("Redis ") for place in found)
    assert {f"{argocd.folder}/logs/{name}.log" for name in ("repo-server", f"sidecar-{PLUGIN}")} <= set(found)

"""The text of a proposed cmp.yaml: it is read back as what was proposed."""

from __future__ import annotations

from typing import Any

from cmp import yamldoc
from cmp.repository.config import ValuesPattern
from cmp.repository.scaffold import text
from cmp.repository.scaffold.proposal import Proposal

FULL = Proposal(
    apps=("system/{app}", "on/{app}*"),
    instances=("clusters/{env}/{app}",),
    values=(ValuesPattern("apps/{app}/*.yaml"), ValuesPattern("envs/{env}.yaml", optional=True)),
    name="{team}-{app}",
    chart={"repository": "oci://registry.example/charts", "name": "web", "version": "1.10"},
    shared=("clusters/*/platform.yaml",),
    release="{app}",
    namespace="1e3",
    clusters={"on": {"env": "1.30", "server": "https://blue.example:6443"}, "blue": {"labels": {"a/b": "true"}}},
    applications=({"apps": ["web", "d*"], "clusters": ["on"], "helm": {"skipCrds": True}},),
    defaults={"kustomize": {"enableHelm": True}},
    preview={
        "applications": ["argocd/**"],
        "argocds": [{"name": "blue", "applications": ["argocd/blue/*"]}],
        "argocd": {"buildOptions": "--enable-helm"},
    },
)


def read(proposal: Proposal) -> dict[str, Any]:
    """Return what YAML reads in the text."""
    found: Any = yamldoc.load_all(text.write(proposal, {"helm": "3.18.6"}, [".secret.yaml"]).encode())[0]
    return dict(found)


def test_every_key_is_read_as_it_was_proposed() -> None:
    assert read(FULL) == {
        "version": 1,
        "layout": {
            "apps": ["system/{app}", "on/{app}*"],
            "name": "{team}-{app}",
            "chart": FULL.chart,
            "instances": "clusters/{env}/{app}",
            "values": ["apps/{app}/*.yaml", {"path": "envs/{env}.yaml", "optional": True}],
            "shared": ["clusters/*/platform.yaml"],
            "release": "{app}",
            "namespace": "1e3",
        },
        "clusters": FULL.clusters,
        "applications": list(FULL.applications),
        "tools": {"helm": "3.18.6"},
        "defaults": FULL.defaults,
        "secrets": {"suffixes": [".secret.yaml"]},
        "preview": FULL.preview,
    }


def test_what_is_empty_is_left_out() -> None:
    assert read(Proposal(apps=("{app}",))) == {
        "version": 1,
        "layout": {"apps": "{app}", "instances": "", "values": []},
        "tools": {"helm": "3.18.6"},
        "secrets": {"suffixes": [".secret.yaml"]},
    }

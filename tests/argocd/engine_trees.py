"""For each engine a repository with the application `shop` on the cluster `dev`: a ConfigMap and a Secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.argocd.trees import CHART, PATH
from tests.argocd.victim import APP, PASSWORD, SEALED, Content

if TYPE_CHECKING:
    from collections.abc import Mapping

CMP = """\
version: 1
clusters:
  dev: {kubeVersion: "1.34"}
tools: {helm: 3.18.6, kustomize: 5.8.2, sops: 3.10.2, helmfile: 1.8.0, cue: 0.17.1}
"""
GREETING = f"{APP}/greeting.yaml"  # where what the ConfigMap says is written, in all of them
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop}\ndata: {greeting: hello}\n"
MANIFEST = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: shop}}\nstringData: {{password: {PASSWORD}}}\n"
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data: {greeting: {{ .Values.greeting }}}
---
apiVersion: v1
kind: Secret
metadata: {name: shop}
stringData: {password: {{ .Values.password | quote }}}
"""
BASE = "resources: [greeting.yaml, password.secret.yaml]\n"
OVERLAY = f"resources: [../../../{APP}]\nnamePrefix: dev-\n"
HELMFILE = """\
environments: {default: {}}
---
releases:
  - name: shop
    chart: ./chart
    values:
      - greeting.yaml
      - password: {{ .Values.password | quote }}
"""
OBJECTS = """\
package shop

values: {greeting: string, password: string}
objects: [
	{apiVersion: "v1", kind: "ConfigMap", metadata: name: "shop", data: greeting: values.greeting},
	{apiVersion: "v1", kind: "Secret", metadata: name: "shop", stringData: password: values.password},
]
"""
SAYS = "greeting: hello\n"
COMMON: Mapping[str, str | bytes | None] = {"cmp.yaml": CMP, f"{PATH}/.keep": ""}
SHOP = frozenset(("ConfigMap shop", "Secret shop"))
MANIFESTS = {"sealed": f"{APP}/password.secret.yaml", "text": MANIFEST}

CONTENTS: Mapping[str, Content] = {
    "kustomize": Content(
        {**COMMON, f"{APP}/kustomization.yaml": BASE, GREETING: MAP, f"{PATH}/kustomization.yaml": OVERLAY},
        **MANIFESTS,
        objects=frozenset(("ConfigMap dev-shop", "Secret dev-shop")),
    ),
    "helm-kustomize": Content(
        {
            **COMMON,
            f"{APP}/Chart.yaml": CHART,
            f"{APP}/templates/all.yaml": TEMPLATE,
            f"{APP}/kustomization.yaml": "nameSuffix: -shop\n",
            f"{APP}/cmp-app.yaml": f"engine: [helm, kustomize]\nvalues: [{GREETING}]\n",
            GREETING: SAYS,
        },
        sealed=SEALED,
        objects=frozenset(("ConfigMap shop-shop", "Secret shop-shop")),
    ),
    "helmfile": Content(
        {
            **COMMON,
            f"{APP}/helmfile.yaml.gotmpl": HELMFILE,
            f"{APP}/chart/Chart.yaml": CHART,
            f"{APP}/chart/templates/all.yaml": TEMPLATE,
            GREETING: SAYS,
        },
        sealed=SEALED,
        objects=SHOP,
    ),
    "cue": Content(
        {
            **COMMON,
            f"{APP}/shop.cue": OBJECTS,
            f"{APP}/cmp-app.yaml": f"values: [{GREETING}]\n",
            GREETING: SAYS,
        },
        sealed=SEALED,
        objects=SHOP,
    ),
    "plain": Content({**COMMON, GREETING: MAP}, **MANIFESTS, objects=SHOP),
}

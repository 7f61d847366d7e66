"""The smallest repository that shows something: one application on one cluster."""

from __future__ import annotations

HELM, SOPS = "3.18.6", "3.10.2"
CMP = f"""\
version: 1
clusters:
  dev: {{kubeVersion: "1.34"}}
tools: {{helm: {HELM}, sops: {SOPS}}}
"""
CHART = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data: {greeting: {{ required "there is no greeting" .Values.greeting | quote }}}
"""
VALUES = "namespaces/shop/common-values.yaml"
PATH = "clusters/dev/shop"
SHOP: dict[str, str | bytes | None] = {
    "cmp.yaml": CMP,
    "namespaces/shop/Chart.yaml": CHART,
    "namespaces/shop/templates/map.yaml": MAP,
    VALUES: "greeting: hello\n",
    f"{PATH}/dev-values.yaml": "",
}
"""The application `shop` on the cluster `dev`: a ConfigMap `shop` whose `greeting` comes from VALUES."""

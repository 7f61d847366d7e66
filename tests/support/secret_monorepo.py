"""A monorepo in which every secret is unique, a change that takes them to many places, and the search for them."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING

from tests.support.changes import Monorepo, config_map, inventory
from tests.support.leaking_application import EXPRESSIONS, SHAPES, forms, without_armour

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTERS = ("dev-1", "prod-tokyo")
APPS = ("broken", "calc", "rates", "shop", "sick", "web")
CHART = "apiVersion: v2\nname: {}\nversion: 1.0.0\n"
HELMFILE = """\
releases:
- name: rates
  chart: ./charts/rates
  values: [{text: {{ readFile "key.txt" | trim }}}, values.secret.yaml]
"""
RATES = 'values: {{ omit .Values "global" | toJson | quote }}'
CUE = """\
@extern(embed)

package calc

_secret: _ @embed(file="data.secret.yaml")
objects: [{apiVersion: "v1", kind: "ConfigMap", metadata: name: "calc", data: {text: "PREFIX\\(_secret.token)"}}]
"""
KUSTOMIZATION = "namespace: web\nsecretGenerator: [{name: token, files: [key.txt]}]\n"
SPREAD = """\
configMapGenerator: [{name: copy, files: [key.txt]}]
commonAnnotations: {mode: spread}
"""
LOGIN = """\
apiVersion: v1
kind: Secret
metadata: {name: login}
data:
{{- range $name, $value := .Values.s }}
  {{ $name }}: {{ toString $value | b64enc }}
{{- end }}
  token: {{ .Files.Get "files/token.key" | b64enc }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: address}
data: {own: {{ .Values.own | quote }}, clear: {{ default "" .Values.clear | quote }}}
"""
DEPLOYMENT = """\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: "web-{{ .Values.own }}"
  annotations: {login: "user:{{ .Values.s.short }}", {{ .Values.s.spaces | quote }}: key}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {checksum/all: {{ toJson .Values.s | sha256sum }}}
    spec:
      containers:
      - name: web
        image: "registry.example/{{ .Values.s.short }}/web:1"
        args:
        {{- range $name, $value := .Values.s }}
        - {{ printf "--%s=%v" $name $value | toJson }}
        {{- end }}
        env:
        - {name: URL, value: "https://db/?p={{ .Values.s.url | urlquery }}&q={{ .Values.s.japanese | urlquery }}"}
        - {name: BASIC, value: {{ printf "user:%s" .Values.s.sentence | b64enc }}}
        - {name: FILE, value: {{ .Files.Get "files/token.key" | toJson }}}
"""
FAIL = '{{{{ fail (printf "cannot use %s and %v" {0} .Values.s.number) }}}}\n'


def everything() -> str:
    """Return a template with a ConfigMap of whatever charts make of values."""
    lines = [
        f"  {{{{ $name }}}}-{at}: {{{{ {text} | toString | toJson }}}}"
        for at, text in enumerate(f"({one})" for one in EXPRESSIONS.values())
    ]
    data = "\n".join(lines)
    return (
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: everything}\ndata:\n"
        f"{{{{- range $name, $value := .Values.s }}}}{{{{- with $value }}}}\n{data}\n{{{{- end }}}}{{{{- end }}}}\n"
    )


def renewed(value: str | float) -> str | float:
    """Return another secret of the same kind."""
    if isinstance(value, str):
        return f"{value[: len(value) // 2]}nEw8{value[len(value) // 2 :]}"
    return value + 31415926


OTHERS = {
    "own": "own-of-the-cluster-K3v9",
    "clear": "was-in-clear-before-T6q2",
    "file": "file-token-Gh72Wq\nsecond-line-of-it-Pz81\n",
    "kustomize": "kustomize-token-B5x1\n",
    "helmfile": "helmfile-token-J9d4",
    "helmfile text": "helmfile-text-R2m7",
    "cue": "cue-token-V8s3",
}
OLD: dict[str, str | float] = {**SHAPES, **OTHERS}
NEW = {name: renewed(value) if at % 2 else value for at, (name, value) in enumerate(OLD.items())}


def write(repo: Monorepo) -> Iterator[None]:
    """Write the repository, and then its change."""
    repo.write(
        {
            "cmp.yaml": inventory(*CLUSTERS),
            "cue.mod/module.cue": 'module: "a.example/b"\nlanguage: {version: "v0.14.0"}\n',
        }
    )
    repo.write({f"clusters/{cluster}/{app}/.keep": "" for cluster in CLUSTERS for app in APPS})
    for app in ("shop", "broken", "sick"):
        repo.write({f"namespaces/{app}/Chart.yaml": CHART.format(app)})
    repo.write(
        {
            "namespaces/shop/cmp-app.yaml": "secrets: {files: [files/token.key]}\n",
            "namespaces/shop/templates/login.yaml": LOGIN,
            "namespaces/shop/common-values.yaml": f"clear: {OLD['clear']}\n",
            "namespaces/broken/templates/a.yaml": config_map("a", "a: b"),
            "namespaces/sick/templates/a.yaml": FAIL.format(".Values.s.quotes"),
            "namespaces/web/kustomization.yaml": KUSTOMIZATION,
            "namespaces/web/cmp-app.yaml": "secrets: {files: [key.txt]}\n",
            "namespaces/rates/helmfile.yaml.gotmpl": HELMFILE,
            "namespaces/rates/charts/rates/Chart.yaml": CHART.format("rates"),
            "namespaces/rates/charts/rates/templates/a.yaml": config_map("rates", RATES),
            "namespaces/calc/calc.cue": CUE.replace("PREFIX", ""),
        }
    )
    _seal(repo, OLD, has_clear=False)
    yield
    _seal(repo, NEW, has_clear=True)
    repo.write(
        {
            "namespaces/shop/common-values.yaml": None,
            "namespaces/shop/templates/login.yaml": LOGIN + everything() + DEPLOYMENT,
            "namespaces/broken/templates/a.yaml": FAIL.format("(toJson .Values.s.pem)"),
            "namespaces/web/kustomization.yaml": KUSTOMIZATION + SPREAD,
            "namespaces/calc/calc.cue": CUE.replace("PREFIX", "https://user:pw@calc/?t="),
        }
    )


def _seal(repo: Monorepo, secrets: dict[str, str | float], *, has_clear: bool) -> None:
    shapes = json.dumps({"s": {name: secrets[name] for name in SHAPES}}, ensure_ascii=False)
    for app in ("shop", "broken", "sick"):
        repo.seal(f"namespaces/{app}/common-values.secret.yaml", shapes)
    clear = f"clear: {secrets['clear']}\n" if has_clear else ""
    for cluster in CLUSTERS:
        repo.seal(f"clusters/{cluster}/shop/own-values.secret.yaml", f"own: {secrets['own']}\n{clear}")
    repo.seal("namespaces/shop/files/token.key", str(secrets["file"]))
    repo.seal("namespaces/web/key.txt", str(secrets["kustomize"]))
    repo.seal("namespaces/rates/key.txt", str(secrets["helmfile text"]))
    repo.seal("namespaces/rates/values.secret.yaml", f"token: {secrets['helmfile']}\n")
    repo.seal("namespaces/calc/data.secret.yaml", f"token: {secrets['cue']}\n")


def leaks(text: str) -> set[str]:
    """Name the secrets that can be read in a text, also through the escapes of Markdown and HTML."""
    texts = (text, html.unescape(text), text.replace("\\", ""), text.replace("\u200b", ""), re.sub(r"\s+", " ", text))
    return {name for form, name in NEEDLES.items() if any(form in one for one in texts)}


def _needles() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in (*OLD.items(), *NEW.items()):
        if isinstance(value, str):
            texts = [value, *without_armour(value)]
            shown = {form for text in texts if len(text.strip()) >= 6 for form in (*forms(text), *_more(text))}
        else:
            digits = str(abs(value)).replace(".", "")[:8]
            shown = {str(value), digits, f"{digits[0]}.{digits[1:]}", f"{value:,}"}
        found.update(dict.fromkeys((form.strip() for form in shown if len(form.strip()) >= 6), name))
    return found


def _more(text: str) -> Iterator[str]:
    yield text.encode().hex()
    yield text.encode("unicode_escape").decode()
    yield html.escape(text)


NEEDLES = _needles()

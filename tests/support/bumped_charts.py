"""Two versions of a chart that differ in all that a comparison tells, and a chart inside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHANGES = """\
- kind: added
  description: Metrics of every queue
- kind: removed
  description: The key auth, see [the guide](https://evil.example) @platform
  links:
  - {name: Guide, url: "https://queue.example/upgrade#2"}
- kind: security
  description: Fixes CVE-2026-0001
"""
OLD_VALUES = """\
replicas: 1
image: {tag: 1.9.0}
auth: {enabled: true, user: queue}
persistence: {size: 8Gi}
tolerations: []
resources: {}
motd: hello
"""
NEW_VALUES = """\
# replicas were 1
motd: hello-again
replicas: 2
image: {tag: 2.0.0}
persistence: [{name: data, size: 8Gi}]
tolerations: {}
metrics: {enabled: false}
"""
MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Chart.Name }}-{{ .Release.Name }}"}
data: {values: {{ toJson .Values | quote }}}
"""


def definition(*versions: str, stored: str, served: tuple[str, ...]) -> str:
    """Return a CRD with some versions."""
    return json.dumps(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "queues.queue.example"},
            "spec": {
                "group": "queue.example",
                "scope": "Namespaced",
                "names": {"kind": "Queue", "plural": "queues"},
                "versions": [
                    {
                        "name": version,
                        "served": version in served,
                        "storage": version == stored,
                        "schema": {"openAPIV3Schema": {"type": "object"}},
                    }
                    for version in versions
                ],
            },
        }
    )


def chart(name: str, version: str, values: str = "", **metadata: object) -> dict[str, str]:
    """Return the files of a chart that prints its values."""
    described = {"apiVersion": "v2", "name": name, "version": version, **metadata}
    return {"Chart.yaml": json.dumps(described), "values.yaml": values, "templates/map.yaml": MAP}


def older() -> dict[str, str]:
    """Return the files of queue 1.9.0, with the subchart store 3.0.0."""
    return {
        **chart("queue", "1.9.0", OLD_VALUES, kubeVersion=">=1.19.0-0"),
        "crds/queues.yaml": definition("v1alpha1", "v1", stored="v1alpha1", served=("v1alpha1", "v1")),
        **within("charts/store", chart("store", "3.0.0", "size: 1Gi\nglobal: {zone: a}\n")),
    }


def newer() -> dict[str, str]:
    """Return the files of queue 2.0.0, with the subchart store 4.0.0."""
    annotations = {"artifacthub.io/changes": CHANGES, "artifacthub.io/containsSecurityUpdates": "true"}
    store = {"name": "store", "version": "4.0.0", "condition": "store.enabled"}
    more = {"kubeVersion": ">=1.33.0-0", "deprecated": True, "annotations": annotations, "dependencies": [store]}
    return {
        **chart("queue", "2.0.0", NEW_VALUES, **more),
        "crds/queues.yaml": definition("v1alpha1", "v1", stored="v1", served=("v1",)),
        **within("charts/store", chart("store", "4.0.0", "size: 2Gi\nglobal: {zone: b}\n")),
    }


def within(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    """Return the files with paths below a folder."""
    return {f"{folder}/{path}": text for path, text in files.items()}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files below a folder, and return it."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder

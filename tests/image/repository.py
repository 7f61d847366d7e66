"""A repository whose application needs all that a sidecar has: a chart from a chart repository, a key, both tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.argocd.trees import CMP
from tests.support.charts import dependency, write_chart

if TYPE_CHECKING:
    from pathlib import Path

PATH = "clusters/dev/shop"
PASSWORD = "correct-horse-battery"
SECRET_VALUES = f"password: {PASSWORD}\n"
MAP = """\
apiVersion: v1
kind: Secret
metadata: {name: shop}
stringData: {password: {{ .Values.password | quote }}}
"""
RENDERED = {"redis-1.2.3", "shop"}
"""The names of the objects: one of the dependency, one of the chart itself."""


class Shop(NamedTuple):
    """The application `shop` on the cluster `dev`."""

    folder: Path

    @classmethod
    def write(cls, folder: Path, charts: str, secret: bytes) -> Shop:
        """Write it with a dependency of the chart repository `charts` and `SECRET_VALUES` as sops encrypted them."""
        write_chart(folder / "namespaces/shop", "shop", "1.0.0", [dependency("redis", "1.2.3", charts)])
        (folder / "namespaces/shop/templates/map.yaml").write_text(MAP)
        (folder / "cmp.yaml").write_text(CMP)
        (folder / PATH).mkdir(parents=True)
        (folder / PATH / "dev-values.secret.yaml").write_bytes(secret)
        return cls(folder)

"""Plant miniature repositories and resolve instances in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.engines import ENGINES
from cmp.repository import instances
from cmp.repository.instances import Request
from cmp.system.tree import WorkTree

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from cmp.model import Instance

CHART = "apiVersion: v2\nname: demo\nversion: 1.0.0\n"
REFERENCE = {
    "namespaces/shop/Chart.yaml": CHART,
    "namespaces/shop/common-values-shop.yaml": "a: 1\n",
    "namespaces/shop/common-values-shop.secret.yaml": "",
    "clusters/dev/shop/dev-values-shop.yaml": "a: 2\n",
    "clusters/dev/shop/dev-values-shop.secret.yaml": "",
    "clusters/prod/shop/prod-values-shop.yaml": "a: 3\n",
}
"""The reference layout: one application on two clusters, no cmp.yaml."""


def plant(root: Path, files: dict[str, str]) -> WorkTree:
    """Write files (a text that starts with `->` is the target of a symbolic link) and return the tree."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("->"):
            path.symlink_to(text.removeprefix("->").strip())
        else:
            path.write_text(text)
    return WorkTree(str(root))


def request(app: str = "shop", cluster: str = "dev", **rest: Any) -> Request:  # noqa: ANN401  # the other fields of a Request  # a Request's fields
    """Ask for the application of REFERENCE on its dev cluster, unless told otherwise."""
    return Request(app, cluster, **rest)


def resolve(tree: WorkTree, asked: Request | None = None) -> Instance:
    """Resolve a request with the engines that the product has."""
    return instances.resolve(tree, asked or request(), ENGINES)


def paths(instance: Instance) -> list[str]:
    """Return the paths of the layers, weakest first."""
    return [layer.path for layer in instance.layers]

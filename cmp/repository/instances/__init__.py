"""One application on one cluster, resolved into an Instance: everything that its render depends on.

root.py         the root of a source tree                  request.py   the application and cluster asked for
repository.py   applications, clusters and their folders   resolver.py  from a request to an Instance
files.py        the engine, plain manifests and unused files of an application's folders
values_chart.py the chart of an application that is values alone
"""

from __future__ import annotations

from cmp.repository.instances.repository import Pair, Repository
from cmp.repository.instances.request import Request, sidecar_request, with_names
from cmp.repository.instances.resolver import resolve, resolve_in
from cmp.repository.instances.root import checkout, has_repository, open_checkout, open_repository, open_sidecar

__all__ = [
    "Pair",
    "Repository",
    "Request",
    "checkout",
    "has_repository",
    "open_checkout",
    "open_repository",
    "open_sidecar",
    "resolve",
    "resolve_in",
    "sidecar_request",
    "with_names",
]

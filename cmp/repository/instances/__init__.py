"""One application on one cluster, resolved into an Instance: everything that its render depends on.

root.py         the root of a source tree                  request.py   the application and cluster asked for
repository.py   one application on one cluster, looked up  resolver.py  from a request to an Instance
listing.py      all of them, as pairs                      places.py    what the layout's patterns find
central.py      the settings that cmp.yaml has for some applications
files.py        the engine, plain manifests and unused files of an application's folders
values_chart.py the chart of an application that is values alone
markers.py      the files that choose an engine
nowhere.py      applications that run nowhere
"""

from __future__ import annotations

from cmp.repository.instances.listing import Pair
from cmp.repository.instances.repository import Repository
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

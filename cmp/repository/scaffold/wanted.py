"""A pair as Argo CD has it today: what an Application says of one of its sources, for the draft of a cmp.yaml.

`cmp init` makes these of the Applications that it reads; here nothing knows of Argo CD's own objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.model import NOTHING
from cmp.repository.config.model import EMPTY

if TYPE_CHECKING:
    from collections.abc import Mapping


class WantedValues(NamedTuple):
    """A values file by its path in the tree; an optional one may be missing."""

    path: str
    is_optional: bool = False


class WantedChart(NamedTuple):
    """A chart of a Helm or OCI repository, by its URL, its name and the version or range that is asked for."""

    repository: str
    name: str
    version: str


class WantedPair(NamedTuple):
    """A source that Argo CD renders, and where.

    `application` is the Application's name and `app` the same without the cluster's, where it is in there; `place` is
    `file:line` of the Application, or of the set that makes it.  `cluster` is the destination's name, else its server's
    host; `server` is empty where the destination has a name.  Either `path`, a folder of the tree (`.` is the root), or
    `chart` is there.  `values` are the values files in the order in which they are listed, those of the tree alone.

    `kind` is `helm`, `kustomize`, `directory` or `plugin` where the Application says it, else empty.  `facts` are
    texts that a generator gave the Application, such as `env`.  `options` are those of the engine, as cmp-app.yaml has
    them, `files` the manifests of a directory; `beyond` names the keys of the source that no key of cmp.yaml can say
    (`helm.parameters`).  `release` and `namespace` are as Argo CD uses them.  `parent` is the name of what prints the
    Application, empty for one in a file.
    """

    application: str
    place: str
    app: str = ""
    cluster: str = ""
    server: str = ""
    path: str = ""
    chart: WantedChart | None = None
    values: tuple[WantedValues, ...] = ()
    release: str = ""
    namespace: str = ""
    project: str = ""
    kind: str = ""
    facts: Mapping[str, str] = NOTHING
    options: Mapping[str, object] = EMPTY
    files: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    parent: str = ""

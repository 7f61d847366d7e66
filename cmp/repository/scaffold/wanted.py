"""A pair as Argo CD has it today: what an Application says of one of its sources, for the draft of a cmp.yaml.

`cmp init` makes these of the Applications that it reads; here nothing knows of Argo CD's own objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.model import NOTHING
from cmp.repository.config.model import EMPTY

if TYPE_CHECKING:
    from collections.abc import Mapping


PRINTED = "output of "  # begins the place of what no file has


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

    `application` is the Application's name, `place` its `file:line`, or that of the set that makes it.  `cluster` is
    the destination's name, else its server's host, with `server` where the destination has one.  Either `path`, a
    folder of the tree (`.` is the root), or `chart` is there.  `values` are the values files in the order in which they
    are listed, weakest first, those of the tree alone.

    `kind` is `helm`, `kustomize`, `directory` or `plugin` where the Application says it, else empty.  `facts` are
    texts that a generator gave the Application, such as `env`.  `options` are those of the engine, as cmp-app.yaml has
    them, `files` the manifests of a directory; `beyond` names the keys of the source that no key of cmp.yaml can say
    (`helm.parameters`).  `release` and `namespace` are as Argo CD uses them.  `parent` is the name of what prints the
    Application, empty for one in a file, and `origin` the file that it comes from by way of its parents.
    """

    application: str
    place: str
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
    origin: str = ""

    @property
    def file(self) -> str:
        """The file of the Application, or of its set; empty for one that a chart prints."""
        file = self.place.partition(":")[0]
        return "" if file.startswith(PRINTED) else file


class Wanted(NamedTuple):
    """The pairs of a tree's Applications, and sentences about Applications that are not among them.

    `clusters` are those that Secrets of the tree declare, with their keys in the inventory, `preview` the settings of
    Argo CD that the tree has, as the block of that name has them.
    """

    pairs: tuple[WantedPair, ...] = ()
    notes: tuple[str, ...] = ()
    clusters: Mapping[str, Mapping[str, object]] = EMPTY
    preview: Mapping[str, object] = EMPTY

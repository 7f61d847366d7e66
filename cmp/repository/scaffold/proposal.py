"""A proposal for a cmp.yaml, before it is text: where two ways to find a layout meet.

It comes from the Applications of Argo CD where there are any, else from folders alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.repository.config.model import EMPTY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.repository.config import ValuesPattern


class Proposal(NamedTuple):
    """The keys of a cmp.yaml by what they say; empty ones are left out of the file, but `apps` never is.

    `clusters` maps a name to its keys in the inventory (`server`, `labels`, facts), `applications` are the entries of
    that key, `defaults` and `preview` the keys of these blocks, all as YAML has them.  `chart` is the text or the map
    of `layout.chart`.  `notes` are sentences about what the proposal does not say.
    """

    apps: tuple[str, ...]
    instances: tuple[str, ...] = ()
    values: tuple[ValuesPattern, ...] = ()
    name: str = ""
    chart: str | Mapping[str, str] = ""
    shared: tuple[str, ...] = ()
    release: str = ""
    namespace: str = ""
    clusters: Mapping[str, Mapping[str, object]] = EMPTY
    applications: tuple[Mapping[str, object], ...] = ()
    defaults: Mapping[str, object] = EMPTY
    preview: Mapping[str, object] = EMPTY
    notes: tuple[str, ...] = ()

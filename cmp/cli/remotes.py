"""Remote bases and files for the commands that look after the cache: fetched, unpacked to see what they name, gone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cmp import policy
from cmp.artifacts import remotes
from cmp.artifacts.cache import ChartCache
from cmp.artifacts.charts.upkeep import Change
from cmp.artifacts.remotes import fetch, parts
from cmp.render import schemas
from cmp.system.unpack import unpack

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.artifacts.cache import Archive
    from cmp.context import Context
    from cmp.engines.protocol import Part
    from cmp.model import RemoteRef
    from cmp.policy import PolicyCheck
    from cmp.system.workspace import Workspace


class Depot:
    """Where an engine's files of somebody else are put for a while."""

    def __init__(self, workspace: Workspace, context: Context, permit: PolicyCheck | None) -> None:
        self._workspace = workspace
        self._context = context
        self._permit = permit or policy.WITHOUT_POLICY

    def tree(self, wanted: RemoteRef, part: Part, name: str) -> str:
        """Put a part of a Git repository into a folder, the same for the same name, and return its path."""
        return self._unpacked(wanted, part, name)

    def _unpacked(self, wanted: RemoteRef, part: Part | None, name: str) -> str:
        self._permit.remote(wanted)
        archive = parts.obtain(wanted, part, self._context)
        folder = self._workspace.folder(name)
        unpack(archive.data, folder, wanted.subject)
        return folder

    def file(self, wanted: RemoteRef) -> bytes:
        """Return a file of a web server."""
        with open(os.path.join(self._unpacked(wanted, None, "file"), remotes.CONTENT), "rb") as file:
            return file.read()


def refresh(specs: Sequence[str], context: Context, permit: PolicyCheck | None) -> Iterator[tuple[str, Change]]:
    """Fetch what the cache knows by `name` or `name@version` again, and take what there is now; yield spec and change.

    What no remote base or file is called is left out.
    """
    cache = ChartCache(context.settings.cache_dir)
    for spec in specs:
        name, _, version = spec.partition("@")
        for record in cache.records():
            wanted = remotes.ref_of(record.key)
            if wanted and record.key.name == name and version in ("", wanted.version):
                archive = _pull(wanted, context, permit)
                cache.forget(record.key)
                cache.publish(record.key, archive)
                yield spec, Change(record.key, record.version, archive.version)


def _pull(wanted: RemoteRef, context: Context, permit: PolicyCheck | None) -> Archive:
    if wanted.is_schema:
        ask = schemas.url_check(wanted, permit)
        ask(wanted.url, "")
        return fetch.pull(wanted, context, ask)
    (permit or policy.WITHOUT_POLICY).remote(wanted)
    return fetch.pull(wanted, context)

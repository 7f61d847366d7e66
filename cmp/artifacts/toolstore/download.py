"""Downloads of tools to files: quick to see a dead host, for the Go module is waiting as the next way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.artifacts import toolstore
from cmp.artifacts.toolstore.recipes import UnavailableError
from cmp.errors import ToolError
from cmp.system.download import Downloader, Source, silent
from cmp.system.download.faults import DownloadError
from cmp.system.urls import origin

if TYPE_CHECKING:
    from cmp.model import Settings
    from cmp.system.download import Progress
    from cmp.system.download.faults import Kind
    from cmp.system.process import Deadline

_DEAD: tuple[Kind, ...] = ("name", "lookup", "connection")


class Downloads:
    """The downloads of one run: a host that could not be reached is not tried again."""

    def __init__(self, settings: Settings, deadline: Deadline, progress: Progress = silent) -> None:
        self._downloader = Downloader(settings, deadline, ToolError, progress=progress, final=_DEAD)
        self._dead: dict[str, str] = {}

    def save(self, url: str, path: str, limit: int) -> str:
        """Write the body, of at most `limit` bytes, to `path` and return its sha256.

        UnavailableError when there is none to be had, ToolError when there is too much.
        """
        host = origin(url).netloc
        if host in self._dead:
            raise UnavailableError(self._dead[host])
        try:
            with open(path, "wb") as file:
                self._downloader.save(Source(url, url, limit, home=url), file)
        except DownloadError as error:
            if error.kind in _DEAD:
                self._dead[host] = error.said
            raise UnavailableError(error.said) from None
        return toolstore.sha256(path)

"""Values files of web servers: fetched like charts, and kept as long as the version of a range.

The content of such a URL may change, as that of a branch does, and nothing pins it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cmp.artifacts import remotes, ttl_cache
from cmp.artifacts.charts.repository_chart import RANGE_SECONDS

if TYPE_CHECKING:
    from cmp.artifacts.cache import Archive
    from cmp.context import Context
    from cmp.model import RemoteRef
    from cmp.system.download import UrlCheck


def obtain(wanted: RemoteRef, context: Context, check_url: UrlCheck) -> Archive:
    """Return the archive of a file; ChartError when it cannot be had.

    `check_url` is asked about each URL before a server is.
    """
    check_url(wanted.url, "")
    key = f"values file {wanted.url}"
    known = ttl_cache.recall(context.settings.state_dir, key)
    token = known if isinstance(known, str) else os.urandom(8).hex()
    archive = remotes.obtain(wanted._replace(version=token), context, check_url)
    if token != known:
        ttl_cache.remember(context.settings.state_dir, key, token, RANGE_SECONDS)
    return archive

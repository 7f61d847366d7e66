"""Keys of the chart cache beside those of charts: Git repositories, files of web servers, JSON Schemas of charts.

`repository` of a key is the URL behind `git+`, `file+` or `schema+`, `version` the tag, the commit or the version in
the URL; of a schema it is the sha256 that cmp.lock demands, or NEWEST: two locks may want two contents of one URL.  The
chart's version of an entry is the commit, or the sha256 of the file, that was fetched.
"""

from __future__ import annotations

from cmp.artifacts.cache import FILE, GIT, SCHEMA, Key
from cmp.model import RemoteRef

NEWEST = "newest"
CONTENT = "content"  # the one member of a file's archive
MAX_NAME = 120


def key_of(ref: RemoteRef) -> Key:
    """Return the key of a remote repository or file."""
    # The schemas of many charts are called alike, and `cmp cache refresh` takes a name.
    text = ref.url.partition("://")[2] if ref.is_schema else ref.url.rstrip("/").rpartition("/")[2]
    name = "".join(char if char.isalnum() or char in "._-" else "-" for char in text)
    prefix = SCHEMA if ref.is_schema else FILE if ref.is_file else GIT
    return Key(f"{prefix}{ref.url}", name[-MAX_NAME:] if ref.is_schema else name, ref.version)


def ref_of(key: Key) -> RemoteRef | None:
    """Return the remote repository or file of a key; None for a chart's."""
    for prefix in (GIT, FILE, SCHEMA):
        if key.repository.startswith(prefix):
            url = key.repository.removeprefix(prefix)
            return RemoteRef(url, key.version, "", is_file=prefix != GIT, is_schema=prefix == SCHEMA)
    return None

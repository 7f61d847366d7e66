"""The files `.argocd-source*.yaml` of the source path, merged into the source before a plugin is called.

It patches the source as JSON (RFC 7386), then reads the result *into* the source that it had.  So a null removes
nothing, and a list goes over the one before it item by item: of `{name: a, string: x}` below `{name: b, map: {…}}`
becomes `{name: b, string: x, map: {…}}`.  Surprising, and what the plugin gets.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

from cmp import yamldoc
from cmp.argocd.document import OTHERS, Application, without_plugin
from cmp.argocd.shape import SOURCE, Spot, problems
from cmp.errors import ConfigError
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Callable

    Values = dict[str, object]

OF_ALL, OF_ONE = ".argocd-source.yaml", ".argocd-source-{name}.yaml"
FIXED = ("chart", "path", "repoURL", "targetRevision")  # no file of the repository changes these


def overridden(application: Application, read: Callable[[str], bytes | None]) -> Application:
    """Merge the overrides into the source; ConfigError for one that cannot be, and for a source without a plugin then.

    `read` returns the content of a file of the repository, None where there is no file.
    """
    folder = os.path.normpath(application.path)
    names = (OF_ALL, OF_ONE.format(name=application.instance_name))
    files = [join("" if folder == "." else folder, name) for name in names]
    patches = [_patch(data, file) for file in files if (data := read(file)) is not None]
    merged = cast("Values", overlay(application.source, *patches))
    fixed = {key: application.source[key] for key in FIXED if key in application.source}
    source = {**{key: value for key, value in merged.items() if key not in FIXED}, **fixed}
    if "plugin" not in source:
        raise without_plugin(application.spot)
    if other := next((key for key in OTHERS if source.get(key)), ""):
        raise ConfigError(
            f"the source has {other} and a plugin: Argo CD takes one of them", file=application.spot.place
        )
    return application._replace(source=source)


def overlay(*values: object) -> object:
    """Lay values of one shape over each other, the last one strongest, as Go's decoder does into the same variable."""
    last = values[-1]
    if isinstance(last, dict):
        maps = [each for each in values if isinstance(each, dict)]
        keys = dict.fromkeys(key for each in maps for key in each)
        found = {key: [each[key] for each in maps if each.get(key) is not None] for key in keys}
        return {key: overlay(*each) for key, each in found.items() if each}
    if isinstance(last, list):
        lists = [each for each in values if isinstance(each, list)]
        # What a shorter list hides comes back under a longer one, unless the shorter was empty.
        emptied = max((index for index, each in enumerate(lists) if not each), default=-1)
        lists = lists[emptied + 1 :]
        return [overlay(*(each[index] for each in lists if index < len(each))) for index in range(len(last))]
    return last


def _patch(data: bytes, file: str) -> object:
    found = yamldoc.parse_file(data, file)
    if not found or found[0].line > 1:  # only the first document counts
        raise ConfigError("Argo CD refuses this file: it is empty", file=file, hint="remove it")
    if wrong := list(problems(found[0].value, SOURCE, Spot(file, found[0]), is_patch=True)):
        raise ConfigError.of(wrong, hint="Argo CD refuses to merge this file into the Application's source")
    return found[0].value

"""Print the newest version of each tool that the Go module proxy knows, and whether the tested versions have it.

    python -m scripts.newest

A new release of somebody else breaks nothing here: the exit code is 0, and a proxy that gives no answer is named.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cmp import environ
from cmp.artifacts.toolstore.gobuild import Go
from cmp.artifacts.toolstore.recipes import SOURCES, UnavailableError
from cmp.errors import CmpError
from cmp.system.process import Deadline
from cmp.system.workspace import Workspace
from cmp.versions import is_exact, newest
from tests.support.versions import TESTED

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 60.0  # for each module


def main() -> None:
    """Print a line for each tool; two for a tool with two modules, such as helm 3 and helm 4."""
    modules: dict[tuple[str, str], tuple[str, ...]] = {}
    for source in SOURCES:
        key = (source.name, source.go.module)
        modules[key] = (*modules.get(key, ()), *source.versions)
    with Workspace() as folder:
        for (tool, module), starts in modules.items():
            sys.stdout.write(f"{tool:<10} {_verdict(tool, module, starts, folder.path)}\n")
            sys.stdout.flush()


def _verdict(tool: str, module: str, starts: tuple[str, ...], folder: str) -> str:
    """Compare the newest version of a module with the tested ones that have a recipe in common with it."""
    tested = [version for version in TESTED.get(tool, ()) if version.startswith(starts)]
    try:
        known = [version for version in _versions(module, folder) if version.startswith(starts)]
    except (CmpError, UnavailableError) as error:
        return f"{'?':<10} no answer about {module}: {error}"
    if not known:
        return f"{'?':<10} no version of {module} is known"
    last = newest(known)
    if last in tested:
        return f"{last:<10} is tested"
    return f"{last:<10} is not tested; of {module} is {', '.join(tested) or 'nothing'}"


def _versions(module: str, folder: str) -> Iterator[str]:
    """Return the published versions of a module; CmpError or UnavailableError where the proxy does not tell."""
    go = Go(environ.current(default_deadline=SECONDS).settings.env.build, folder, Deadline(SECONDS))
    _, *versions = go.run("list", "-m", "-versions", module).split()
    return (version.removeprefix("v") for version in versions if is_exact(version) and "+" not in version)


if __name__ == "__main__":
    main()

"""Whether a version lies in a range: helm is asked, offline, and its answer kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp import versions

if TYPE_CHECKING:
    from cmp.artifacts.cache import ChartCache
    from cmp.artifacts.charts.dependencies import Dependency
    from cmp.context import Context
    from cmp.model import Tool


def fits(dependency: Dependency, version: str, helm: Tool, cache: ChartCache, context: Context) -> bool:
    """Say whether a chart of this version is what the dependency asks for; without a version, any is."""
    if not dependency.constraint:
        return True
    if dependency.version:
        return versions.is_same(dependency.version, version)
    question = f"{helm.version}\n{dependency.constraint}\n{version}"
    known = cache.note("fits", question)
    if not isinstance(known, bool):
        known = _ask(dependency, version, helm, context)
        cache.keep("fits", question, known)
    return known


def _ask(dependency: Dependency, version: str, helm: Tool, context: Context) -> bool:
    """Let `helm dependency list` judge a throw-away chart that holds another one of this version."""
    import json  # noqa: PLC0415  # only for a range that nobody asked about yet

    from cmp.artifacts.charts.helm import Helm, failed  # noqa: PLC0415
    from cmp.system.workspace import Workspace  # noqa: PLC0415

    asks = {"name": "asked", "version": dependency.constraint, "repository": ""}
    with Workspace(context.settings.tmp_dir) as workspace:
        for name, chart in (
            ("Chart.yaml", {"apiVersion": "v2", "name": "asking", "version": "0.0.0", "dependencies": [asks]}),
            ("charts/asked/Chart.yaml", {"apiVersion": "v2", "name": "asked", "version": version}),
        ):
            workspace.write(f"chart/{name}", json.dumps(chart).encode())
        runner = Helm(helm, workspace, context)
        arguments = ("dependency", "list", workspace.folder("chart"))
        (result,) = runner.run([runner.offline(runner.home(), "dependency list", *arguments)])
    if result.returncode:
        raise failed(
            f"chart {dependency.name} {version}", result.stderr.decode(errors="replace").strip(), dependency.place
        )
    return any(line.split()[-1] == b"unpacked" for line in result.stdout.splitlines() if line.startswith(b"asked"))

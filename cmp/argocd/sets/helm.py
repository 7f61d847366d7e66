"""Templates evaluated by the pinned Helm, in a chart that is thrown away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.errors import EngineError
from cmp.system.process import Command, run
from cmp.system.sandbox import Access
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.argocd.sets.work import Render
    from cmp.context import Context
    from cmp.model import Tool

_CHART = b"apiVersion: v2\nname: sets\nversion: 0.0.0\n"
_SOURCE = re.compile(r"^---\n# Source: sets/templates/(\S+)\n", re.MULTILINE)
_ADVICE = "Use --debug flag to render out invalid YAML\n"
_REASON = re.compile(r"(?:Error: (?:execution|parse) error at \([^)]*\):|.*\bat <.*?>:)\s+(.*)", re.DOTALL)
_BLAMED = re.compile(r"sets/templates/([\w.]+)")


def evaluator(helm: Tool, context: Context) -> Render:
    """Return what evaluates Go templates by a start of Helm, which reads nothing of the user's."""

    def render(templates: Mapping[str, str]) -> Mapping[str, str]:
        with Workspace(context.settings.tmp_dir) as workspace:
            folder = workspace.folder("sets")
            workspace.write("sets/Chart.yaml", _CHART)
            for name, text in templates.items():
                workspace.write(f"sets/templates/{name}", text.encode())
            home = workspace.folder("home")
            env = {
                **context.settings.env.plain,
                "HOME": home,
                **{f"HELM_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA")},
            }
            access = Access((helm.path,), writes=(workspace.path,))
            command = Command("helm template", (helm.path, "template", "sets", "."), env, cwd=folder, access=access)
            result = run(command, context.deadline)
        if result.returncode != 0:
            raise _refusal(result.stderr.decode(errors="replace"), helm)
        _, *parts = _SOURCE.split(result.stdout.decode())
        return dict(zip(parts[::2], parts[1::2], strict=True))

    return render


def _refusal(said: str, helm: Tool) -> EngineError:
    """Name the template and the reason alone: the place would be one in the chart, and the call has the parameters."""
    blamed, reason = _BLAMED.search(said), _REASON.fullmatch(said.removesuffix(_ADVICE).strip())
    if not blamed or not reason:
        return EngineError(f"helm {helm.version} cannot evaluate the templates of ApplicationSets")
    return EngineError(" ".join(reason[1].split()), file=blamed[1])

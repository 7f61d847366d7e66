"""An Application as the variables that its plugin gets (repository.go: `newEnv`, `getPluginParamEnvs`)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.argocd.document import Application

# As Go's os.Expand: `${` without an end is eaten, and a `$` before anything else stays.
_REFERENCE = re.compile(r"\$(?:\{([^}]*)\}|(\{)|([*#$@!?0-9-])|([A-Za-z0-9_]+))")


def references(application: Application) -> set[str]:
    """Return the names of the variables that the values of `plugin.env` refer to."""
    return {_name(found) for _, value in _env(application) for found in _REFERENCE.finditer(value)}


def variables(application: Application, outside: Mapping[str, str]) -> dict[str, str]:
    """Return what Argo CD sets, but for the copies `PARAM_*`; `outside` are those that no Application tells.

    These are the commit (`ARGOCD_APP_REVISION`), `KUBE_VERSION` and `KUBE_API_VERSIONS`; unknown ones are empty.
    """
    revision = outside.get("ARGOCD_APP_REVISION", "")
    known = {
        "ARGOCD_APP_NAME": application.instance_name,
        "ARGOCD_APP_NAMESPACE": application.destination,
        "ARGOCD_APP_PROJECT_NAME": application.project,
        "ARGOCD_APP_REVISION": revision,
        "ARGOCD_APP_REVISION_SHORT": revision[:7],
        "ARGOCD_APP_REVISION_SHORT_8": revision[:8],
        "ARGOCD_APP_SOURCE_REPO_URL": str(application.source["repoURL"]),
        "ARGOCD_APP_SOURCE_PATH": application.path,
        "ARGOCD_APP_SOURCE_TARGET_REVISION": str(application.source.get("targetRevision", "")),
        "KUBE_VERSION": outside.get("KUBE_VERSION", ""),
        "KUBE_API_VERSIONS": outside.get("KUBE_API_VERSIONS", ""),
    }
    return {
        **known,
        **{f"ARGOCD_ENV_{name}": expand(value, known) for name, value in _env(application)},
        "ARGOCD_APP_PARAMETERS": json.dumps(_plugin(application).get("parameters")),
    }


def expand(text: str, known: Mapping[str, str]) -> str:
    """Replace `$NAME` and `${NAME}`, unknown ones by nothing, and `$$` by `$`."""
    return _REFERENCE.sub(lambda found: "$" if _name(found) == "$" else known.get(_name(found), ""), text)


def _name(found: re.Match[str]) -> str:
    return found[1] or found[3] or found[4] or ""


def _env(application: Application) -> list[tuple[str, str]]:
    entries = cast("list[dict[str, str]]", _plugin(application).get("env", []))
    return [(entry.get("name", ""), entry.get("value", "")) for entry in entries]


def _plugin(application: Application) -> dict[str, object]:
    return cast("dict[str, object]", application.source["plugin"])

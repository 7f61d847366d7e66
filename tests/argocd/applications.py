"""Application manifests, and what is to be read in the state of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.argocd.git import BRANCH
from tests.argocd.installation import IN_CLUSTER, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.argocd.kube import Object

REFRESH = "argocd.argoproj.io/refresh"

Value = str | list[str] | dict[str, str]
"""A plugin parameter."""

AUTOMATED: Mapping[str, Any] = {"automated": {"prune": True, "allowEmpty": True, "selfHeal": True}}
"""The most dangerous sync policy: whatever is rendered is applied, whatever is not is deleted."""

# Nobody here collects garbage, so nothing that is pruned may wait for that.
VALIDATED = ("CreateNamespace=true", "PrunePropagationPolicy=background")
# Kubectl's own validation, for which it reads the whole OpenAPI document of the API server for each object, is 40 % of
# the work of the application-controller.  The API server refuses the same objects.
OPTIONS = (*VALIDATED, "Validate=false")


def application(
    name: str,
    repository: str,
    path: str,
    *,
    plugin: str = "cmp",
    parameters: Mapping[str, Value] | None = None,
    env: Mapping[str, str] | None = None,
    to: str = "",
    server: str = IN_CLUSTER,
    project: str = "default",
    namespace: str = NAMESPACE,
    sync: Mapping[str, Any] = AUTOMATED,
    options: Sequence[str] = OPTIONS,
    annotations: Mapping[str, str] | None = None,
    revision: str = BRANCH,
) -> Object:
    """Return an Application of one source that `plugin` renders.

    `to` is the destination namespace (default: `name`), `namespace` the one in which the Application itself lies.
    """
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": namespace, "annotations": dict(annotations or {})},
        "spec": {
            "project": project,
            "source": {
                "repoURL": repository,
                "path": path,
                "targetRevision": revision,
                "plugin": {
                    "name": plugin,
                    "parameters": [_parameter(key, value) for key, value in (parameters or {}).items()],
                    "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
                },
            },
            "destination": {"server": server, "namespace": to or name},
            "syncPolicy": {**sync, "syncOptions": list(options)},
        },
    }


def _parameter(name: str, value: Value) -> dict[str, Any]:
    kind = {str: "string", list: "array", dict: "map"}[type(value)]
    return {"name": name, kind: value}


def sync_status(app: Object) -> str:
    """Return `Synced`, `OutOfSync`, `Unknown`, or nothing before the first comparison."""
    return str(app.get("status", {}).get("sync", {}).get("status", ""))


def condition(app: Object) -> str:
    """Return the texts of all conditions, one a line."""
    return "\n".join(each["message"] for each in app.get("status", {}).get("conditions", []))


def synced(app: Object) -> bool:
    """Hold when everything is applied, no operation goes on, and no condition tells of an error."""
    errors = [each for each in app.get("status", {}).get("conditions", []) if each["type"].endswith("Error")]
    return sync_status(app) == "Synced" and not is_busy(app) and not errors


def refreshed(app: Object) -> bool:
    """Hold when the refresh that was asked for has been done."""
    return REFRESH not in app["metadata"].get("annotations", {})


def failed(text: str = "") -> Callable[[Object], bool]:
    """Hold when there is a condition with that text."""

    def holds(app: Object) -> bool:
        return bool(condition(app)) and text in condition(app)

    holds.__name__ = f"failed({text!r})"
    return holds


def is_busy(app: Object) -> bool:
    """Return whether the application is being synced, or about to be."""
    return "operation" in app or app.get("status", {}).get("operationState", {}).get("phase") == "Running"


def describe(app: Object) -> str:
    """Return the state in one line and its conditions."""
    operation = app.get("status", {}).get("operationState", {})
    words = (sync_status(app) or "not compared yet", operation.get("phase", ""), operation.get("message", ""))
    return f"{app['metadata']['name']}: {', '.join(filter(None, words))}\n{condition(app)}"

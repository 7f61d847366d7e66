"""`cmp parameters`: the sidecar's call for the form that Argo CD's UI shows of an Application.

Argo CD calls in a copy of the checkout, and tells neither namespace nor project, revision or Kubernetes version.  A
call that fails takes the whole page with the Application's details away, so it fails only where there is no
application at all: no root, a broken cmp.yaml, a path that is no application's.  A mistake of the one Application is a
warning in the sidecar's log, and its condition reports it anyway: most mistakes (no cluster, an unknown one, a wrong
parameter) are those that the form is opened to mend.

An Application that may not render the folder learns nothing of it: the administrator's policy is asked as far as it can
be without the project and the namespace, which is for the repository, the revision and the folder.

The values shown are those that a render would use.  Argo CD does not send them back unless somebody saves the form;
then they must not change the render, so that arrays and maps show only the Application's own settings.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd import parameters
from cmp.artifacts import toolstore
from cmp.cli import Output
from cmp.engines import ENGINES
from cmp.engines.registry import KUSTOMIZE
from cmp.errors import ConfigError
from cmp.repository import instances
from cmp.repository.instances import Repository, Request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp.argocd.parameters import Parameter
    from cmp.cli import Invocation
    from cmp.model import Instance, Parameters, Settings
    from cmp.system.tree import Tree

MAX_LISTED = 20  # names or files in one tool tip


class _Present(NamedTuple):
    """The state of the Application that the form shows: its parameters, and its instance where it can be resolved.

    `cluster` is empty where no source names one; `clusters` are those that the application runs on, empty where the
    policy keeps that from this Application.
    """

    given: Parameters
    instance: Instance | None
    cluster: str
    clusters: list[str]
    settings: Settings


def run(invocation: Invocation) -> Output:
    """Print the announcement, a JSON array; ConfigError for a repository that cannot be read."""
    with invocation.context.phases.phase("layout"):
        present = _present(invocation)
    announced = [_announcement(parameter, present) for parameter in parameters.ALL]
    return Output(json.dumps(announced, indent=1, ensure_ascii=False).encode(errors="replace") + b"\n")


def _present(invocation: Invocation) -> _Present:
    settings, warn = invocation.context.settings, invocation.context.log.warning
    tree, folder = instances.open_sidecar(invocation.cwd, invocation.build_env)
    repository = Repository(tree, ENGINES)
    given, mistakes = parameters.sift(invocation.plugin_env)
    for mistake in mistakes:
        warn(mistake)
    request = Request(
        folder=folder,
        parameters=given,
        build_env=invocation.build_env,
        locked_cluster=settings.cluster,
        in_sidecar=True,
    )
    if not _may_render(invocation, tree, (folder,)):
        return _Present(given, None, given.cluster, [], settings)
    owner = repository.owner(folder, is_exact=True)
    try:
        instance = instances.resolve_in(repository, request)
        cluster = instance.cluster
    except ConfigError as error:
        if not owner.app:
            raise
        warn(f"{error.what} ({error.file})" if error.file else error.what)
        instance = None
        cluster = given.cluster or owner.cluster or settings.cluster
    if instance and not _may_render(invocation, tree, (instance.app_folder, instance.instance_folder, instance.folder)):
        return _Present(given, None, given.cluster, [], settings)
    return _Present(given, instance, cluster, repository.clusters_of(owner.app), settings)


def _may_render(invocation: Invocation, tree: Tree, folders: tuple[str, ...]) -> bool:
    """Say whether the administrator's policy lets some AppProject render these folders; warn where it does not."""
    context = invocation.context
    if not context.settings.policy:
        return True
    from cmp import policy  # noqa: PLC0415  # most sidecars have none

    try:
        policy.for_announcement(context.settings.policy, tree, invocation.build_env, filter(None, folders))
    except ConfigError as error:
        context.log.warning(f"{error.what} ({error.file})" if error.file else error.what)
        return False
    return True


def _announcement(parameter: Parameter, present: _Present) -> dict[str, object]:
    value = _value(parameter.name, present)
    return {
        "name": parameter.name,
        "title": parameter.title,
        "tooltip": " ".join([parameter.help, *_remarks(parameter.name, present)]),
        "required": parameter.name == "cluster" and bool(present.clusters) and not present.cluster,
        "itemType": "string",
        "collectionType": parameter.kind,
        **({parameter.kind: value} if value else {}),
    }


def _value(name: str, present: _Present) -> object:
    given, instance = present.given, present.instance
    tool = name.removesuffix("-version")
    values: dict[str, object] = {
        "cluster": present.cluster,
        "values": given.values_files,
        "values-yaml": given.values_yaml,
        "images": given.images,
        "environment": given.environment,
        "set": dict(given.set_values),
        "set-string": dict(given.set_strings),
        "set-template": dict(given.set_templates),
        "release": instance.release if instance else given.release,
    }
    if name in values:
        return values[name]
    return instance.pins[tool].version if instance and tool in instance.pins else given.tool_versions.get(tool, "")


def _remarks(name: str, present: _Present) -> Iterable[str]:
    """Yield sentences of the tool tip that hold for this Application alone."""
    instance = present.instance
    if name == "cluster" and present.clusters:
        yield f"This application runs on {_listed(present.clusters)}."
    if name == "values" and instance:
        yield f"In use, weakest first: {_listed(layer.path for layer in instance.layers)}."
    if name in ("set", "set-string", "set-template") and instance and instance.engines == (KUSTOMIZE,):
        yield "Kustomize builds this application: a key is one of its ConfigMap cmp-parameters."
    if name.endswith("-version"):
        tool = name.removesuffix("-version")
        if instance and tool in instance.pins:
            yield f"Pinned by {instance.pins[tool].source}."
        settings = present.settings
        installed = toolstore.versions(settings.tools_dir, tool, settings.custom_tools)
        yield f"Installed: {_listed(installed)}."


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    remainder = [f"and {len(every) - MAX_LISTED} more"] if len(every) > MAX_LISTED else []
    return ", ".join([*every[:MAX_LISTED], *remainder]) or "none"

"""The work of repo-server before it calls a plugin: override an Application's source by files, set variables.

The files `.argocd-source*.yaml` of the source path patch the source as JSON (RFC 7386), and the result is read *into*
the source that was there.  So a null removes nothing, and a list goes over the one before it item by item: of
`{name: a, string: x}` below `{name: b, map: {…}}` becomes `{name: b, string: x, map: {…}}`.  Surprising, and what the
plugin gets.

Source: argoproj/argo-cd 3.2, reposerver/repository/repository.go (`newEnv`, `getPluginParamEnvs`).
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from cmp import environ, yamldoc
from cmp.argocd.application import without_plugin
from cmp.argocd.shapes import PATCH
from cmp.argocd.source import SOURCE, Plugin
from cmp.errors import ConfigError
from cmp.model import BuildEnv
from cmp.schema.json_node import JsonNode, SourceLocation
from cmp.schema.spec import check
from cmp.system.tree import join
from cmp.yamldoc.access import mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cmp.argocd.application import Application

    Values = dict[str, object]

OF_ALL, OF_ONE = ".argocd-source.yaml", ".argocd-source-{name}.yaml"
VALUES_OBJECT = "valuesObject"  # of helm: read as a whole, so that in it a null does remove
FIXED = ("chart", "path", "repoURL", "targetRevision")  # no file of the repository changes these

# As Go's os.Expand: `${` without an end is eaten, and a `$` before anything else stays.
_REFERENCE = re.compile(r"\$(?:\{([^}]*)\}|(\{)|([*#$@!?0-9-])|([A-Za-z0-9_]+))")


def overridden(application: Application, read: Callable[[str], bytes | None]) -> Application:
    """Merge the overrides into a plugin's source; ConfigError for a source without a plugin then, and as `merged`."""
    merged_application = merged(application, read)
    if merged_application.source.plugin is None:
        raise without_plugin(application.location.place)
    return merged_application


def merged(application: Application, read: Callable[[str], bytes | None]) -> Application:
    """Merge the overrides into the source; ConfigError for one that cannot be, and for a source of two kinds then.

    `read` returns the content of a file of the repository, None where there is no file.
    """
    folder = os.path.normpath(application.source.path)
    names = (OF_ALL, OF_ONE.format(name=application.instance_name))
    files = [join("" if folder == "." else folder, name) for name in names]
    patches = [_patch(data, file) for file in files if (data := read(file)) is not None]
    given = application.source_values
    values = {**_merged(given, patches), **{key: given[key] for key in FIXED if key in given}}
    source = SOURCE.build(JsonNode(values, application.location))
    if len(source.blocks) > 1:
        listed = " and ".join(source.blocks).replace("plugin", "a plugin")
        raise ConfigError(
            f"the source has {listed}: Argo CD takes one of them",
            file=application.location.place,
            hint="remove all but one of them",
        )
    return application._replace(source=source, source_values=values)


def _merged(given: Values, patches: list[object]) -> Values:
    values = {key: value for key, value in mapping(overlay(given, *patches)).items() if key not in FIXED}
    laid = mapping(given.get("helm")).get(VALUES_OBJECT)
    for patch in patches:
        helm = mapping(mapping(patch).get("helm"))
        laid = patched(laid, helm[VALUES_OBJECT]) if VALUES_OBJECT in helm else laid
    if laid is not None:
        values["helm"] = {**mapping(values.get("helm")), VALUES_OBJECT: laid}
    return values


def patched(value: object, patch: object) -> object:
    """Return JSON with a merge patch laid over it (RFC 7386): a null removes."""
    if not isinstance(patch, dict):
        return patch
    below = value if isinstance(value, dict) else {}
    result = {key: item for key, item in below.items() if key not in patch}
    return result | {key: patched(below.get(key), item) for key, item in patch.items() if item is not None}


def overlay(*values: object) -> object:
    """Lay values of one shape over each other, the last one strongest, as Go's decoder does into the same variable.

    A null below counts like a missing key.  A shorter list hides the last items of the longer one below it, and a
    longer one above both uncovers them: of `[a, b]`, `[c]` and `[d, {}]` the second item is laid over `b`.  Only an
    empty list forgets what is below.
    """
    last = values[-1]
    if isinstance(last, dict):
        maps = [value for value in values if isinstance(value, dict)]
        keys = dict.fromkeys(key for value in maps for key in value)
        layers = {key: [value[key] for value in maps if value.get(key) is not None] for key in keys}
        return {key: overlay(*items) for key, items in layers.items() if items}
    if isinstance(last, list):
        lists = [value for value in values if isinstance(value, list)]
        emptied = max((index for index, items in enumerate(lists) if not items), default=-1)
        lists = lists[emptied + 1 :]
        return [overlay(*(items[index] for items in lists if index < len(items))) for index in range(len(last))]
    return last


def _patch(data: bytes, file: str) -> object:
    documents = yamldoc.parse_file(data, file)
    if not documents or documents[0].line > 1:  # only the first document counts
        raise ConfigError("Argo CD refuses this file: it is empty", file=file, hint="remove it")
    value = documents[0].value
    if problems := check(SOURCE, JsonNode(value, SourceLocation(file, documents[0])), PATCH):
        raise ConfigError.of(problems, hint="Argo CD refuses to merge this file into the Application's source")
    return value


def references(application: Application) -> set[str]:
    """Return the names of the variables that the values of `plugin.env` refer to."""
    env = (application.source.plugin or Plugin()).env
    return {_name(reference) for entry in env for reference in _REFERENCE.finditer(entry.value)}


def variables(application: Application, outside: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that Argo CD sets, but for the copies `PARAM_*`; `outside` are those not from Applications.

    These are the commit (`ARGOCD_APP_REVISION`), `KUBE_VERSION` and `KUBE_API_VERSIONS`; unknown ones are empty.
    """
    source = application.source
    plugin = source.plugin or Plugin()
    build_env = BuildEnv(
        app_name=application.instance_name,
        app_namespace=application.destination.namespace,
        project=application.project,
        revision=outside.get("ARGOCD_APP_REVISION", ""),
        repo_url=source.repo_url,
        source_path=source.path,
        target_revision=source.target_revision,
    )
    known = {
        **environ.application_variables(build_env),
        "KUBE_VERSION": outside.get("KUBE_VERSION", ""),
        "KUBE_API_VERSIONS": outside.get("KUBE_API_VERSIONS", ""),
    }
    return {
        **known,
        **{f"ARGOCD_ENV_{entry.name}": expand(entry.value, known) for entry in plugin.env},
        "ARGOCD_APP_PARAMETERS": json.dumps(plugin.parameters),
    }


def expand(text: str, known: Mapping[str, str]) -> str:
    """Replace `$NAME` and `${NAME}`, unknown ones by nothing, and `$$` by `$`."""

    def value(reference: re.Match[str]) -> str:
        name = _name(reference)
        return "$" if name == "$" else known.get(name, "")

    return _REFERENCE.sub(value, text)


def _name(reference: re.Match[str]) -> str:
    return reference[1] or reference[3] or reference[4] or ""

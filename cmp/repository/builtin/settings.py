"""The settings of the Argo CD that renders built-in sources: from cmp.yaml, its ConfigMap in the tree, or assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.settings import NEWEST, SCHEMES, ArgoCDSettings, bundled
from cmp.errors import ConfigError
from cmp.model import ToolPin
from cmp.repository.builtin.definitions import objects_with
from cmp.repository.config.model import ArgoCDChoice
from cmp.yamldoc.access import dig, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.repository.instances import Repository
    from cmp.system.tree import Tree

CONFIG_MAP = "argocd-cm"
BUILD_OPTIONS = "kustomize.buildOptions"
VALUE_SCHEMES = "helm.valuesFileSchemes"


class _ConfigMap(NamedTuple):
    file: str
    data: Mapping[str, str]


def settings_of(repository: Repository) -> ArgoCDSettings:
    """Return the settings; each comes from `preview.argocd`, else the only argocd-cm of the tree, else the defaults.

    ConfigError for an Argo CD whose tools are not known here.
    """
    choice = repository.config.preview.argocd or ArgoCDChoice()
    found = _config_maps(repository.tree)
    config_map = found[0] if len(found) == 1 else _ConfigMap("", {})
    data = config_map.data
    version = choice.version or NEWEST
    tools = bundled(version)
    pins = {"helm": choice.helm, "kustomize": choice.kustomize}
    place = f"the tools of Argo CD {version}"
    for name, pin in pins.items():
        if pin is None and not tools:
            raise ConfigError(
                f"the {name} that Argo CD {version} bundles is not known here",
                file=choice.place,
                hint=f'name it: `argocd: {{version: "{version}", helm: VERSION, kustomize: VERSION}}`',
            )
    schemes = (
        tuple(text.strip() for text in data[VALUE_SCHEMES].split(",") if text.strip())
        if VALUE_SCHEMES in data
        else SCHEMES
    )
    settings = ArgoCDSettings(
        version=version,
        helm=pins["helm"] or ToolPin("helm", tools["helm"], place),
        kustomize=pins["kustomize"] or ToolPin("kustomize", tools["kustomize"], place),
        schemes=schemes if choice.values_file_schemes is None else choice.values_file_schemes,
        build_options=data.get(BUILD_OPTIONS, "") if choice.build_options is None else choice.build_options,
    )
    return settings._replace(assumed=_sentence(settings, choice, config_map, found))


def _sentence(settings: ArgoCDSettings, choice: ArgoCDChoice, config_map: _ConfigMap, found: list[_ConfigMap]) -> str:
    tools = f"Argo CD {settings.version} with helm {settings.helm.version} and kustomize {settings.kustomize.version}"
    source = "as preview.argocd says" if choice.version else "assumed: preview.argocd of cmp.yaml names another one"
    if config_map.file:
        others = f"its other settings are those of {config_map.file}"
    elif found:
        others = f"{len(found)} files have an {CONFIG_MAP}, and none of them was read"
    else:
        others = "its other settings are the defaults where preview.argocd says none"
    return f"sources without a plugin are rendered as by {tools} ({source}); {others}"


def _config_maps(tree: Tree) -> list[_ConfigMap]:
    """Return the ConfigMaps argocd-cm of the tree, whole ones and patches of it."""
    return [
        _ConfigMap(one.location.file, {key: str(text) for key, text in mapping(one.value.get("data")).items()})
        for one in objects_with(tree, CONFIG_MAP)
        if one.value.get("kind") == "ConfigMap" and dig(one.value, "metadata", "name") == CONFIG_MAP
    ]

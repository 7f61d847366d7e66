"""The block `helm`, as an Instance has it: names, values and parameters.

Source: argoproj/argo-cd 3.6, reposerver/repository/repository.go (`helmTemplate`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp import yamldoc
from cmp.argocd.source import Helm
from cmp.engines.registry import HELM
from cmp.errors import ConfigError
from cmp.model import ChartRef, Layer, Parameters
from cmp.repository.builtin.sources import is_oci
from cmp.repository.builtin.value_files import ValueFiles
from cmp.versions import numbers

if TYPE_CHECKING:
    from cmp.model import Instance
    from cmp.repository.builtin.sources import SourceContext

_VERSION = re.compile(
    r"\s*v?((?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+)(?![0-9])"
)  # as k8s.io/apimachinery's ParseGeneric


def resolve(context: SourceContext, instance: Instance) -> Instance:
    """Complete an Instance; ConfigError for what Argo CD refuses."""
    block = context.application.source.helm or Helm()
    _require_version(block, context)
    files = ValueFiles(context)
    layers = files.layers(block.value_files, may_miss=block.ignore_missing_value_files)
    texts = {one.name: files.text(one.path, index) for index, one in enumerate(block.file_parameters)}
    by_name = {
        is_text: {one.name: context.expanded(one.value) for one in block.parameters if one.force_string == is_text}
        for is_text in (False, True)
    }
    return instance._replace(
        layers=(*layers, *_own_values(block, context)),
        release=block.release_name or instance.release,
        namespace=block.namespace or instance.namespace,
        kube_version=kube_version(block.kube_version or instance.kube_version, context, HELM),
        api_versions=block.api_versions or instance.api_versions,
        parameters=Parameters(set_values=tuple(by_name[False].items()), set_strings=tuple(by_name[True].items())),
        options={
            HELM: {
                "skipCrds": block.skip_crds,
                "skipTests": block.skip_tests,
                "skipSchemaValidation": block.skip_schema_validation,
            }
        },
        value_texts=tuple(texts.items()),
        chart=_chart(context),
    )


def _require_version(block: Helm, context: SourceContext) -> None:
    bundled = context.settings.helm.version
    known = ("", "v3", *(["v4"] if numbers(bundled) >= (4,) else []))
    if block.version not in known:
        raise ConfigError(
            f"Argo CD {context.settings.version} has no helm {block.version}",
            file=context.place("helm", "version"),
            hint=f"remove `version`: its only helm is {bundled}",
        )


def _own_values(block: Helm, context: SourceContext) -> tuple[Layer, ...]:
    """Return the values in the Application itself, the strongest layer; an object hides the text beside it."""
    if block.values_object is not None:
        name, data = "valuesObject", yamldoc.dump_all([block.values_object])
    else:
        name, data = "values", block.values.encode()
    if not data:
        return ()
    return (Layer(f"helm.{name}", is_secret=False, source=context.place("helm", name), data=data),)


def _chart(context: SourceContext) -> ChartRef | None:
    """Return the chart that is rendered in place of a folder; a repository without a scheme is a registry."""
    source = context.application.source
    if is_oci(source):
        repository, _, name = source.repo_url.rstrip("/").rpartition("/")
    elif source.chart:
        repository, name = source.repo_url, source.chart
    else:
        return None
    return ChartRef(
        repository=repository if "://" in repository else f"oci://{repository}",
        name=name,
        version=source.target_revision or "*",
        place=context.application.location.place,
    )


def kube_version(text: str, context: SourceContext, block: str) -> str:
    """Return a version of Kubernetes as Argo CD hands it on; ConfigError for none."""
    if not text:
        return ""
    match = _VERSION.match(text)
    if not match:
        raise ConfigError(f"{text} is no version of Kubernetes", file=context.place(block, "kubeVersion"))
    return match[1]

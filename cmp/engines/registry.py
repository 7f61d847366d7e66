"""What configuration and layout must know of every engine, without a line of what runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.model import EngineTraits, Option

if TYPE_CHECKING:
    from collections.abc import Mapping

HELM, KUSTOMIZE, HELMFILE, CUE, PLAIN = "helm", "kustomize", "helmfile", "cue", "plain"
FLAGS = {HELM: "extraFlags", KUSTOMIZE: "buildOptions"}  # the option with flags of the program, which a policy allows
CHAINS = ((HELM, KUSTOMIZE),)  # engines that may run one after the other, and the order

_KUBE_VERSION = Option("kubeVersion", "text", "The Kubernetes version that the chart sees.")
_API_VERSIONS = Option("apiVersions", "texts", "The API versions that the chart sees beside Helm's own list.")
_HELM_VERSION = Option("helmVersion", "version", "The helm that it runs; without this key the one of `tools`.")

_HELM = EngineTraits(
    markers=("Chart.yaml",),
    claims=(
        *("Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json", ".helmignore"),
        *("requirements.yaml", "requirements.lock", "templates/**", "charts/**", "crds/**", "files/**", "ci/**"),
    ),
    options=(
        Option("skipCrds", "flag", "Leave out the CRDs of the chart's crds/ folders."),
        Option("skipTests", "flag", "Leave out the objects with a Helm test hook."),
        Option("skipSchemaValidation", "flag", "Do not check values against values.schema.json (Helm 3.16 or newer)."),
        _KUBE_VERSION,
        _API_VERSIONS,
        Option("extraFlags", "texts", "More flags, such as --no-hooks, that the administrator's policy allows."),
    ),
)
_TARGET = (
    *(Option(name, "text", "") for name in ("group", "version", "kind", "name", "namespace")),
    *(Option(name, "text", "") for name in ("labelSelector", "annotationSelector")),
)
_KUSTOMIZE = EngineTraits(
    markers=("kustomization.yaml", "kustomization.yml", "Kustomization"),
    claims=("**",),  # kustomize itself misses a file that is named and not there
    options=(
        Option("namePrefix", "text", "Put before the names of all objects."),
        Option("nameSuffix", "text", "Put behind the names of all objects."),
        Option("namespace", "text", "The namespace of all objects."),
        Option("images", "texts", "Other images, as `kustomize edit set image` takes them: name=new:tag."),
        Option(
            "replicas",
            "records",
            "Other numbers of replicas.",
            (Option("name", "text", "", is_required=True), Option("count", "text", "", is_required=True)),
        ),
        Option("commonLabels", "map", "Labels of all objects."),
        Option("labelWithoutSelector", "flag", "Leave the selectors without the labels (kustomize 5.2 or newer)."),
        Option(
            "labelIncludeTemplates",
            "flag",
            "With labelWithoutSelector: label templates, too (kustomize 5.4.3 or newer).",
        ),
        Option("forceCommonLabels", "flag", "Replace labels that the kustomization has."),
        Option("commonAnnotations", "map", "Annotations of all objects."),
        Option("commonAnnotationsEnvsubst", "flag", "Replace $ARGOCD_APP_NAME and the like in the annotations."),
        Option("forceCommonAnnotations", "flag", "Replace annotations that the kustomization has."),
        Option(
            "patches",
            "records",
            "Patches beside those of the kustomization.",
            (
                Option("path", "text", "The file of the patch."),
                Option("patch", "text", "The patch itself."),
                Option("target", "record", "The objects that are patched.", _TARGET),
                Option(
                    "options",
                    "record",
                    "What the patch may change.",
                    (Option("allowNameChange", "flag", ""), Option("allowKindChange", "flag", "")),
                ),
            ),
        ),
        Option("components", "texts", "Components beside those of the kustomization."),
        Option("ignoreMissingComponents", "flag", "Leave out components that are not there."),
        Option("enableHelm", "flag", "Render the helmCharts of the kustomization."),
        _HELM_VERSION,
        _KUBE_VERSION,
        _API_VERSIONS,
        Option(
            "buildOptions", "texts", "Flags of `kustomize build`: --reorder=none or legacy, and what the policy allows."
        ),
    ),
    reads_values=False,
)
_HELMFILE = EngineTraits(
    markers=("helmfile.yaml", "helmfile.yaml.gotmpl", "helmfile.d"),
    claims=("**",),
    options=(
        Option("environment", "text", "The environment, such as prod or {env}; without this key helmfile's `default`."),
        Option(
            "selectors", "texts", "Which releases, as name=web or tier!=db; those that fit one of them are printed."
        ),
        Option("stateValues", "map", "Texts for `.Values` of the helmfile; they may use {cluster} and other facts."),
        Option("skipCrds", "flag", "Leave out the CRDs of the charts' crds/ folders."),
        Option("skipTests", "flag", "Leave out the objects with a Helm test hook."),
        _HELM_VERSION,
        _KUBE_VERSION,
        _API_VERSIONS,
    ),
    reads_cluster_facts=True,
)
_CUE = EngineTraits(
    markers=("*.cue",),
    claims=("**",),
    options=(
        Option(
            "expression", "text", "What is exported: a list of objects or a map of them; without this key `objects`."
        ),
        Option("package", "text", "The package, where the folder has more than one."),
        Option("tags", "map", "Values of the package's @tag() attributes; they may use {cluster} and other facts."),
        Option("command", "text", "A command of `cue cmd` that prints the objects, where the policy allows it."),
    ),
    reads_cluster_facts=True,
)
_PLAIN = EngineTraits(
    markers=("*.yaml", "*.yml", "*.json"),
    claims=(),  # the instance lists the files that it reads
    options=(
        Option("recurse", "flag", "Read the folders below, too."),
        Option("include", "texts", "Patterns of the files that are read, from the folder; without this key all."),
        Option("exclude", "texts", "Patterns of files that are not read, from the folder."),
    ),
    is_fallback=True,
    reads_values=False,
)

ENGINES: Mapping[str, EngineTraits] = {
    HELM: _HELM,
    KUSTOMIZE: _KUSTOMIZE,
    HELMFILE: _HELMFILE,
    CUE: _CUE,
    PLAIN: _PLAIN,
}

"""The engines: their names, their traits for configuration and layout, and their options, without any code that runs.

The options of an engine are specified in its row of `ENGINES`, from which come the check of the configuration, the JSON
Schema and the documentation; a class of `Options` has the same ones as typed values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.model import NOTHING, EngineTraits, Option

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import ClassVar, Never

HELM, KUSTOMIZE, HELMFILE, CUE, PLAIN = "helm", "kustomize", "helmfile", "cue", "plain"
FLAGS = {HELM: "extraFlags", KUSTOMIZE: "buildOptions"}  # the option with flags of the program, which a policy allows
CHAINS = ((HELM, KUSTOMIZE),)  # engines that may run one after the other, and the order


class Options:
    """The options of one engine as typed values, which nothing changes; a class attribute is the default of an option.

    No named tuple: the definition of those costs ten times as much, and every render would pay for all engines.
    """

    engine: ClassVar[str]

    def __init__(self, written: Mapping[str, Mapping[str, object]]) -> None:
        """Take the checked options of all engines as they are written: `skipCrds` becomes `skip_crds`."""
        self.__dict__.update((field_name(name), value) for name, value in written.get(self.engine, {}).items())

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError(f"an option is never set: {name} to {value!r}")


def field_name(option: str) -> str:
    """Return the attribute of an option: `skip_crds` of `skipCrds`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in option)


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
    names=("release", "namespace"),
)


class HelmOptions(Options):
    """The options of the engine helm."""

    engine = HELM
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    extra_flags: tuple[str, ...] = ()


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


class KustomizeOptions(Options):
    """The options of the engine kustomize; replicas and patches are maps as a kustomization has them."""

    engine = KUSTOMIZE
    name_prefix: str = ""
    name_suffix: str = ""
    namespace: str = ""
    images: tuple[str, ...] = ()
    replicas: tuple[Mapping[str, str], ...] = ()
    common_labels: Mapping[str, str] = NOTHING
    label_without_selector: bool = False
    label_include_templates: bool = False
    force_common_labels: bool = False
    common_annotations: Mapping[str, str] = NOTHING
    common_annotations_envsubst: bool = False
    force_common_annotations: bool = False
    patches: tuple[Mapping[str, object], ...] = ()
    components: tuple[str, ...] = ()
    ignore_missing_components: bool = False
    enable_helm: bool = False
    helm_version: str = ""
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    build_options: tuple[str, ...] = ()


_HELMFILE = EngineTraits(
    markers=("helmfile.yaml", "helmfile.yaml.gotmpl", "helmfile.d"),
    claims=("**",),
    options=(
        Option("file", "state", "The helmfile, where it has another name; it may use {cluster} and other facts."),
        Option("environment", "text", "The environment, such as prod or {env}; without this key helmfile's `default`."),
        Option(
            "selectors", "texts", "Which releases, as name=web or tier!=db; those that fit one of them are printed."
        ),
        Option("stateValues", "map", "Texts for `.Values` of the helmfile; they may use {cluster} and other facts."),
        Option(
            "env",
            "variables",
            "Variables for `env` and `requiredEnv`, which find no others; they may use {cluster} and other facts.",
        ),
        Option("skipCrds", "flag", "Leave out the CRDs of the charts' crds/ folders."),
        Option("skipTests", "flag", "Leave out the objects with a Helm test hook."),
        _HELM_VERSION,
        _KUBE_VERSION,
        _API_VERSIONS,
    ),
    reads_cluster_facts=True,
    names=("namespace",),  # of releases without one
)


class HelmfileOptions(Options):
    """The options of the engine helmfile, their placeholders not filled."""

    engine = HELMFILE
    file: str = ""
    environment: str = "default"  # helmfile's own name of the environment where none is chosen
    selectors: tuple[str, ...] = ()
    state_values: Mapping[str, str] = NOTHING
    env: Mapping[str, str] = NOTHING
    skip_crds: bool = False
    skip_tests: bool = False
    helm_version: str = ""
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()


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


class CueOptions(Options):
    """The options of the engine cue, their placeholders not filled."""

    engine = CUE
    expression: str = "objects"
    package: str = ""
    tags: Mapping[str, str] = NOTHING
    command: str = ""


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


class PlainOptions(Options):
    """The options of the engine plain."""

    engine = PLAIN
    recurse: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


ENGINES: Mapping[str, EngineTraits] = {
    HELM: _HELM,
    KUSTOMIZE: _KUSTOMIZE,
    HELMFILE: _HELMFILE,
    CUE: _CUE,
    PLAIN: _PLAIN,
}

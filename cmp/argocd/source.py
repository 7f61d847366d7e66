"""A source of an Application: its repository, and the block that says what renders it, each field typed.

Any other key may stand beside these.  Source: argoproj/argo-cd 3.6, pkg/apis/application/v1alpha1/types.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.argocd.shapes import FLAG, JSON_MAP, TEXT, TEXT_MAP, TEXTS
from cmp.model import NOTHING
from cmp.schema.json_node import Json, JsonNode
from cmp.schema.spec import Converted, Items, Keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.schema.json_node import SourceLocation

    Values = dict[str, object]


class HelmParameter(NamedTuple):
    """An entry of `helm.parameters`: a value for `--set`, or with `force_string` for `--set-string`."""

    name: str = ""
    value: str = ""
    force_string: bool = False


class FileParameter(NamedTuple):
    """An entry of `helm.fileParameters`: a value that is the text of a file."""

    name: str = ""
    path: str = ""


class Helm(NamedTuple):
    """The block `helm` of a source; `values_object` is JSON, and stronger than `values` where it is there."""

    release_name: str = ""
    value_files: tuple[str, ...] = ()
    ignore_missing_value_files: bool = False
    values: str = ""
    values_object: Values | None = None
    parameters: tuple[HelmParameter, ...] = ()
    file_parameters: tuple[FileParameter, ...] = ()
    version: str = ""
    pass_credentials: bool = False
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False
    namespace: str = ""
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()


class Kustomize(NamedTuple):
    """The block `kustomize` of a source; `patches` are maps as a kustomization has them.

    `replicas` are maps with a `name` and a `count`, a number or the text of one.
    """

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
    patches: tuple[Values, ...] = ()
    components: tuple[str, ...] = ()
    ignore_missing_components: bool = False
    version: str = ""
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()


class Directory(NamedTuple):
    """The block `directory` of a source; `jsonnet` is JSON, empty where it says nothing."""

    recurse: bool = False
    include: str = ""
    exclude: str = ""
    disable_extension_filter: bool = False
    jsonnet: Mapping[str, object] = NOTHING


class EnvEntry(NamedTuple):
    """An entry of `plugin.env`."""

    name: str = ""
    value: str = ""


class Plugin(NamedTuple):
    """The block `plugin` of a source; `parameters` are JSON, None when absent."""

    name: str = ""
    env: tuple[EnvEntry, ...] = ()
    parameters: list[object] | None = None


class Source(NamedTuple):
    """A source of an Application; at most one of `helm`, `kustomize`, `directory` and `plugin` is there.

    With `ref` other sources name its files as `$ref/…`; without `path` and `chart` that is all that it is for.
    """

    repo_url: str = ""
    path: str = ""
    target_revision: str = ""
    chart: str = ""
    ref: str = ""
    name: str = ""
    helm: Helm | None = None
    kustomize: Kustomize | None = None
    directory: Directory | None = None
    plugin: Plugin | None = None

    @property
    def is_only_ref(self) -> bool:
        """Say whether it renders nothing: other sources name its files."""
        return bool(self.ref) and not (self.path or self.chart)

    @property
    def blocks(self) -> tuple[str, ...]:
        """The names of its blocks, in the order of Argo CD's messages."""
        blocks = {"kustomize": self.kustomize, "helm": self.helm, "directory": self.directory, "plugin": self.plugin}
        return tuple(name for name, block in blocks.items() if block is not None)


class LocatedSource(NamedTuple):
    """A source of an Application with its JSON, which files may override, and its place."""

    source: Source
    values: Values
    location: SourceLocation


def _number_or_text(value: object, _: object) -> str:
    return str(value)


_REPLICA = Keys({"name": TEXT, "count": Converted(Json(), _number_or_text)}, dict[str, str], is_open=True)
_TEXTS_OF_TARGET = ("group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector")
_TARGET = Keys(dict.fromkeys(_TEXTS_OF_TARGET, TEXT), dict[str, object], is_open=True)
_PATCH = Keys(
    {"path": TEXT, "patch": TEXT, "target": _TARGET, "options": Keys({}, dict[str, object], is_open=True)},
    dict[str, object],
    is_open=True,
)
HELM = Keys(
    {
        **dict.fromkeys(("releaseName", "values", "version", "namespace", "kubeVersion"), TEXT),
        **dict.fromkeys(("valueFiles", "apiVersions"), TEXTS),
        **dict.fromkeys(
            ("ignoreMissingValueFiles", "passCredentials", "skipCrds", "skipTests", "skipSchemaValidation"), FLAG
        ),
        "valuesObject": JSON_MAP,
        "parameters": Items(
            "a list", Keys({"name": TEXT, "value": TEXT, "forceString": FLAG}, HelmParameter, is_open=True)
        ),
        "fileParameters": Items("a list", Keys({"name": TEXT, "path": TEXT}, FileParameter, is_open=True)),
    },
    Helm,
    is_open=True,
)
KUSTOMIZE = Keys(
    {
        **dict.fromkeys(("namePrefix", "nameSuffix", "namespace", "version", "kubeVersion"), TEXT),
        **dict.fromkeys(("images", "components", "apiVersions"), TEXTS),
        **dict.fromkeys(("commonLabels", "commonAnnotations"), TEXT_MAP),
        **dict.fromkeys(
            (
                *("labelWithoutSelector", "labelIncludeTemplates", "forceCommonLabels", "forceCommonAnnotations"),
                *("commonAnnotationsEnvsubst", "ignoreMissingComponents"),
            ),
            FLAG,
        ),
        "replicas": Items("a list", _REPLICA),
        "patches": Items("a list", Json(_PATCH)),
    },
    Kustomize,
    is_open=True,
)
DIRECTORY = Keys(
    {
        **dict.fromkeys(("recurse", "disableExtensionFilter"), FLAG),
        **dict.fromkeys(("include", "exclude"), TEXT),
        "jsonnet": JSON_MAP,
    },
    Directory,
    is_open=True,
)
_ENV = Items("a list", Keys({"name": TEXT, "value": TEXT}, EnvEntry, required=("name", "value"), is_open=True))
_PARAMETER = Keys({"name": TEXT, "string": TEXT, "array": TEXTS, "map": TEXT_MAP}, dict[str, object], is_open=True)
SOURCE = Keys(
    {
        **dict.fromkeys(("repoURL", "path", "targetRevision", "chart", "ref", "name"), TEXT),
        "helm": HELM,
        "kustomize": KUSTOMIZE,
        "directory": DIRECTORY,
        "plugin": Keys(
            {"name": TEXT, "env": _ENV, "parameters": Json(Items("a list", _PARAMETER))}, Plugin, is_open=True
        ),
    },
    Source,
    required=("repoURL",),
    is_open=True,
)

# Keys of a block that do not keep Argo CD from taking it for empty (types.go: `IsZero`).
_SILENT = {
    "helm": (),
    "kustomize": (
        *("labelWithoutSelector", "labelIncludeTemplates", "forceCommonLabels", "forceCommonAnnotations"),
        "commonAnnotationsEnvsubst",
    ),
    "directory": (),
}


def normal(values: Values) -> Values:
    """Return a source without blocks that say nothing, as the controller has it before it asks for manifests.

    Such a block does not choose the kind of the source (util/argo/argo.go: `NormalizeSource`).
    """
    return {key: value for key, value in values.items() if not (key in _SILENT and _says_nothing(key, value))}


def _says_nothing(name: str, block: object) -> bool:
    fields = block if isinstance(block, dict) else {}
    known = {"helm": HELM, "kustomize": KUSTOMIZE, "directory": DIRECTORY}[name].known
    # An object of values is something, even an empty one (values.go: `ValuesIsEmpty`).
    return not any(
        (_is_filled(value) or (key == "valuesObject" and value is not None)) and key not in _SILENT[name]
        for key, value in fields.items()
        if key in known
    )


def _is_filled(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_is_filled, value.values()))
    return bool(value)


def located(values: Values, location: SourceLocation) -> LocatedSource:
    """Return a source without a mistake as it is typed."""
    usual = normal(values)
    return LocatedSource(SOURCE.build(JsonNode(usual, location)), usual, location)

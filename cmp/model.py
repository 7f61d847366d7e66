"""The values that travel between the modules: immutable, without behaviour beyond reading themselves.

They are named tuples and not dataclasses because the import of `dataclasses` alone costs most of a bare interpreter's
start (docs/decisions.md).  Paths are text: those inside the source tree are relative to its root and use `/`.
"""

# Without `from __future__ import annotations`: `NamedTuple` would compile each annotation from its text.
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

NOTHING: Mapping[str, str] = MappingProxyType({})


class Problem(NamedTuple):
    """One mistake in one file; `line` and `column` count from 1, 0 is unknown."""

    file: str
    line: int
    column: int
    message: str

    @property
    def place(self) -> str:
        """`file:line:column`, as editors and terminals link it."""
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])


class Option(NamedTuple):
    """One key that an engine understands in cmp.yaml (`defaults`) and cmp-app.yaml.

    `kind` is `flag` (true or false), `text` (a scalar, kept as written), `version` (an exact one), `texts` (a list of
    texts), `map` (of texts), `variables` (a map for an environment), `state` (the name of a helmfile),
    `record` (a map with `fields`) or `records` (a list of those).
    """

    name: str
    kind: Literal["flag", "text", "version", "texts", "map", "variables", "state", "record", "records"]
    doc: str
    fields: tuple["Option", ...] = ()
    is_required: bool = False  # of a record's fields


class EngineTraits(NamedTuple):
    """The traits of an engine that configuration and layout depend on.

    `markers` are patterns of the file names that choose it, `claims` patterns of the files in a folder that belong to
    it.  With `is_fallback` its markers count only where no other engine has one, and every file that they
    match is read (`Instance.manifest_files`).  `reads_values` says that it has a use for values layers,
    `reads_cluster_facts` that the facts of the cluster reach its files by themselves, and `names` which of release and
    namespace its program gets.
    """

    markers: tuple[str, ...]
    claims: tuple[str, ...]
    options: tuple[Option, ...]
    is_fallback: bool = False
    reads_values: bool = True
    reads_cluster_facts: bool = False
    names: tuple[str, ...] = ()


class Identity(NamedTuple):  # its docstring is in the JSON Schema of the report, as those in changes.py are
    """The identity of an object in Kubernetes, to which the version of its group does not belong."""

    group: str
    kind: str
    namespace: str
    name: str


class ToolPin(NamedTuple):
    """An exact version of a program, and the place that asks for it (`cmp.yaml:12`, `parameter helm-version`)."""

    name: str
    version: str
    source: str


class Tool(NamedTuple):
    """An installed and verified program."""

    name: str
    version: str
    path: str
    sha256: str


class ChartRef(NamedTuple):
    """A chart of a repository that another file than a Chart.yaml names, with an exact version or a range.

    `repository` is the URL, `place` the line that asks for the chart.  With `may_be_alias` it may also be an alias, as
    in a Chart.yaml.
    """

    repository: str
    name: str
    version: str
    place: str
    may_be_alias: bool = False


class RemoteRef(NamedTuple):
    """Remote files that a kustomization or a chart names, and the version of them that it pins.

    They are a whole Git repository (git fetches `url`, `version` is a tag or a full commit), or, with `is_file`, one
    file of a web server (`version` is the part of its path that says so).  With `is_schema` that file is a JSON Schema,
    and `version` is made by remotes/schemas.py.  `place` is the line that asks.
    """

    url: str
    version: str
    place: str
    is_file: bool = False
    is_schema: bool = False

    @property
    def subject(self) -> str:
        if self.is_schema:
            return f"the schema {self.url}"
        return f"the file {self.url}" if self.is_file else f"{self.version} of the Git repository {self.url}"


class Layer(NamedTuple):
    """One values file; `is_secret` says that its name declares it encrypted, `source` the origin of its entry.

    Three kinds are no files of the tree: one whose content is known (`data`), as that of a file of another repository;
    one of a web server (`remote`); and a pattern of files in `Instance.chart` (`in_chart`).  Their `path` is a name.
    With `is_optional` a pattern may match nothing.
    """

    path: str
    is_secret: bool
    source: str
    data: bytes | None = None
    remote: RemoteRef | None = None
    in_chart: bool = False
    is_optional: bool = False

    @property
    def is_in_tree(self) -> bool:
        """Say whether it is a file of the tree."""
        return self.data is None and self.remote is None and not self.in_chart


class Cluster(NamedTuple):
    """One entry of the inventory; every fact is text as it was written (`1.30` stays 1.30).

    `origin` is the cluster that it is like: what the entry does not say itself is inherited from there, but for its
    `server` and its `context`, which a person's kubeconfig has for it.
    """

    name: str
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    server: str = ""
    labels: Mapping[str, str] = NOTHING
    annotations: Mapping[str, str] = NOTHING
    facts: Mapping[str, str] = NOTHING
    origin: str = ""
    context: str = ""


class Parameters(NamedTuple):
    """The parameters that an Application or the command line sets for one render; all text, nothing expanded yet.

    `values_files` are paths or patterns of paths.  `set_values` and `set_strings` are ordered pairs for `--set` and
    `--set-string`, `set_templates` like `set_values`, with placeholders.  `images` are for kustomize, as its option of
    that name; `environment` is helmfile's.
    """

    cluster: str = ""
    release: str = ""
    namespace: str = ""
    values_files: tuple[str, ...] = ()
    values_yaml: str = ""
    set_values: tuple[tuple[str, str], ...] = ()
    set_strings: tuple[tuple[str, str], ...] = ()
    set_templates: tuple[tuple[str, str], ...] = ()
    tool_versions: Mapping[str, str] = NOTHING
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    environment: str = ""

    @property
    def typed_pairs(self) -> tuple[tuple[str, str], ...]:
        """The pairs whose values may be numbers and the like, as of `--set`: weaker than `set_strings`."""
        return (*self.set_values, *self.set_templates)

    @property
    def set_pairs(self) -> tuple[tuple[str, str], ...]:
        """All pairs, weakest first."""
        return (*self.typed_pairs, *self.set_strings)


NEUTRAL_REVISION = "0" * 40  # stands for a commit that is not known, or must not count


class BuildEnv(NamedTuple):
    """The variables of Argo CD's build environment; every field is empty outside the sidecar."""

    app_name: str = ""
    app_namespace: str = ""
    project: str = ""
    revision: str = ""
    repo_url: str = ""
    source_path: str = ""
    target_revision: str = ""
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()


class Requester(NamedTuple):
    """The requester of a render, as Argo CD names it: AppProject and destination namespace of the Application.

    In the sidecar there always is a project; a person has one only together with an Application.
    """

    project: str = ""
    namespace: str = ""
    in_sidecar: bool = False


class ChildEnv(NamedTuple):
    """The environments that child processes may get, each built from an allow-list and never from all of `os.environ`.

    `plain` is for an engine, `secrets` for sops (key material and the real HOME), `fetch` for a program that downloads
    charts (proxies, CA bundles, cloud identity), `cluster` for helm where it reads a release of a cluster (the user's
    kubeconfig, with the real HOME), `build` for the Go toolchain.
    """

    plain: Mapping[str, str]
    secrets: Mapping[str, str]
    fetch: Mapping[str, str]
    cluster: Mapping[str, str]
    build: Mapping[str, str]


class Setting(NamedTuple):
    """One variable's value as text and whether it comes from the `environment` or is the `default`."""

    value: str
    source: str


class Settings(NamedTuple):
    """The settings of this process; `origins` has each by the name of its variable."""

    cache_dir: str
    state_dir: str
    tools_dir: str
    custom_tools: tuple[str, ...]
    tmp_dir: str
    cluster: str
    deadline: float
    renders: int
    child_memory: int
    offline: bool
    mirror: str
    helm_repository_config: str
    helm_registry_config: str
    ca_file: str
    netrc: str
    policy: str
    env: ChildEnv
    origins: Mapping[str, Setting]


class OutputRules(NamedTuple):
    """The mistakes that the guard accepts for an instance, and the group/versions that it rewrites.

    With `as_reposerver` it refuses what Argo CD's repo-server refuses, and warns of all else.
    """

    allow_empty: bool = False
    allow_duplicate_keys: bool = False
    allow_duplicate_objects: bool = False
    allow_ciphertext: bool = False
    api_versions: Mapping[str, str] = NOTHING
    as_reposerver: bool = False


class Instance(NamedTuple):
    """One application on one cluster: every input of its render, a pure function of repository and request.

    `folder` is the one that is built (`app_folder`, or `instance_folder` where that holds an engine's file), and
    `chart_folder` the one whose chart helm renders.  Both are a folder of another place where `chart_place`, a line of
    the configuration, names it as the chart of an application that is values alone.  Such a line may also name a
    `chart` of a repository: then there is no folder.  `displaced` is a file of `app_folder` that would choose an engine
    there: a render that does not read it is refused.  `unread_layers` are values files that the engine does not get
    as values.  `instance_file` says that the application runs there, in place of a folder.  `options` maps an engine to
    its checked options.  `placeholders` has the values of placeholders: app, cluster, release,
    namespace, and the cluster's facts.  `secret_suffixes` end the names of files that must be encrypted; `kept_files`
    and objects of `kept_kinds` stay so.
    `manifest_files` are read by an engine without a file of its own.  `build_env` describes the Application of
    Argo CD.  Two fields change no manifest: `warnings` go to stderr, and the policy is asked for `requester`.

    With `is_builtin` it is rendered as Argo CD's repo-server renders a source without a plugin, which has no keys:
    nothing is decrypted.  It may have such a `chart`, too.  Only it has `value_texts`, values that are the texts of
    files, by their names.
    """

    app: str
    cluster: str
    folder: str
    app_folder: str
    instance_folder: str
    engines: tuple[str, ...]
    layers: tuple[Layer, ...]
    pins: Mapping[str, ToolPin]
    release: str
    namespace: str
    kube_version: str
    api_versions: tuple[str, ...]
    parameters: Parameters
    options: Mapping[str, Mapping[str, object]]
    output_rules: OutputRules
    secret_files: tuple[str, ...]
    warnings: tuple[str, ...]
    requester: Requester = Requester()
    placeholders: Mapping[str, str] = NOTHING
    secret_suffixes: tuple[str, ...] = ()
    kept_files: tuple[str, ...] = ()
    kept_kinds: tuple[str, ...] = ()
    manifest_files: tuple[str, ...] = ()
    build_env: BuildEnv = BuildEnv()
    is_builtin: bool = False
    chart: ChartRef | None = None
    value_texts: tuple[tuple[str, Layer], ...] = ()
    chart_folder: str = ""
    chart_place: str = ""
    displaced: str = ""
    unread_layers: tuple[str, ...] = ()
    instance_file: str = ""

    @property
    def named_chart(self) -> str:
        """The chart that `chart_place` names, for readers; empty without one."""
        if not self.chart_place:
            return ""
        return f"{self.chart.name} {self.chart.version}" if self.chart else self.chart_folder

"""The specification of cmp.yaml, of its inventory file and of cmp-app.yaml: every key there is, and its value."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from cmp.model import Cluster, ToolPin
from cmp.repository.config import inheritance, rules
from cmp.repository.config.model import (
    EMPTY,
    LAYOUT,
    PINS,
    SUFFIXES,
    AppConfig,
    ArgoCD,
    ArgoCDChoice,
    CentralSettings,
    Checks,
    ClusterChoice,
    Config,
    NamedPair,
    NamePattern,
    Preview,
    SkippedFinding,
    ValuesChart,
    ValuesPattern,
)
from cmp.schema.spec import Block, Choice, Converted, Either, Exactly, Flag, Items, Keys, Map, Switch, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.changes import Rule
    from cmp.model import Option
    from cmp.repository.config.model import Layout
    from cmp.schema.spec import AnyNode, Spec

    Engines = Mapping[str, tuple[Option, ...]]

VERSION = 1
RENDERERS = ("helm", "kustomize", "sops", "helmfile", "cue")  # an application may pin its own version of these
GATOR = "gator"
TOOLS = (*RENDERERS, GATOR)


def _values_pattern(text: str, node: AnyNode) -> ValuesPattern:
    return ValuesPattern(text, place=node.place)


_PATTERN = Text("a pattern", rules.PATTERN)
_VALUES = Items(
    "a list of patterns",
    Either(
        "a pattern, or a map with `path`",
        (
            Converted(_PATTERN, _values_pattern),
            Keys(
                {
                    "path": Converted(_PATTERN.described("The file, or a pattern of files."), _values_pattern),
                    "optional": Flag("Whether a literal path may be missing."),
                },
                lambda path, optional=False: path._replace(optional=optional),
                required=("path",),
            ),
        ),
    ),
)
_APPS = Text("a pattern", rules.APPS)
_TEXTS = Items("a list of texts", Text())
_KEEP = Items("a list of kinds and patterns", Text("a kind or a pattern", rules.PATTERN), is_set=True)
_LABELS = Map(Text(), key=rules.KEY)


def _cluster(**fields: Any) -> Cluster:  # noqa: ANN401  # the specification has their types
    return Cluster("", origin=fields.pop(inheritance.KEY, ""), **fields)


_CLUSTER = Keys(
    {
        inheritance.KEY: Text(
            "a cluster's name",
            rules.CLUSTER,
            "The cluster that it is like: all but server and context is inherited from there, unless it is said.",
        ),
        "kubeVersion": Text(doc="The Kubernetes version that charts see, where Argo CD does not say it."),
        "apiVersions": _TEXTS.described("The API versions that charts see, where Argo CD does not say them."),
        "server": Text(doc="The address of the API server, as Argo CD knows it."),
        "context": Text(doc="The context that kubeconfigs have for it, for `cmp diff --live`."),
        "labels": _LABELS.described("The labels of the cluster in Argo CD."),
        "annotations": _LABELS.described("The annotations of the cluster in Argo CD."),
    },
    _cluster,
    others=Map(Text(doc="A fact of your own, for patterns: `env: dev` fills `{env}`."), key=rules.FACT),
    collected="facts",
    noun="a map of facts",
    doc="One cluster and its facts.",
)
INVENTORY = Converted(
    Map(_CLUSTER, "a map of clusters", "The clusters, by name.", key=rules.CLUSTER),
    lambda clusters, _: {name: cluster._replace(name=name) for name, cluster in clusters.items()},
)

_CHART = Either(
    "a folder, or a map with `repository`, `name` and `version`",
    (
        Converted(Text("a folder", rules.FOLDER), lambda text, node: ValuesChart(folder=text, place=node.place)),
        Converted(
            Keys(
                {
                    "repository": Text("a URL", rules.CHART_REPOSITORY, "The repository, by https:// or oci://."),
                    "name": Text("a chart's name", rules.CHART_NAME, "The chart."),
                    "version": Text("a version", rules.KEY, "Its version, an exact one or a range."),
                },
                ValuesChart,
                required=("repository", "name", "version"),
            ),
            lambda chart, node: chart._replace(place=node.place),
        ),
    ),
)

_LAYOUT = Keys(
    {
        "apps": Either(
            "a pattern or a list of patterns",
            (Converted(_APPS, lambda text, _: (text,)), Items("a list of patterns", _APPS, is_set=True)),
            "The folders of the applications, such as namespaces/{app}; the first pattern that matches counts.",
        ),
        "instances": Either(
            "a pattern or a list of patterns",
            (
                Converted(Text("a pattern", rules.INSTANCES_OR_NONE), lambda text, _: (text,) if text else ()),
                Items("a list of patterns", Text("a pattern", rules.INSTANCES)),
            ),
            "The folders or files that say where an application runs, as clusters/{cluster}/{app}; empty: none.",
        ),
        "name": Text(
            "a name",
            rules.TEMPLATE,
            "The name of an application, of what `apps` captures, as in {team}-{app}; without it {app}.",
        ),
        "values": _VALUES.described("The values files, weakest first."),
        "release": Text("a name", rules.TEMPLATE, "The release name; it may hold placeholders, as in {cluster}-{app}."),
        "namespace": Text("a name", rules.TEMPLATE, "The destination namespace; it may hold placeholders."),
        "ignore": Items("a list of patterns", _PATTERN, "YAML files in an instance folder that nothing uses."),
        "shared": Items(
            "a list of patterns",
            _PATTERN,
            "Values files outside of an application's folders that its `values` and its parameters may name.",
        ),
        "chart": _CHART.described(
            "The chart of applications without an engine's file: a folder such as charts/web, or one of a repository."
        ),
    },
    LAYOUT._replace,
    doc="Where things lie. Patterns: {name} is one path segment, * stays in a segment, ** crosses.",
)
_CLUSTERS: Switch[str | dict[str, Cluster]] = Switch(
    "file",
    Keys(
        {"file": Text("a path", rules.PATH, "The file that holds the inventory.")},
        lambda file: file,
        required=("file",),
    ),
    INVENTORY,
    doc="The inventory: the clusters by name, or the file that holds them.",
)


def _pin(name: str) -> Spec[ToolPin]:
    version = Text("an exact version", rules.VERSION, f"The version of {name}.")
    return Converted(version, lambda text, node: ToolPin(name, text, f"{node.file}:{node.line}"))


def _pins(names: tuple[str, ...]) -> Spec[dict[str, ToolPin]]:
    pins = {name: _pin(name) for name in names}
    return Keys(pins, dict[str, ToolPin], what="tool", doc="The exact versions of the tools.")


_OUTPUT = Block(
    {
        "allowEmpty": Flag("Accept a render without any object."),
        "allowDuplicateKeys": Flag("Accept a map that has a key twice."),
        "allowDuplicateObjects": Flag("Accept an object that is there twice with different content."),
        "allowCiphertext": Flag("Accept SOPS ciphertext."),
        "apiVersions": Map(
            Text("a group/version", rules.GROUP_VERSION),
            doc="Group/versions that are rewritten: the old one to the new one.",
            key=rules.GROUP_VERSION,
        ),
    },
    doc="What the check of the rendered objects lets pass.",
)


def _noise_rule(matches: str = "", **fields: Any) -> Rule:  # noqa: ANN401  # the specification has their types
    from cmp.changes import Rule  # noqa: PLC0415  # no render needs it

    return Rule(**fields, pattern=matches)


_NOISE = Keys(
    {
        "name": Text(doc="What the report calls the rule."),
        "group": Text(doc="The API group of the objects; empty: any."),
        "kind": Text(doc="The kind of the objects; empty: any."),
        "namespace": Text(doc="Their namespace; empty: any."),
        "object": Text(doc="Their name; empty: any."),
        "path": _TEXTS.described("The keys that lead to the value; `*` is any one, a last `**` all below."),
        "matches": Text(doc="A regular expression that both texts must match as a whole."),
    },
    _noise_rule,
    required=("name",),
    noun="a rule",
)
_ARGOCD = Keys(
    {
        "name": Text(doc="Its name, which tells Applications of several Argo CDs apart."),
        "applications": Items("a list of patterns", _PATTERN, "The files with Applications that it reads."),
        "inCluster": Text(doc="The cluster of the inventory that it runs in: `in-cluster` in its Applications."),
    },
    ArgoCD,
    required=("name", "applications"),
    noun="an Argo CD",
)
_CHOICE = Converted(
    Keys(
        {
            "version": Text(
                doc="Its version, such as 3.6, which decides the tools that it bundles, and how it reads sets."
            ),
            "buildOptions": Text(doc="Its setting kustomize.buildOptions, as in argocd-cm."),
            "valuesFileSchemes": _TEXTS.described("Its setting helm.valuesFileSchemes, as a list."),
            **{name: _pin(name) for name in ("helm", "kustomize")},
        },
        ArgoCDChoice,
        doc="The Argo CD that renders sources without a plugin.",
    ),
    lambda choice, node: choice._replace(place=node.place),
)
_PRINTER: Spec[str | NamedPair] = Either(
    "a pattern, or a map with `app`",
    (
        _PATTERN,
        Converted(
            Keys(
                {
                    "app": Text(doc="The application."),
                    "cluster": Text("a cluster's name", rules.CLUSTER, "The cluster on which it is rendered."),
                },
                NamedPair,
                required=("app",),
            ),
            lambda pair, node: pair._replace(place=node.place),
        ),
    ),
)


def _preview(applications: tuple[str | NamedPair, ...] = (), **fields: Any) -> Preview:  # noqa: ANN401  # see above
    return Preview(
        applications=tuple(entry for entry in applications if isinstance(entry, str)),
        printers=tuple(entry for entry in applications if isinstance(entry, NamedPair)),
        **fields,
    )


_PREVIEW = Keys(
    {
        "applications": Items(
            "a list of patterns and pairs",
            _PRINTER,
            "The files with Argo CD's Applications and ApplicationSets, and pairs that print some.",
        ),
        "argocds": Items("a list of Argo CDs", _ARGOCD, "Which Argo CD reads which files, where there are several."),
        "urls": Items("a list of URLs", Text(), "The URLs under which Applications name this repository."),
        "ignore": Items("a list of patterns", _PATTERN, "Files that no render depends on, such as docs/**."),
        "noise": Items("a list of rules", _NOISE, "Differences that reports count and do not show."),
        "argocd": _CHOICE,
    },
    _preview,
    doc="What `cmp affected` and `cmp diff` should know of the repository.",
)
_SKIPPED = Converted(
    Keys(
        {
            "rule": Text(doc="The rule of the findings; * stands for any text, no rule for all."),
            "kind": Text(doc="The kind of the objects, in the same way."),
            "name": Text(doc="Their name, in the same way."),
            "reason": Text(doc="Why they are expected: it is printed."),
        },
        lambda reason, name="", **fields: SkippedFinding(reason, object=name, **fields),
        required=("reason",),
        noun="findings to pass over",
    ),
    lambda skipped, node: skipped._replace(place=node.place),
)
_FOLDERS = Items("a list of folders", Text("a folder", rules.FOLDER))
_CHECKS = Keys(
    {
        "schemas": _FOLDERS.described("Folders with CustomResourceDefinitions that no application renders."),
        "policies": _FOLDERS.described("Folders with Gatekeeper's ConstraintTemplates, Constraints and Config."),
        "skip": Items("a list of findings to pass over", _SKIPPED, "Findings that are expected."),
    },
    partial(Checks, is_given=True),
    doc="What `cmp check` judges rendered objects by, beside the version of their cluster; with it `cmp diff` does.",
)
_KINDS: Mapping[str, Spec[Any]] = {
    "flag": Flag(),
    "text": Text(),
    "version": Text("an exact version", rules.VERSION),
    "texts": _TEXTS,
    "map": _LABELS,
    "variables": Map(Text(), key=rules.VARIABLE),
    "state": Text("a file's name", rules.STATE),
}


_SOME_CLUSTERS: tuple[Spec[ClusterChoice], ...] = (
    Converted(
        Items("a list of clusters", Text("a cluster's name", rules.CLUSTER)),
        lambda names, node: ClusterChoice(names=names, place=node.place),
    ),
    Converted(
        Map(Text(), key=rules.FACT, is_filled=True),
        lambda facts, node: ClusterChoice(selector=facts, place=node.place),
    ),
)


def repository(engines: Engines) -> Keys[Config]:
    """Return the specification of cmp.yaml."""
    return Keys(
        {
            "version": Exactly(VERSION, "The version of this file's format."),
            "requires": Text(
                "a requirement", rules.REQUIREMENT, "The versions of cmp that understand this repository."
            ),
            "layout": _LAYOUT,
            "clusters": _CLUSTERS,
            "tools": _pins(TOOLS),
            "secrets": Keys(
                {
                    "suffixes": Items(
                        "a list of suffixes",
                        Text("a suffix", rules.SUFFIX),
                        "The ends of the names of files that must be encrypted.",
                    ),
                    "keep": _KEEP.described(
                        "Encrypted objects that stay so for somebody in the cluster: kinds, or patterns from the root."
                    ),
                },
                lambda suffixes=SUFFIXES, keep=(): (suffixes, keep),
                doc="How encrypted files are known.",
            ),
            "defaults": Keys(
                {**_blocks(engines), "output": _OUTPUT},
                partial(_app_config, engines),
                doc="Options for all applications.",
            ),
            "applications": Items(
                "a list of settings of applications",
                _central(engines),
                "Settings of some applications, a later entry stronger; their own cmp-app.yaml is stronger still.",
            ),
            "preview": _PREVIEW,
            "checks": _CHECKS,
        },
        _config,
        doc="cmp.yaml: how a repository is laid out, which clusters it serves and which tools render it.",
    )


def application(engines: Engines) -> Keys[AppConfig]:
    """Return the specification of cmp-app.yaml."""
    engine = Choice("engine", tuple(engines))
    return Keys(
        {
            "engine": Either(
                "an engine or a list of engines",
                (
                    Converted(engine, lambda name, _: (name,)),
                    Items("a list of engines", engine, is_set=True),
                ),
                "What renders the application; several run one after the other.",
            ),
            "replace": Flag(
                "Whether the folder of one cluster may leave out all that the application's folder renders."
            ),
            "tools": _pins(RENDERERS),
            "release": Text("a name", rules.TEMPLATE, "The release name; it may hold placeholders."),
            "namespace": Text("a name", rules.TEMPLATE, "The destination namespace; it may hold placeholders."),
            "clusters": Either(
                "`all`, a list of clusters or a map of facts",
                (
                    Converted(
                        Choice("choice of clusters", ("all",)),
                        lambda _, node: ClusterChoice(is_all=True, place=node.place),
                    ),
                    *_SOME_CLUSTERS,
                ),
                "The clusters it runs on, where no instance folder says so: all, some names, or facts (env: prod).",
            ),
            "values": _VALUES.described("More values files, stronger than the layout's."),
            "chart": _CHART.described("The chart that the values are for: a folder, or one of a repository."),
            **_blocks(engines),
            "output": _OUTPUT,
            "secrets": Keys(
                {
                    "files": Items(
                        "a list of patterns",
                        Text("a pattern", rules.SECRET_PATTERN),
                        "Encrypted files of the chart or kustomization itself, and of its file:// charts, decrypted "
                        "where they lie.",
                        is_set=True,
                    ),
                    "keep": _KEEP.described(
                        "Encrypted objects that stay so for somebody in the cluster: kinds, or patterns of files."
                    ),
                },
                lambda files=(), keep=(): (files, keep),
                doc="What is encrypted beside the values.",
            ),
        },
        partial(_app_config, engines),
        doc="cmp-app.yaml: what is different for one application, or for one application on one cluster.",
    )


def places(node: AnyNode) -> dict[str, str]:
    """Return the places of the keys of a map, and of those of the maps in it: `release`, `helm.skipCrds`."""
    found: dict[str, str] = {}
    for key, field in node.fields.items():
        found[key] = field.value.place
        found.update({f"{key}.{name}": inner.value.place for name, inner in field.value.fields.items()})
    return found


def _central(engines: Engines) -> Spec[CentralSettings]:
    """Return the specification of an entry of `applications`, which has every key of cmp-app.yaml."""
    name = Converted(Text("an application's name", rules.NAMES), lambda text, node: NamePattern(text, place=node.place))
    own = application(engines)
    entry = Keys(
        {
            "apps": Either(
                "a name or a list of names",
                (
                    Converted(name, lambda pattern, _: (pattern,)),
                    Items("a list of names", name, is_set=True),
                ),
                "The applications, by name; `*` is any text.",
            ),
            "where": Either(
                "a list of clusters or a map of facts",
                _SOME_CLUSTERS,
                "The clusters on which this holds, by name or by facts (env: prod); without it on all.",
            ),
            **own.known,
        },
        lambda apps, where=None, **fields: CentralSettings(apps, own.make(**fields), where),
        required=("apps",),
        noun="settings of applications",
        doc="What a cmp-app.yaml in the folder of each of these applications would say.",
    )
    return Converted(
        entry, lambda central, node: central._replace(settings=central.settings._replace(places=places(node)))
    )


def _config(
    layout: Layout = LAYOUT,
    clusters: str | Mapping[str, Cluster] = EMPTY,
    tools: Mapping[str, ToolPin] = EMPTY,
    secrets: tuple[tuple[str, ...], tuple[str, ...]] = (SUFFIXES, ()),
    defaults: AppConfig = AppConfig(),  # noqa: B008  # immutable
    preview: Preview = Preview(),  # noqa: B008
    applications: tuple[CentralSettings, ...] = (),
    checks: Checks = Checks(),  # noqa: B008
    **_: object,
) -> Config:
    """Build the configuration of the repository; the clusters of an inventory file are still to come."""
    return Config(
        layout=layout,
        entries=EMPTY if isinstance(clusters, str) else clusters,
        clusters=EMPTY,
        secret_suffixes=secrets[0],
        kept_secrets=secrets[1],
        defaults=defaults._replace(tools={**PINS, **tools}),
        source="",
        inventory=clusters if isinstance(clusters, str) else "",
        preview=preview,
        checks=checks,
        applications=applications,
    )


def _app_config(
    engines: Engines,
    engine: tuple[str, ...] = (),
    secrets: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    **fields: Any,  # noqa: ANN401  # the specification has their types
) -> AppConfig:
    options = {name: fields.pop(name) for name in engines if name in fields}
    files, kept = secrets
    return AppConfig(engines=engine, secret_files=files, kept_secrets=kept, options=options, **fields)


def _blocks(engines: Engines) -> dict[str, Spec[Any]]:
    return {
        name: Block({option.name: _option_spec(option) for option in options}, f"Options of the engine {name}.")
        for name, options in engines.items()
    }


def _option_spec(option: Option) -> Spec[Any]:
    if option.kind in _KINDS:
        return _KINDS[option.kind].described(option.doc)
    required = tuple(field.name for field in option.fields if field.is_required)
    record = Block({field.name: _option_spec(field) for field in option.fields}, required=required)
    return record.described(option.doc) if option.kind == "record" else Items("a list of maps", record, option.doc)

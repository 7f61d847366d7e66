"""The specification of cmp.yaml, of its inventory file and of cmp-app.yaml: every key there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp.repository.config import rules
from cmp.repository.config.spec import Choice, Either, Exactly, Flag, Items, Keys, Others, Switch, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp.model import Option
    from cmp.repository.config.spec import Spec

    Engines = Mapping[str, tuple[Option, ...]]

VERSION = 1
TOOLS = ("helm", "kustomize", "sops", "helmfile", "cue")

_PATTERN = Text("a pattern", rules.PATTERN)
_VALUES = Items(
    "a list of patterns",
    Either(
        "a pattern, or a map with `path`",
        (
            _PATTERN,
            Keys(
                {
                    "path": Text("a pattern", rules.PATTERN, "The file, or a pattern of files."),
                    "optional": Flag("Whether a literal path may be missing."),
                },
                required=("path",),
            ),
        ),
    ),
)
_TEXTS = Items("a list of texts", Text())
_LABELS = Keys(others=Others(rules.KEY, Text()))

_CLUSTER = Keys(
    {
        "kubeVersion": Text(doc="The Kubernetes version that charts see, where Argo CD does not say it."),
        "apiVersions": _TEXTS._replace(doc="The API versions that charts see, where Argo CD does not say them."),
        "server": Text(doc="The address of the API server, as Argo CD knows it."),
        "labels": _LABELS._replace(doc="The labels of the cluster in Argo CD."),
        "annotations": _LABELS._replace(doc="The annotations of the cluster in Argo CD."),
    },
    Others(rules.FACT, Text(doc="A fact of your own, for patterns: `env: dev` fills `{env}`.")),
    noun="a map of facts",
    doc="One cluster and its facts.",
)
INVENTORY = Keys(others=Others(rules.CLUSTER, _CLUSTER), noun="a map of clusters", doc="The clusters, by name.")

_LAYOUT = Keys(
    {
        "apps": Text("a pattern", rules.APPS, "The folders of the applications, such as namespaces/{app}."),
        "instances": Text(
            "a pattern",
            rules.INSTANCES,
            "The folders that say that an application runs on a cluster, as clusters/{cluster}/{app}; empty: none.",
        ),
        "values": _VALUES._replace(doc="The values files, weakest first."),
        "release": Text("a name", rules.TEMPLATE, "The release name; it may hold placeholders, as in {cluster}-{app}."),
        "namespace": Text("a name", rules.TEMPLATE, "The destination namespace; it may hold placeholders."),
        "ignore": Items("a list of patterns", _PATTERN, "YAML files in an instance folder that nothing uses."),
    },
    doc="Where things lie. Patterns: {name} is one path segment, * stays in a segment, ** crosses.",
)
_CLUSTERS = Switch(
    "file",
    Keys(
        {"file": Text("a path", rules.PATH, "The file that holds the inventory.")},
        required=("file",),
    ),
    INVENTORY,
    doc="The inventory: the clusters by name, or the file that holds them.",
)
_TOOLS = Keys(
    {name: Text("an exact version", rules.VERSION, f"The version of {name}.") for name in TOOLS},
    what="tool",
    doc="The exact versions of the tools.",
)
_OUTPUT = Keys(
    {
        "allowEmpty": Flag("Accept a render without any object."),
        "allowDuplicateKeys": Flag("Accept a map that has a key twice."),
        "allowDuplicateObjects": Flag("Accept an object that is there twice with different content."),
        "allowCiphertext": Flag("Accept SOPS ciphertext."),
        "apiVersions": Keys(
            others=Others(rules.GROUP_VERSION, Text("a group/version", rules.GROUP_VERSION)),
            doc="Group/versions that are rewritten: the old one to the new one.",
        ),
    },
    doc="What the check of the rendered objects lets pass.",
)
_NOISE = Keys(
    {
        "name": Text(doc="What the report calls the rule."),
        "group": Text(doc="The API group of the objects; empty: any."),
        "kind": Text(doc="The kind of the objects; empty: any."),
        "namespace": Text(doc="Their namespace; empty: any."),
        "object": Text(doc="Their name; empty: any."),
        "path": _TEXTS._replace(doc="The keys that lead to the value; `*` is any one, a last `**` all below."),
        "matches": Text(doc="A regular expression that both texts must match as a whole."),
    },
    required=("name",),
    noun="a rule",
)
_PREVIEW = Keys(
    {
        "applications": Items(
            "a list of patterns", _PATTERN, "The files with Argo CD's Applications and ApplicationSets."
        ),
        "ignore": Items("a list of patterns", _PATTERN, "Files that no render depends on, such as docs/**."),
        "noise": Items("a list of rules", _NOISE, "Differences that reports count and do not show."),
    },
    doc="What `cmp affected` and `cmp diff` should know of the repository.",
)
_KINDS: Mapping[str, Spec] = {
    "flag": Flag(),
    "text": Text(),
    "version": Text("an exact version", rules.VERSION),
    "texts": _TEXTS,
    "map": _LABELS,
}


def repository(engines: Engines) -> Keys:
    """Return the specification of cmp.yaml."""
    return Keys(
        {
            "version": Exactly(VERSION, "The version of this file's format."),
            "requires": Text(
                "a requirement", rules.REQUIREMENT, "The versions of cmp that understand this repository."
            ),
            "layout": _LAYOUT,
            "clusters": _CLUSTERS,
            "tools": _TOOLS,
            "secrets": Keys(
                {
                    "suffixes": Items(
                        "a list of suffixes",
                        Text("a suffix", rules.SUFFIX),
                        "The ends of the names of files that must be encrypted.",
                    )
                },
                doc="How encrypted files are known.",
            ),
            "defaults": Keys({**_blocks(engines), "output": _OUTPUT}, doc="Options for all applications."),
            "preview": _PREVIEW,
        },
        doc="cmp.yaml: how a repository is laid out, which clusters it serves and which tools render it.",
    )


def application(engines: Engines) -> Keys:
    """Return the specification of cmp-app.yaml."""
    engine = Choice("engine", tuple(engines))
    return Keys(
        {
            "engine": Either(
                "an engine or a list of engines",
                (engine, Items("a list of engines", engine, is_set=True)),
                "What renders the application; several run one after the other.",
            ),
            "tools": _TOOLS,
            "release": Text("a name", rules.TEMPLATE, "The release name; it may hold placeholders."),
            "namespace": Text("a name", rules.TEMPLATE, "The destination namespace; it may hold placeholders."),
            "clusters": Either(
                "`all`, a list of clusters or a map of facts",
                (
                    Choice("choice of clusters", ("all",)),
                    Items("a list of clusters", Text("a cluster's name", rules.CLUSTER)),
                    Keys(others=Others(rules.FACT, Text()), is_filled=True),
                ),
                "The clusters it runs on, where no instance folder says so: all, some names, or facts (env: prod).",
            ),
            "values": _VALUES._replace(doc="More values files, stronger than the layout's."),
            **_blocks(engines),
            "output": _OUTPUT,
            "secrets": Keys(
                {
                    "files": Items(
                        "a list of paths",
                        Text("a path", rules.PATH),
                        "Encrypted files of the chart or kustomization itself, decrypted where they lie.",
                        is_set=True,
                    )
                },
                doc="What is encrypted beside the values.",
            ),
        },
        doc="cmp-app.yaml: what is different for one application, or for one application on one cluster.",
    )


def _blocks(engines: Engines) -> dict[str, Spec]:
    return {
        name: Keys({option.name: _described(option) for option in options}, doc=f"Options of the engine {name}.")
        for name, options in engines.items()
    }


def _described(option: Option) -> Spec:
    if option.kind in _KINDS:
        return _KINDS[option.kind]._replace(doc=option.doc)
    fields = {field.name: _described(field) for field in option.fields}
    record = Keys(fields, required=tuple(field.name for field in option.fields if field.is_required))
    return record._replace(doc=option.doc) if option.kind == "record" else Items("a list of maps", record, option.doc)

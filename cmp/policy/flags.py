"""Flags that an application adds to its engine's program: a policy may list a few switches, which keep every promise.

The list names harmless flags, not harmful ones: programs have hidden flags (Helm's log library brings `--log-file`),
and a newer program has flags that nobody here has thought about.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from cmp.engines.registry import ENGINES, FLAGS
from cmp.errors import ConfigError
from cmp.model import Cluster
from cmp.repository import config
from cmp.repository.config import APP_FILE, FILE
from cmp.repository.instances import central
from cmp.schema.spec import Rule, quoted
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp.model import Instance
    from cmp.system.tree import Tree
    from cmp.yamldoc.nodes import Node

HELM = ("--enable-dns", "--is-upgrade", "--no-hooks")
KUSTOMIZE = ("--load-restrictor=LoadRestrictionsNone",)
# Allowed without a policy.
FREE = {"kustomize": ("--reorder=legacy", "--reorder=none", "--load-restrictor=LoadRestrictionsRootOnly")}

_ALLOWED = {"helm": HELM, "kustomize": KUSTOMIZE}
_OF_HELM = (
    (r"-\w.*", "short forms are not taken"),
    (r"--post-renderer.*", "it runs a program"),
    (
        "--values|--set-file|--output-dir|--release-name|--.*-file|--keyring|--.*-config|--.*-cache|--log-.*",
        "it names files, and a render reads and writes none but its own",
    ),
    ("--kube-(?!version$).*|--kubeconfig|--validate|--dry-run|--burst-limit|--qps", "it is for talking to a cluster"),
    (
        "--dependency-update|--devel|--repo|--version|--verify|--username|--password|--pass-.*|--plain-http|--insecure-.*",
        "charts are fetched and verified before helm renders",
    ),
    (
        "--namespace|--name-template|--generate-name|--kube-version|--api-versions|--set.*|--(include|skip)-.*",
        "what it says has a key or a parameter of its own",
    ),
    ("--debug|--show-only|--help|--colou?r", "it changes what is printed, and objects could be lost by that"),
)
_OF_KUSTOMIZE = (
    (r"-\w.*", "short forms are not taken"),
    ("--enable-helm|--helm-.*", "the keys enableHelm and helmVersion say it"),
    ("--enable.alpha.plugins|--enable-exec|--enable-star|--network.*|--mount|--as-current-user", "it runs programs"),
    ("--output", "it writes files, and a render writes none but its own"),
    ("--reorder|--load.restrictor", "it is written with `=` and a value that is known"),
    ("--enable.managedby.label", "buildMetadata of the kustomization does the same"),
)
_REASONS = {"helm": _OF_HELM, "kustomize": _OF_KUSTOMIZE}


def reason(flag: str, engine: str = "helm") -> str:
    """Return why no policy may list this flag of an engine's program; empty for one that it may list."""
    allowed = (*_ALLOWED[engine], *FREE.get(engine, ()))
    if flag in allowed:
        return ""
    name = re.split("[= ]", flag, maxsplit=1)[0]
    if name in allowed:
        return f"it is a switch, written {name}"
    reasons = (why for pattern, why in _REASONS[engine] if re.fullmatch(pattern, name))
    return f"{next(reasons, 'it is not known to be harmless')}; those that can be allowed are {', '.join(allowed)}"


def _rule(engine: str) -> Rule:
    def explain(text: str) -> str:
        return f"{quoted(text)} can never be allowed: {reason(text, engine)}"

    return Rule("|".join((*_ALLOWED[engine], *FREE.get(engine, ()))), explain)


HELM_FLAG, KUSTOMIZE_FLAG = _rule("helm"), _rule("kustomize")


def require(listed: Mapping[str, tuple[str, ...]], policy: str, tree: Tree, instance: Instance) -> None:
    """ConfigError for the first flag of an instance that may not be used; `listed` are those of the policy, by engine.

    `policy` is the policy's file, or empty.
    """
    for engine in instance.engines:
        key = FLAGS.get(engine, "")
        flags = cast("tuple[str, ...]", instance.options.get(engine, {}).get(key, ()))
        for flag in flags:
            if flag in (*listed.get(engine, ()), *FREE.get(engine, ())):
                continue
            what = f"the flag {quoted(flag)} of {engine} is not allowed"
            place = _place(tree, instance, engine, flag)
            if never := reason(flag, engine):
                raise ConfigError(what, file=place, hint=f"no policy can allow it: {never}; remove it from {key}")
            raise ConfigError(
                what,
                file=place,
                hint=f"an administrator adds it to flags.{engine} of {policy or 'a policy (CMP_POLICY)'}; an author "
                f"removes it from {key}",
                is_external=True,
            )


def _place(tree: Tree, instance: Instance, engine: str, flag: str) -> str:
    """Find the line that asks for a flag: in the strongest list of them, which replaces the others."""
    for options in _options(tree, instance, engine):
        flags = options.at(FLAGS[engine]) if options else None
        for item in flags.items if flags else ():
            if item.text == flag:
                return item.place
    return ""


def _options(tree: Tree, instance: Instance, engine: str) -> Iterator[Node | None]:
    """Yield the engine's options wherever they may be said for an instance, the strongest first."""
    for folder in (instance.instance_folder, instance.app_folder):
        file = join(folder, APP_FILE)
        root = config.read(tree, file)[0] if folder and tree.kind(file) == "file" else None
        yield root.at(engine) if root else None
    root = config.read(tree, FILE)[0] if tree.kind(FILE) == "file" else None
    if root is None:
        return
    entries = root.at("applications")
    settings = config.load(tree, {name: traits.options for name, traits in ENGINES.items()}).applications
    # The placeholders of an instance hold the facts of its cluster.
    cluster = Cluster(instance.cluster, facts=instance.placeholders)
    for node, entry in zip(reversed(entries.items if entries else ()), reversed(settings), strict=True):
        if any(True for _ in central.applying((entry,), instance.app, cluster)):
            yield node.at(engine)
    yield root.at("defaults", engine)

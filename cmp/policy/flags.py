"""Which flags of a program a policy may list at all: a few switches that keep every promise of this product.

A list of what is harmless and not of what is not: programs have hidden flags (Helm's log library brings `--log-file`),
and a newer one has flags that nobody here has thought about.
"""

from __future__ import annotations

import re

from cmp.schema.spec import Rule, quoted

HELM = ("--enable-dns", "--is-upgrade", "--no-hooks")
KUSTOMIZE = ("--load-restrictor=LoadRestrictionsNone",)
# What is always allowed.
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
    """Say why no policy may list this flag of an engine's program; empty for one that it may list."""
    allowed = (*_ALLOWED[engine], *FREE.get(engine, ()))
    if flag in allowed:
        return ""
    name = re.split("[= ]", flag, maxsplit=1)[0]
    if name in allowed:
        return f"it is a switch, written {name}"
    known = (why for pattern, why in _REASONS[engine] if re.fullmatch(pattern, name))
    return f"{next(known, 'it is not known to be harmless')}; those that can be allowed are {', '.join(allowed)}"


def _rule(engine: str) -> Rule:
    def explain(text: str) -> str:
        return f"{quoted(text)} can never be allowed: {reason(text, engine)}"

    return Rule("|".join((*_ALLOWED[engine], *FREE.get(engine, ()))), explain)


HELM_FLAG, KUSTOMIZE_FLAG = _rule("helm"), _rule("kustomize")

"""Which flags of a program a policy may list at all: a few switches that keep every promise of this product.

A list of what is harmless and not of what is not: programs have hidden flags (Helm's log library brings `--log-file`),
and a newer one has flags that nobody here has thought about.
"""

from __future__ import annotations

import re

from cmp.config.rules import quoted
from cmp.config.spec import Rule

HELM = ("--enable-dns", "--is-upgrade", "--no-hooks")

_REASONS = (
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


def reason(flag: str) -> str:
    """Say why no policy may list this flag of helm; empty for one that it may list."""
    if flag in HELM:
        return ""
    name = re.split("[= ]", flag, maxsplit=1)[0]
    if name in HELM:
        return f"it is a switch, written {name}"
    known = next((why for pattern, why in _REASONS if re.fullmatch(pattern, name)), "it is not known to be harmless")
    return f"{known}; those that can be allowed are {', '.join(HELM)}"


def _explain(text: str) -> str:
    return f"{quoted(text)} can never be allowed: {reason(text)}"


HELM_FLAG = Rule("|".join(HELM), _explain)

"""Generate cmp/lifecycle/table.py: since when, and until when, Kubernetes serves the versions of its API.

    python -m scripts.lifecycle

The facts are the functions `APILifecycle…` that prerelease-lifecycle-gen writes into the Go modules of the API.  A kind
leaves the module some releases after the server, and sometimes, as an alpha, long before the release that was announced
for it: so one module of each minor version is read, the newest that has a kind is believed, and where the next one
lacks the kind, it was removed there at the latest.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, NamedTuple

from cmp import environ
from cmp.artifacts.toolstore.gobuild import Go
from cmp.system.process import Deadline
from cmp.system.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SECONDS = 600.0
# k8s.io/api of each minor version, oldest first: 0.19 is the first that has a lifecycle.
API = (
    *("0.19.16", "0.20.15", "0.21.14", "0.22.17", "0.23.17", "0.24.17", "0.25.16", "0.26.15", "0.27.16", "0.28.15"),
    *("0.29.15", "0.30.14", "0.31.14", "0.32.13", "0.33.13", "0.34.13", "0.35.10", "0.36.6", "0.37.2"),
)
# The kinds of which k8s.io/api knows nothing.
OTHERS = ("k8s.io/apiextensions-apiserver@v0.37.2", "k8s.io/kube-aggregator@v0.37.2")
TABLE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cmp", "lifecycle", "table.py")

_GENERATED = "zz_generated.prerelease-lifecycle.go"
_FUNCTION = re.compile(r"^func \(in \*(\w+)\) APILifecycle(\w+)\(\)[^{\n]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_RELEASE = re.compile(r"return 1, (\d+)$", re.MULTILINE)
_REPLACEMENT = re.compile(r'Group: "([^"]*)", Version: "([^"]*)", Kind: "([^"]*)"')
_GROUP = re.compile(r'^const GroupName = "([^"]*)"', re.MULTILINE)
_VERSION = re.compile(r'^var SchemeGroupVersion = .*\bVersion: "([^"]*)"', re.MULTILINE)
_RANK = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")

_HEAD = '''\
"""The lifecycle of the versions of the Kubernetes API, which scripts/lifecycle.py generates.

The Go modules that it reads:

{modules}

A row is group, version, kind, and the minor versions of Kubernetes 1 in which it is introduced, deprecated and removed
(0: never), and the version that replaces it, of the same group where none is named.
"""

from __future__ import annotations

NEWEST = {newest}  # the newest minor version whose module was read: what is removed later is announced
ROWS = (
{rows}
)
'''


class Key(NamedTuple):
    """A kind in one version of its group."""

    group: str
    version: str
    kind: str


class Facts(NamedTuple):
    """The minor versions of Kubernetes 1 that a module names for a kind (0: none), and the kind that replaces it."""

    introduced: int = 0
    deprecated: int = 0
    removed: int = 0
    replacement: Key | None = None


def main() -> None:
    """Write the table."""
    with Workspace() as folder:
        go = Go(environ.current(default_deadline=SECONDS).settings.env.build, folder.path, Deadline(SECONDS))
        history = [_module(go, f"k8s.io/api@v{version}") for version in API]
        others = [_module(go, module) for module in OTHERS]
    newest = int(API[-1].split(".")[1])
    facts = merged(history, newest=newest) | {key: found for other in others for key, found in other.items()}
    names = [f"k8s.io/api@v{version}" for version in API]
    with open(TABLE, "w", encoding="utf-8") as file:
        file.write(table(facts, [*names, *OTHERS], newest))
    sys.stdout.write(f"{TABLE}: {len(facts)} kinds read\n")


def _module(go: Go, name: str) -> dict[Key, Facts]:
    """Return the facts of all packages of a Go module; UnavailableError where it cannot be had."""
    found: dict[Key, Facts] = {}
    for folder, _, files in os.walk(json.loads(go.run("mod", "download", "-json", name))["Dir"]):
        if _GENERATED in files:
            found |= package(_text(folder, "register.go"), _text(folder, _GENERATED))
    return found


def _text(folder: str, name: str) -> str:
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()


def package(register: str, generated: str) -> dict[Key, Facts]:
    """Return the facts of a package's kinds, without lists of them, by its register.go and its generated file."""
    group, version = _GROUP.search(register), _VERSION.search(register)
    if not group or not version:
        message = f"no group and version in a register.go: {register[:200]}"
        raise ValueError(message)
    found: dict[Key, Facts] = {}
    for kind, what, body in _FUNCTION.findall(generated):
        key = Key(group[1], version[1], kind)
        if not kind.endswith("List"):
            found[key] = _with_fact(found.get(key, Facts()), what, body, kind)
    return found


def _with_fact(facts: Facts, what: str, body: str, kind: str) -> Facts:
    """Return the facts with that of the function APILifecycle<what>; ValueError for a body that is not understood."""
    if found := _REPLACEMENT.search(body) if what == "Replacement" else _RELEASE.search(body):
        match what:
            case "Introduced":
                return facts._replace(introduced=int(found[1]))
            case "Deprecated":
                return facts._replace(deprecated=int(found[1]))
            case "Removed":
                return facts._replace(removed=int(found[1]))
            case "Replacement":
                # networking.k8s.io/v1beta1 has IngressClass replaced by a list of its kind.
                named = kind if found[3] == f"{kind}List" else found[3]
                return facts._replace(replacement=Key(found[1], found[2], named))
    message = f"{kind}, {what}: {body}"
    raise ValueError(message)


def merged(history: Iterable[Mapping[Key, Facts]], newest: int) -> dict[Key, Facts]:
    """Return the facts of modules, oldest first, the last one that of the minor version `newest`."""
    modules = [*history]
    found: dict[Key, Facts] = {}
    for minor, module in enumerate(modules, start=newest + 1 - len(modules)):
        for key in found.keys() - module.keys():
            facts = found[key]
            if facts.removed > minor:  # a type without an end is no kind of the API, such as v1 PodStatusResult
                found[key] = facts._replace(deprecated=min(facts.deprecated, minor), removed=minor)
        found |= module
    return found


def table(facts: Mapping[Key, Facts], modules: Iterable[str], newest: int) -> str:
    """Return the text of the module: what is deprecated or removed at some time, and what replaces it."""
    ending = {key: _with_replacement(key, facts) for key, found in facts.items() if found.deprecated or found.removed}
    names = {found.replacement for found in ending.values() if found.replacement} - ending.keys()
    rows = ending | {key: facts[key] for key in names if key in facts}
    lines = [_row(key, found) for key, found in sorted(rows.items())]
    return _HEAD.format(modules="\n".join(f"    {name}" for name in modules), newest=newest, rows="\n".join(lines))


def _with_replacement(key: Key, facts: Mapping[Key, Facts]) -> Facts:
    """Return the facts of a kind, with the most stable version that outlives it where none is named to replace it."""
    found = facts[key]
    if found.replacement:
        return found if found.replacement in facts else found._replace(replacement=None)
    later = [
        other
        for other, its in facts.items()
        if (other.group, other.kind) == (key.group, key.kind)
        and _rank(other.version) > _rank(key.version)
        and (not its.removed or its.removed > found.removed)
    ]
    return found._replace(replacement=max(later, key=lambda other: _rank(other.version), default=None))


def _rank(version: str) -> tuple[int, int, int]:
    """Return the sort key of a version of an API, as Kubernetes orders them: v2, v1, v2beta1, v1beta1, v1alpha1."""
    match = _RANK.fullmatch(version)
    if not match:
        message = f"no version of an API: {version}"
        raise ValueError(message)
    return {"": 2, "beta": 1, "alpha": 0}[match[2] or ""], int(match[1]), int(match[3] or 0)


def _row(key: Key, facts: Facts) -> str:
    written = facts.replacement.version if facts.replacement else ""
    if facts.replacement and facts.replacement.group != key.group:
        written = f"{facts.replacement.group}/{written}"
    texts = [*key, facts.introduced, facts.deprecated, facts.removed, written]
    return f"    ({', '.join(json.dumps(text) for text in texts)}),"


if __name__ == "__main__":
    main()

"""Keys that a tree needs beside its layout: files that no render depends on, and helm for charts of kustomizations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.engines.registry import KUSTOMIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp.repository.scaffold.folders.walk import Folder
    from cmp.repository.scaffold.proposal import Proposal
    from cmp.system.tree import Tree

_FOLDERS = frozenset({"ci", "hack", "script", "scripts", "terraform", "test", "testdata", "testing", "tests", "tools"})
_FILES = re.compile(
    r"(?:Makefile|GNUmakefile|Justfile|justfile|Tiltfile|Jenkinsfile|Dockerfile|Vagrantfile|CODEOWNERS|OWNERS(?:_ALIASES)?)"
    r"|Taskfile\.ya?ml|codecov\.ya?ml|mkdocs\.ya?ml|_config\.ya?ml|renovate\.json5?|package(?:-lock)?\.json"
    r"|.+\.(?:cfg|gif|html|ini|jpg|js|lock|nix|png|py|sh|svg|tf|toml|txt)"
)


def completed(proposal: Proposal, tree: Tree, read: Iterable[Folder]) -> Proposal:
    """Add what comparisons and kustomizations need; what the proposal says already stays."""
    deployed = [folder for folder in read if folder.engines and not folder.is_foreign]
    preview, defaults = dict(proposal.preview), dict(proposal.defaults)
    ignored = [*_ignored(proposal, tree, deployed)]
    if ignored:
        preview.setdefault("ignore", ignored)
    if any(folder.has_helm_charts for folder in deployed):
        defaults.setdefault(KUSTOMIZE, {"enableHelm": True})
        preview.setdefault("argocd", {"buildOptions": "--enable-helm"})
    return proposal._replace(preview=preview, defaults=defaults)


def _ignored(proposal: Proposal, tree: Tree, deployed: Iterable[Folder]) -> Iterator[str]:
    """Yield patterns of files at the top that no render reads; comparisons know of documents and hidden files."""
    texts = (*proposal.apps, *proposal.instances, *(values.pattern for values in proposal.values))
    used = {path.partition("/")[0] for path in texts}
    used |= {path.partition("/")[0] for folder in deployed for path in (folder.path, *folder.named)}
    for entry in tree.entries(""):
        if entry.kind == "folder" and entry.name in _FOLDERS - used:
            yield f"{entry.name}/**"
        elif (
            entry.kind == "file"
            and entry.name not in used
            and not entry.name.startswith(".")
            and _FILES.fullmatch(entry.name)
        ):
            yield entry.name

"""Sentences of a report about changes that no manifest shows.

data_key_rotations     files encrypted anew, as far as can be told without the key
missing_capabilities   clusters whose API versions the inventory does not have
changed_standards      schemas and policies that change, and by which other pairs are not judged
folded_restarts        workloads that restart although every difference of theirs is folded
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from cmp.errors import and_more
from cmp.preview.labels import few_names, pair_name
from cmp.report.names import object_name
from cmp.secrets.placeholders import CIPHERTEXT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp.changes import Outcome, Subject
    from cmp.model import Instance
    from cmp.system.tree import Tree

LEAST = 3  # ciphertexts: two values, and the MAC by which sops authenticates the file, which every edit changes
MAX_LISTED = 3  # clusters
ROTATED = (
    "every value of `{path}` is encrypted anew: most likely its data key was rotated; whether a value is another one, "
    "only the key can tell"
)
PERHAPS_ASKED = "charts that ask for them"
ASKED = "charts ask for {apis}, and"
MAX_APIS = 5
CAPABILITIES = "The inventory has no API versions of {clusters}: {asked} may render other objects in the cluster"


def data_key_rotations(base: tuple[Tree, Sequence[Instance]], head: tuple[Tree, Sequence[Instance]]) -> Iterator[str]:
    """Yield a sentence for each file of a pair's layers and secret files in which every ciphertext is another one."""
    old, new = (
        {path: texts for instance in instances for path, texts in _ciphertexts(tree, instance)}
        for tree, instances in (base, head)
    )
    for path in sorted(old.keys() & new.keys()):
        if len(old[path]) == len(new[path]) >= LEAST and not old[path] & new[path]:
            yield ROTATED.format(path=path)


def _ciphertexts(tree: Tree, instance: Instance) -> Iterator[tuple[str, set[str]]]:
    """Yield the files that may be encrypted, each with its ciphertexts."""
    for path in (*(layer.path for layer in instance.layers if layer.is_secret), *instance.secret_files):
        text = tree.read(path).decode("utf-8", "replace") if tree.kind(path) == "file" else ""
        yield path, {match[0] for match in CIPHERTEXT.finditer(text)}


def missing_capabilities(clusters: Sequence[str], apis: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence on clusters without API versions in the inventory; none where there are no such clusters.

    `apis` are those that charts were seen to ask for, of whatever cluster.
    """
    if not clusters:
        return ()
    asked = ASKED.format(apis=and_more(apis, MAX_APIS)) if apis else PERHAPS_ASKED
    return (CAPABILITIES.format(clusters=and_more(clusters, MAX_LISTED), asked=asked),)


def changed_standards(folders: Sequence[str]) -> Iterator[str]:
    """Yield a sentence where folders of schemas or policies change: they hold for pairs that nobody renders here."""
    if folders:
        yield f"{few_names(folders)} changed: `cmp check` judges by it the pairs that are not rendered here, too"


def folded_restarts(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a sentence for each workload that restarts and is in no group: all changes of its pods are folded."""
    pairs: dict[tuple[str, str], list[Subject]] = defaultdict(list)
    rules: dict[tuple[str, str], set[str]] = defaultdict(set)
    for outcome in outcomes:
        for change in outcome.changes:
            if change.is_restart and not change.fields:
                workload = (outcome.subject.app, object_name(change.identity))
                pairs[workload].append(outcome.subject)
                rules[workload] |= {folded.rule for folded in change.folded}
    return [
        f"`{name}` of {app} restarts on {few_names([pair_name(subject) for subject in subjects])}: "
        f"what changes in it is folded ({', '.join(sorted(rules[app, name]))})."
        for (app, name), subjects in sorted(pairs.items())
    ]

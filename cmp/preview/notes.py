"""Sentences of a report about changes that no manifest shows.

sync_policy_changes    Applications that will bring their pair to the cluster in another way
data_key_rotations     files encrypted anew, as far as can be told without the key
missing_capabilities   clusters whose API versions the inventory does not have
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
    from collections.abc import Iterable, Iterator, Sequence

    from cmp.changes import Delivery, Outcome, Subject
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


def sync_policy_changes(before: Iterable[Delivery], after: Iterable[Delivery]) -> tuple[str, ...]:
    """Return a sentence for each difference of sync policies, with all Applications that it is the same for.

    Another target revision changes the cluster in a way that no comparison of two commits shows.
    """
    old = {_application_key(delivery): delivery for delivery in before}
    applications: dict[str, list[str]] = {}
    for new in sorted(after):
        for sentence in _differences(old.get(_application_key(new), new), new):
            applications.setdefault(sentence, []).append(new.application)
    return tuple(f"{few_names(names)} {sentence}" for sentence, names in applications.items())


def _application_key(delivery: Delivery) -> tuple[str, str, str]:
    return delivery.subject.app, delivery.subject.cluster, delivery.application


def _differences(old: Delivery, new: Delivery) -> Iterator[str]:
    if old.target_revision != new.target_revision:
        yield (
            f"will follow `{new.target_revision}` instead of `{old.target_revision}`: "
            "what that brings to the cluster is not in this report"
        )
    for name, was, now in (
        ("sync automatically", old.automated, new.automated),
        ("prune", old.prune, new.prune),
        ("undo what others change (self-heal)", old.self_heal, new.self_heal),
    ):
        if was != now:
            yield f"will {name} from now on" if now else f"will no longer {name}"


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

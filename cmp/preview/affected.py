"""Which applications on which clusters a change of files touches, how, and whether it can have an effect at all.

Three levels of proof: a file that the render reads was changed (touched); what the files come to is different, which
the fingerprints say (effective); the manifests differ, which only the programs can say (rendered, in pairs.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import lockfile
from cmp.changes import Unowned
from cmp.engines import ENGINES
from cmp.preview.copies import Copies
from cmp.repository import layout
from cmp.repository.config import APP_FILE
from cmp.repository.config import FILE as CONFIG_FILE
from cmp.repository.git import LINK
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cmp.changes import Outcome, Subject
    from cmp.model import Instance
    from cmp.preview.sides import Case, Key, Side

DOCUMENTATION = ("**/*.md", "docs/**", "LICENSE*", "CODEOWNERS")
HIDDEN = "a hidden file"
LAYER = "value layer"
NOTHING_READS = "nothing reads it"


class Touch(NamedTuple):
    """A changed file that a render reads, and what it is to it; `is_swallowed` where it changes no value in the end."""

    path: str
    how: str
    is_swallowed: bool = False


class Affected(NamedTuple):
    """One pair that is touched; `what` says on which sides it is, `is_effective` whether its renders can differ.

    `rendered` says what its renders came to, where somebody asked for them.
    """

    key: Key
    subject: Subject
    what: str
    touches: tuple[Touch, ...]
    is_effective: bool
    rendered: str = ""


class Reach(NamedTuple):
    """What a change reaches, sorted; `pairs` counts those of both sides together."""

    pairs: int
    affected: tuple[Affected, ...]
    unowned: tuple[Unowned, ...]


def proven(reach: Reach, outcomes: Iterable[Outcome]) -> Reach:
    """Return the reach with what renders have shown: manifests that are equal are not affected."""
    found = {outcome.subject: outcome.status for outcome in outcomes}
    return reach._replace(affected=tuple(_proven(one, found.get(one.subject, "")) for one in reach.affected))


def _proven(one: Affected, status: str) -> Affected:
    if not one.is_effective or not status:
        return one
    words = {"equal": "manifests equal", "failed": "cannot be rendered"}
    return one._replace(is_effective=status != "equal", rendered=words.get(status, "manifests differ"))


def find(base: Side, head: Side, changed: Sequence[str], ignore: Iterable[str] = ()) -> Reach:
    """Compare two sides; `changed` are the paths that differ, `ignore` patterns of files that no render reads."""
    keys = sorted(base.cases.keys() | head.cases.keys())
    owners = _Owners(changed)
    touched = {key: owners.touches(base.cases.get(key), head.cases.get(key)) for key in keys}
    configuration = {CONFIG_FILE, lockfile.FILE, base.repository.config.inventory, head.repository.config.inventory}
    settings = [path for path in changed if path in configuration or path.endswith(f"/{APP_FILE}")]
    settings += [path for path in changed if _is_link(path, base, head)]
    told = _applications(changed, base, head)
    loose = [path for path in changed if path not in owners.owned | configuration | told]
    ends = base.cases.keys() ^ head.cases.keys()
    coming = [case for side in (base, head) for key, case in side.cases.items() if key in ends]
    unowned = tuple(one for one in _unowned(loose, base, head, ignore) if not _is_placeholder(one, coming))
    is_open = any(not one.rule for one in unowned)
    copies = Copies(base, head, changed)
    found = []
    for key in keys:
        before, after = base.cases.get(key), head.cases.get(key)
        sees_it = is_open and any(case is not None and case.sees_tree for case in (before, after))
        one = _affected(key, base, head, touched[key], settings)
        if effects := [Touch(*effect) for effect in copies.effects(key)]:
            one = _effective(one, key, _subject(before, after), effects)
        if sees_it:
            more = [Touch(path.path, "its program sees the whole tree") for path in unowned if not path.rule]
            one = _effective(one, key, _subject(before, after), more)
        if one:
            found.append(one)
    return Reach(len(keys), tuple(found), unowned)


def _applications(changed: Sequence[str], *sides: Side) -> set[str]:
    """Return the files with Argo CD's Applications: what they ask for is in the cases."""
    patterns = [layout.parse(text) for side in sides for text in side.repository.config.preview.applications]
    return {path for path in changed for one in patterns if layout.match(one, path, {}) is not None}


def _affected(key: Key, base: Side, head: Side, touches: list[Touch], settings: Sequence[str]) -> Affected | None:
    """Compare one pair; `settings` are the files of the configuration that changed."""
    before, after = base.cases.get(key), head.cases.get(key)
    subject = _subject(before, after)
    if before is None or after is None:
        what = "added" if before is None else "removed"
        return Affected(key, subject, what, tuple(touches), is_effective=True)
    differences = [*_differences(before, after)]
    is_same = before.instance == after.instance and all(path.endswith((CONFIG_FILE, APP_FILE)) for path in settings)
    if not touches and not differences and (not settings or is_same):
        return None
    is_effective = base.fingerprint(key) != head.fingerprint(key)
    if not touches and not differences:  # a setting that leaves no trace in what is looked at: layers, a lock
        other = Touch(settings[0], _other(before, after))
        return Affected(key, subject, "both", (other,), is_effective) if is_effective else None
    shown = [*differences, *(_judged(one, base, head, key) for one in touches)]
    return Affected(key, subject, "both", tuple(shown), is_effective)


def _effective(one: Affected | None, key: Key, subject: Subject, more: Iterable[Touch]) -> Affected:
    """Return a pair, touched before or not, as one whose renders can differ, with the reasons."""
    touches = (*(one.touches if one else ()), *more)
    return (one or Affected(key, subject, "both", (), is_effective=True))._replace(is_effective=True, touches=touches)


def _subject(*cases: Case | None) -> Subject:
    return next(case.asked.subject for case in reversed(cases) if case is not None)


class _Owners:
    """Which changed files belong to which cases."""

    def __init__(self, changed: Sequence[str]) -> None:
        self._changed = changed
        self.owned: set[str] = set()

    def touches(self, *cases: Case | None) -> list[Touch]:
        """Return the changed files that the cases of one key read, on either side."""
        found: dict[str, Touch] = {}
        for case in cases:
            for path in case.inputs.select(self._changed) if case else ():
                how = _how(path, case)
                if how and (path not in found or how.startswith(LAYER)):
                    found[path] = Touch(path, how)
        self.owned.update(found)
        self.owned.update(path for case in cases if case for path in _own_files(case))
        return [found[path] for path in sorted(found)]


def _own_files(case: Case) -> set[str]:
    """Return the configuration files of a case: what they say is in the instance."""
    if case.instance is None:
        return set()
    return {join(folder, APP_FILE) for folder in (case.instance.app_folder, case.instance.instance_folder) if folder}


def _how(path: str, case: Case | None) -> str:
    """Say what a file is to a render; empty for nothing."""
    if case is None or case.instance is None:
        return ""
    inputs, instance = case.inputs, case.instance
    if path in inputs.layers:
        return f"{LAYER} {inputs.layers.index(path) + 1} of {len(inputs.layers)}"
    if path in _own_files(case):
        return ""
    if inputs.covers(path):
        is_own = path.startswith(f"{instance.folder}/")
        return f"{' + '.join(instance.engines)} files" if is_own else "files from elsewhere that it uses"
    return ""


def _judged(touch: Touch, base: Side, head: Side, key: Key) -> Touch:
    """Say of a values layer whether its change comes to nothing."""
    before, after = base.cases[key].instance, head.cases[key].instance
    if before is None or after is None or not touch.how.startswith(LAYER):
        return touch
    if base.fingerprints.merged_values(before) != head.fingerprints.merged_values(after):
        return touch
    own = [side.fingerprints.values_of(touch.path) for side in (base, head)]
    return touch._replace(is_swallowed=True, how=f"{touch.how} ({_reason(own)})")


def _reason(own: Sequence[object]) -> str:
    return "no value in it changed" if own[0] == own[1] else "overridden: no effect"


def _differences(before: Case, after: Case) -> Iterator[Touch]:
    """Yield what the configuration says differently of a pair."""
    if before.instance is None or after.instance is None:
        if str(before.error) != str(after.error):
            yield Touch("", "cannot be resolved any more" if after.error else "can be resolved now")
        return
    old, new = ({pin.name: pin for pin in case.tools} for case in (before, after))
    for tool in sorted(old.keys() & new.keys()):
        if old[tool].version != new[tool].version:
            change = f"{tool} pin {old[tool].version} -> {new[tool].version}"
            yield Touch(new[tool].source.partition(":")[0], change)
    for name, was, now in _settings(before.instance, after.instance):
        is_text = isinstance(was, str) and isinstance(now, str)
        yield Touch(CONFIG_FILE, f"{name} {was or '(none)'} -> {now or '(none)'}" if is_text else name)


def _other(before: Case, after: Case) -> str:
    """Say what differs of two instances whose files and settings are equal."""
    layers = [case.inputs.layers for case in (before, after)]
    return "other values layers" if layers[0] != layers[1] else "locked charts or tools"


def _settings(before: Instance, after: Instance) -> Iterator[tuple[str, object, object]]:
    """Yield the settings that differ: a name for readers, and both values."""
    reads_cluster_facts = any(ENGINES[name].reads_cluster_facts for name in after.engines)
    pairs: list[tuple[str, object, object]] = [
        ("engine", " + ".join(before.engines), " + ".join(after.engines)),
        ("release name", before.release, after.release),
        ("namespace", before.namespace, after.namespace),
        ("Kubernetes version", before.kube_version, after.kube_version),
        ("API versions", before.api_versions, after.api_versions),
        ("parameters", before.parameters, after.parameters),
        ("options", _options(before), _options(after)),
        ("output rules", before.output_rules, after.output_rules),
        ("secret files", before.secret_files, after.secret_files),
        (
            "facts of the cluster",
            before.placeholders if reads_cluster_facts else None,
            after.placeholders if reads_cluster_facts else None,
        ),
    ]
    yield from (pair for pair in pairs if pair[1] != pair[2])


def _options(instance: Instance) -> list[object]:
    return [instance.options.get(name, {}) for name in instance.engines]


def _unowned(paths: Iterable[str], base: Side, head: Side, ignore: Iterable[str]) -> Iterator[Unowned]:
    seeing = sum(case.sees_tree for case in head.cases.values())
    patterns = {text: layout.parse(text) for text in (*ignore, *base.repository.config.layout.ignore, *DOCUMENTATION)}
    for path in paths:
        rule = next((text for text, pattern in patterns.items() if layout.match(pattern, path, {}) is not None), "")
        if not rule and any(part.startswith(".") for part in path.split("/")):
            rule = HIDDEN
        consequence = "ignored" if rule else f"{seeing} pairs rendered" if seeing else NOTHING_READS
        yield Unowned(path, rule, consequence)


def _is_placeholder(one: Unowned, coming: Iterable[Case]) -> bool:
    """Whether a file is there only so that Git keeps the folder of a pair that comes or goes."""
    folders = [case.instance.instance_folder for case in coming if case.instance and case.instance.instance_folder]
    return one.rule == HIDDEN and any(one.path.startswith(f"{folder}/") for folder in folders)


def _is_link(path: str, *sides: Side) -> bool:
    return any(side.tree.blobs[path].mode == LINK for side in sides if path in side.tree.blobs)

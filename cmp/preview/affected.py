"""The impact of a change: the pairs whose inputs it changes, and the changed files that belong to no pair.

There are three levels of proof.  A pair is touched where a file that its render reads was changed.  It is affected
where the fingerprints of both sides differ.  Its manifests differ where both renders say so (worker.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cmp.artifacts import lockfile
from cmp.changes import Unowned
from cmp.engines import ENGINES
from cmp.preview.copies import UNKNOWN, PrivateCopies
from cmp.preview.setting_causes import place_of
from cmp.preview.unresolved import unresolved_inputs
from cmp.repository import layout
from cmp.repository.config import APP_FILE
from cmp.repository.config import FILE as CONFIG_FILE
from cmp.repository.git import LINK, SUBMODULE
from cmp.system.tree import join

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from cmp.changes import Outcome, Subject
    from cmp.model import Instance
    from cmp.preview.identity import PairId
    from cmp.preview.sides import RenderRequest, ResolvedPair, ResolvedSource, Side

DOCUMENTATION = ("**/*.md", "docs/**", "LICENSE*", "CODEOWNERS")
HIDDEN = "a hidden file"
LAYER = "value layer"
DECLARES = "declares it"
NOTHING_READS = "nothing reads it"
RUNS_THERE = "says that it runs there"
UNRESOLVED = "cannot be resolved"
DECIDES = "decides what"
STATUS_TEXTS = {"equal": "manifests equal", "failed": "cannot be rendered"}
DIFFERENT = "manifests differ"


class ChangedInput(NamedTuple):
    """A changed file (empty: a setting) with its role in a render; `is_overridden` where no merged value changes."""

    path: str
    how: str
    is_overridden: bool = False


class TouchedPair(NamedTuple):
    """A pair with changed inputs.

    `what` tells whether it was `added` or `removed`, or is on `both` sides.  `is_affected` says whether its manifests
    can differ; `rendered` tells whether they do, once they were rendered.
    """

    key: PairId
    subject: Subject
    what: str
    inputs: tuple[ChangedInput, ...]
    is_affected: bool
    rendered: str = ""


class Impact(NamedTuple):
    """The touched pairs and the changed files of no pair, sorted; `pairs` is the number of pairs of both sides."""

    pairs: int
    touched: tuple[TouchedPair, ...]
    unowned: tuple[Unowned, ...]

    def confirmed(self, outcomes: Iterable[Outcome]) -> Impact:
        """Return the impact after both sides were rendered: a pair with equal manifests is not affected."""
        statuses = {outcome.subject: outcome.status for outcome in outcomes}
        pairs = (_confirmed(pair, statuses.get(pair.subject, "")) for pair in self.touched)
        return self._replace(touched=tuple(pairs))


def _confirmed(pair: TouchedPair, status: str) -> TouchedPair:
    if not pair.is_affected or not status:
        return pair
    return pair._replace(is_affected=status != "equal", rendered=STATUS_TEXTS.get(status, DIFFERENT))


def find_impact(
    base: Side, head: Side, changed: Sequence[str], ignore: Iterable[str] = (), *, is_judged: bool = False
) -> Impact:
    """Compare two sides; `changed` are the paths that differ, `ignore` patterns of files that no render reads.

    With `is_judged` a pair is affected, too, where the same objects may be judged otherwise.
    """
    keys = sorted(
        reached(base, head, changed), key=lambda key: _order(base.pairs.requests.get(key), head.pairs.requests.get(key))
    )
    ownership = _Ownership(changed)
    broken = unresolved_inputs(changed, keys, base, head)
    inputs = {key: ownership.inputs(base.pairs.get(key), head.pairs.get(key), broken.get(key, ())) for key in keys}
    configuration = {CONFIG_FILE, lockfile.FILE, base.repository.config.inventory, head.repository.config.inventory}
    settings = [path for path in changed if path in configuration or path.endswith(f"/{APP_FILE}")]
    settings += [path for path in changed if _is_link(path, base, head)]
    copies = PrivateCopies(base, head, changed, keys)
    effects = {key: [ChangedInput(effect.path, effect.how) for effect in copies.effects(key)] for key in keys}
    submodules = {effect.path for of_pair in effects.values() for effect in of_pair if effect.how == UNKNOWN}
    owned = ownership.owned | submodules | configuration | _application_files(changed, base, head)
    owned |= {path for path in changed if _is_of_checks(path, base, head)}
    seeing = sum(head.pairs[key].needs_whole_tree for key in keys if key in head.pairs)
    unowned = tuple(_unowned((path for path in changed if path not in owned), base, head, ignore, seeing=seeing))
    unexplained = [file for file in unowned if not file.rule]
    touched = []
    for key in keys:
        before, after = base.pairs.get(key), head.pairs.get(key)
        subject = _subject(base.pairs.requests.get(key), head.pairs.requests.get(key))
        pair = _compared(key, base, head, inputs[key], settings)
        if effects[key]:
            pair = _made_affected(pair, key, subject, effects[key])
        if unexplained and any(side is not None and side.needs_whole_tree for side in (before, after)):
            files = [ChangedInput(file.path, "its program sees the whole tree") for file in unexplained]
            pair = _made_affected(pair, key, subject, files)
        is_rendered = pair is not None and pair.is_affected
        if is_judged and not is_rendered and (standards := [*_standards(before, after, base, head)]):
            pair = _made_affected(pair, key, subject, standards)
        if pair:
            touched.append(pair)
    return Impact(len(base.pairs.keys() | head.pairs.keys()), _with_parents(touched, base, head), unowned)


def _order(*sides: RenderRequest | None) -> tuple[object, ...]:
    return (_subject(*sides), next(request.id for request in sides if request is not None))


def _subject(*sides: RenderRequest | None) -> Subject:
    """Return the subject of the pair as its newer side has it."""
    return next(request.subject for request in reversed(sides) if request is not None)


def reached(base: Side, head: Side, changed: Sequence[str]) -> Collection[PairId]:
    """Return the pairs of both sides that the paths `changed` may reach, and perhaps others."""
    every = base.pairs.requests.keys() | head.pairs.requests.keys()
    if base.places != head.places or any(_decides(path, base, head) for path in changed):
        return every
    found = base.pairs.requests.keys() ^ head.pairs.requests.keys()
    for reach in (base.reach, head.reach) if base.reach is not head.reach else (head.reach,):
        by_files = reach.of(changed)
        if by_files is None:
            return every
        found |= by_files & every
        found |= every - reach.known.keys()
    return found


def _decides(path: str, *sides: Side) -> bool:
    """Tell whether a changed path may reach any pair: configuration, a link, a submodule."""
    blobs = [side.tree.blobs[path] for side in sides if path in side.tree.blobs]
    files = (CONFIG_FILE, lockfile.FILE, *(side.repository.config.inventory for side in sides))
    return path in files or any(blob.mode in (LINK, SUBMODULE) for blob in blobs)


# Inputs of a pair


class _Ownership:
    """The changed files by the pairs that read them; `owned` are all that some pair reads or is configured by."""

    def __init__(self, changed: Sequence[str]) -> None:
        self._changed = changed
        self._names = frozenset(changed)
        self.owned: set[str] = set()

    def inputs(
        self, before: ResolvedPair | None, after: ResolvedPair | None, broken: Iterable[str]
    ) -> list[ChangedInput]:
        """Return the changed files that a pair reads, on either side; `broken` are those that it would read."""
        pairs = [pair for pair in (before, after) if pair]
        inputs = {path: ChangedInput(path, UNRESOLVED) for path in broken}
        for pair in pairs:
            for path, role in _roles(pair, self._changed):
                if role and (path not in inputs or role.startswith(LAYER) or inputs[path].how == UNRESOLVED):
                    inputs[path] = ChangedInput(path, role)
        for path in (instance.instance_file for pair in pairs for instance in pair.own_instances):
            if path in self._names:
                inputs.setdefault(path, ChangedInput(path, RUNS_THERE))
        self.owned.update(inputs)
        self.owned.update(path for pair in pairs for path in _own_files(pair))
        return [inputs[path] for path in sorted(inputs)]


def _own_files(pair: ResolvedPair) -> set[str]:
    """Return the configuration files of a pair, which its instances were made from."""
    folders = {folder for instance in pair.instances for folder in (instance.app_folder, instance.instance_folder)}
    return {join(folder, APP_FILE) for folder in folders - {""}}


def _roles(pair: ResolvedPair, changed: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each changed file that a source of the pair reads, with its role in that render; empty for none."""
    own = _own_files(pair)
    for source in pair.sources:
        inputs, instance = source.inputs, source.instance
        for path in inputs.select(changed):
            if path in inputs.layers:
                yield path, f"{LAYER} {inputs.layers.index(path) + 1} of {len(inputs.layers)}"
            elif path not in own and inputs.covers(path):
                is_inside = path.startswith((f"{instance.folder}/", f"{instance.chart_folder or instance.folder}/"))
                yield (
                    path,
                    f"{' + '.join(instance.engines)} files" if is_inside else "files from elsewhere that it uses",
                )


# The two sides of a pair


def _compared(
    key: PairId, base: Side, head: Side, inputs: list[ChangedInput], settings: Sequence[str]
) -> TouchedPair | None:
    """Compare both sides of a pair; `settings` are the files of the configuration that changed."""
    before, after = base.pairs.get(key), head.pairs.get(key)
    subject = _subject(*(pair and pair.request for pair in (before, after)))
    if before is None or after is None:
        what = "added" if before is None else "removed"
        only = [pair.request for pair in (before, after) if pair]
        declared = [ChangedInput(path, DECLARES) for path in _changed_origins((base, head), *only)]
        return TouchedPair(key, subject, what=what, inputs=(*inputs, *declared), is_affected=True)
    differences = [*_differences(before, after, (base, head))]
    is_same = before.instances == after.instances and all(path.endswith((CONFIG_FILE, APP_FILE)) for path in settings)
    is_asked_anew = before.request.sources != after.request.sources or after.request.is_promoted
    if not (inputs or differences or is_asked_anew) and (not settings or is_same):
        return None
    is_affected = base.fingerprint(key) != head.fingerprint(key) or any(one.how == UNRESOLVED for one in inputs)
    if not inputs and not differences:
        # The changed setting shows in the fingerprint alone, as the list of layers and cmp.lock do.
        place = _place_of_settings(before, after, (base, head)) if is_asked_anew else settings[0]
        hidden = ChangedInput(place, _hidden_difference(before, after, place))
        return TouchedPair(key, subject, what="both", inputs=(hidden,), is_affected=True) if is_affected else None
    judged = (_with_override(one, key, base, head) for one in inputs)
    return TouchedPair(key, subject, what="both", inputs=(*differences, *judged), is_affected=is_affected)


def _standards(
    before: ResolvedPair | None, after: ResolvedPair | None, base: Side, head: Side
) -> Iterator[ChangedInput]:
    """Yield what differs of the cluster by which objects are judged, though no render of the pair asks for it."""
    if before is None or after is None or before.error or after.error:
        return
    cluster = after.request.subject.cluster
    was, now = (side.repository.config.clusters.get(cluster) for side in (base, head))
    if was is None or now is None:
        return
    file = head.repository.config.inventory or CONFIG_FILE
    if was.kube_version != now.kube_version:
        versions = f"{was.kube_version or '(none)'} -> {now.kube_version or '(none)'}"
        yield ChangedInput(file, f"judged by Kubernetes version {versions}")
    if was.api_versions != now.api_versions:
        yield ChangedInput(file, "judged by other API versions")


def _made_affected(
    pair: TouchedPair | None, key: PairId, subject: Subject, inputs: Iterable[ChangedInput]
) -> TouchedPair:
    """Return a pair, touched before or not, as an affected one with more changed inputs."""
    known = pair or TouchedPair(key, subject, what="both", inputs=(), is_affected=True)
    return known._replace(is_affected=True, inputs=(*known.inputs, *inputs))


def _with_override(changed: ChangedInput, key: PairId, base: Side, head: Side) -> ChangedInput:
    """Mark a values layer whose change leaves the merged values as they were."""
    if not changed.how.startswith(LAYER):
        return changed
    merged = ([side.fingerprints.merged_values(one) for one in side.pairs[key].own_instances] for side in (base, head))
    before, after = merged
    if not before or before != after:
        return changed
    old, new = (side.fingerprints.values_of(changed.path) for side in (base, head))
    reason = "no value in it changed" if old == new else "overridden: no effect"
    return changed._replace(is_overridden=True, how=f"{changed.how} ({reason})")


def _differences(before: ResolvedPair, after: ResolvedPair, sides: tuple[Side, Side]) -> Iterator[ChangedInput]:
    """Yield the settings of the configuration that differ."""
    if before.error or after.error:
        if str(before.error) != str(after.error):
            yield ChangedInput("", "cannot be resolved any more" if after.error else "can be resolved now")
        return
    if len(before.sources) != len(after.sources):
        yield ChangedInput("", f"{len(before.sources)} sources -> {len(after.sources)}")
        return
    for old, new in zip(before.sources, after.sources, strict=True):
        place = _place_of_settings(before, after, sides)
        of_repository = place == CONFIG_FILE and old.home is None and new.home is None
        yield from _differences_of_source(old, new, place, sides if of_repository else None)


def _place_of_settings(before: ResolvedPair, after: ResolvedPair, sides: tuple[Side, Side]) -> str:
    """Return the file that decided about settings: a changed one that declares the Application, if it asks for others.

    It is empty where another pair prints the Application.
    """
    if before.request.sources == after.request.sources:
        return CONFIG_FILE
    origins = (*_changed_origins(sides, after.request, before.request), *after.request.origins)
    return next(iter(origins), "")


def _changed_origins(sides: tuple[Side, Side], *requests: RenderRequest) -> list[str]:
    """Return the files that declare pairs and differ between both sides."""
    origins = dict.fromkeys(path for request in requests for path in request.origins)
    return [path for path in origins if sides[0].tree.digest(path) != sides[1].tree.digest(path)]


def _differences_of_source(
    before: ResolvedSource, after: ResolvedSource, place: str, sides: tuple[Side, Side] | None
) -> Iterator[ChangedInput]:
    """Yield the settings of a source that differ; `place` is the file for those of which no key is known.

    `sides` have the configuration that decides about the settings, if they have.
    """
    old, new = ({pin.name: pin for pin in source.tools} for source in (before, after))
    for tool in sorted(old.keys() & new.keys()):
        if old[tool].version != new[tool].version:
            change = f"{tool} pin {old[tool].version} -> {new[tool].version}"
            yield ChangedInput(new[tool].source.partition(":")[0], change)
    if change := _change_of_chart(before.instance, after.instance):
        line = after.instance.chart_place or before.instance.chart_place
        yield ChangedInput(line.partition(":")[0], change)
    for name, was, now in _settings(before.instance, after.instance):
        is_text = isinstance(was, str) and isinstance(now, str)
        how = f"{name} {was or '(none)'} -> {now or '(none)'}" if is_text else name
        instances = before.instance, after.instance
        key = place_of((sides[0].repository, sides[1].repository), instances, name) if sides else None
        yield ChangedInput(key.file, f"{how} ({key.line})") if key else ChangedInput(place, how)


def _change_of_chart(before: Instance, after: Instance) -> str:
    """Return the change of the chart that the configuration names; empty without one."""
    if not (before.chart_place or after.chart_place):
        return ""
    old, new = before.chart, after.chart
    if old and new and old.name == new.name:
        places = (f" of {old.repository}", f" of {new.repository}") if old.repository != new.repository else ("", "")
        versions = f"{old.version}{places[0]} -> {new.version}{places[1]}"
        return f"chart {new.name} {versions}" if old[:3] != new[:3] else ""
    was, now = (one.named_chart or "(its own)" for one in (before, after))
    return f"chart {was} -> {now}" if was != now else ""


def _hidden_difference(before: ResolvedPair, after: ResolvedPair, place: str) -> str:
    """Return the difference of two pairs whose files and settings are equal; `place` is the file that makes it."""
    if after.request.is_promoted and before.request.delivery and after.request.delivery:
        return f"revision {before.request.delivery.target_revision} -> {after.request.delivery.target_revision}"
    was, now = ([source.instance.folder for source in pair.sources] for pair in (before, after))
    if was != now:
        return f"folder {', '.join(was)} -> {', '.join(now)}"
    old, new = ([source.inputs.layers for source in pair.sources] for pair in (before, after))
    if old == new:
        return "locked charts or tools"
    known = {path for layers in old for path in layers}
    sources = [layer.source for instance in after.instances for layer in instance.layers if layer.path not in known]
    line = next((source.split(":")[1] for source in sources if source.startswith(f"{place}:")), "")
    return f"other values layers (line {line})" if line else "other values layers"


def _settings(before: Instance, after: Instance) -> Iterator[tuple[str, object, object]]:
    """Yield the settings that differ: a name for readers, and both values."""
    reads_cluster_facts = any(ENGINES[name].reads_cluster_facts for name in after.engines)
    settings: list[tuple[str, object, object]] = [
        ("engine", " + ".join(before.engines), " + ".join(after.engines)),
        ("release name", before.release, after.release),
        ("namespace", before.namespace, after.namespace),
        ("Kubernetes version", before.kube_version, after.kube_version),
        ("API versions", before.api_versions, after.api_versions),
        ("parameters", before.parameters, after.parameters),
        ("options", _options(before), _options(after)),
        ("output rules", before.output_rules, after.output_rules),
        ("secret files", before.secret_files, after.secret_files),
        ("kept secrets", (before.kept_files, before.kept_kinds), (after.kept_files, after.kept_kinds)),
        (
            "facts of the cluster",
            before.placeholders if reads_cluster_facts else None,
            after.placeholders if reads_cluster_facts else None,
        ),
    ]
    yield from (setting for setting in settings if setting[1] != setting[2])


def _options(instance: Instance) -> list[object]:
    return [instance.options.get(name, {}) for name in instance.engines]


# What other pairs print


def _with_parents(touched: Sequence[TouchedPair], base: Side, head: Side) -> tuple[TouchedPair, ...]:
    """Give each pair that a parent's output makes, removes or changes the changed inputs of the parent."""
    by_key = {pair.key: pair for pair in touched}
    return tuple(
        pair._replace(inputs=(*pair.inputs, *_deciding(pair, by_key, base, head)))
        if _is_decided_anew(pair.key, base, head)
        else pair
        for pair in touched
    )


def _is_decided_anew(key: PairId, base: Side, head: Side) -> bool:
    before, after = base.pairs.requests.get(key), head.pairs.requests.get(key)
    if before is None or after is None:
        return True
    return before.sources != after.sources


def _deciding(pair: TouchedPair, by_key: Mapping[PairId, TouchedPair], *sides: Side) -> Iterator[ChangedInput]:
    """Yield the changed inputs of all pairs above one, each once."""
    own = {changed.path for changed in pair.inputs}
    for above in _above(pair.key, sides):
        if (parent := by_key.get(above)) is None:
            continue
        for changed in parent.inputs:
            if changed.path and changed.path not in own and not changed.is_overridden:
                own.add(changed.path)
                yield ChangedInput(changed.path, f"{DECIDES} {parent.subject.app} prints")


def _above(key: PairId, sides: Sequence[Side]) -> list[PairId]:
    """Return the pairs that print a pair, or one of those that print it, the nearest first."""
    way = [key]
    for below in way:  # it grows meanwhile
        requests = [side.pairs.requests[below] for side in reversed(sides) if below in side.pairs]
        way += [one.parent for one in requests if one.parent and one.parent not in way]
    return way[1:]


# Files of no pair


def _unowned(paths: Iterable[str], base: Side, head: Side, ignore: Iterable[str], *, seeing: int) -> Iterator[Unowned]:
    """Yield the changed files of no pair, but the placeholders in folders of pairs that come or go.

    The programs of `seeing` pairs see the whole tree.
    """
    patterns = {text: layout.parse(text) for text in (*ignore, *base.repository.config.layout.ignore, *DOCUMENTATION)}
    folders = _folders_that_come_or_go(base, head)
    for path in paths:
        rule = next((text for text, pattern in patterns.items() if layout.match(pattern, path, {}) is not None), "")
        if not rule and any(part.startswith(".") for part in path.split("/")):
            if path.startswith(folders):  # such as `.keep`: it is there so that Git keeps the folder
                continue
            rule = HIDDEN
        consequence = "ignored" if rule else f"{seeing} pairs rendered" if seeing else NOTHING_READS
        yield Unowned(path, rule, consequence)


def _folders_that_come_or_go(base: Side, head: Side) -> tuple[str, ...]:
    on_one_side = base.pairs.keys() ^ head.pairs.keys()
    pairs = [side.pairs[key] for side in (base, head) for key in on_one_side if key in side.pairs]
    folders = (instance.instance_folder for pair in pairs for instance in pair.instances)
    return tuple(f"{folder}/" for folder in folders if folder)


def _application_files(changed: Sequence[str], *sides: Side) -> set[str]:
    """Return the files with Argo CD's Applications, and those of generators: the requests were made from them."""
    patterns = [layout.parse(text) for side in sides for text in side.repository.config.preview.application_files]
    places = {path for side in sides for one in side.pairs.requests.values() for path in one.origins}
    return {
        path
        for path in changed
        if path in places or any(layout.match(pattern, path, {}) is not None for pattern in patterns)
    }


def _is_of_checks(path: str, *sides: Side) -> bool:
    """Tell whether a file lies in a folder with what rendered objects are judged by."""
    checks = [side.repository.config.checks for side in sides]
    folders = tuple(f"{folder}/" for one in checks for folder in (*one.schemas, *one.policies))
    return path.startswith(folders)


def _is_link(path: str, *sides: Side) -> bool:
    return any(side.tree.blobs[path].mode == LINK for side in sides if path in side.tree.blobs)

"""The effects of a change of the repository, as values: made by `compare` and `preview`, read by the views in `report`.

Texts in them are masked: a secret is `‹secret 1›` (or, before the workers are done, `‹secret <token>›`).  All of them
are ordered by their content, never by the order of their making, so that the same change always reads the same.

The names and the docstrings of the classes are part of a format: the JSON Schema of the report has them as names and
descriptions of its definitions (report/jsonview.py).
"""

# Without `from __future__ import annotations`: see model.py.
from typing import Literal, NamedTuple

from cmp.findings import Finding, Unjudged
from cmp.model import Identity


class Subject(NamedTuple):
    """One application on one cluster (empty for what has no cluster); `environment` is the cluster's fact `env`."""

    app: str
    cluster: str
    environment: str = ""


class Object(NamedTuple):
    """One rendered object, its secrets masked; `source` is the file of the repository or template it comes from."""

    api_version: str
    identity: Identity
    value: dict[str, object]
    source: str


class Field(NamedTuple):
    """One difference between two objects.

    `path` has keys as they are, and list items in brackets: `[web]` where items are told apart by a key such as `name`,
    else `[0]`, the position in the newer list (the older, where removed).  `before` and `after` are values (maps and
    lists where all of one came or went); None stands where there was, or is, nothing.  `moved` says that the items of a
    list changed their order and nothing else.
    """

    path: tuple[str, ...]
    kind: Literal["added", "removed", "changed", "moved"]
    before: object
    after: object


class Hunk(NamedTuple):
    """Some neighbouring differences as a reader sees them: lines of YAML that start with ` `, `-` or `+`.

    The first lines are the keys that lead there; `fields` are the indexes of the change's fields that it shows.
    """

    lines: tuple[str, ...]
    fields: tuple[int, ...]


EVERYTHING = ("**",)  # the path of a rule that is for all below the object


class Rule(NamedTuple):
    """A difference that a reader does not want to see: at `path` of the objects that the others name (empty: any).

    `path` is as in `Field`, where `*` is any one part and a last `**` everything below; `[*]` any item.  With `pattern`
    (a regular expression that must match the whole text) only a change of one matching text to another is meant.
    """

    name: str
    group: str = ""
    kind: str = ""
    namespace: str = ""
    object: str = ""
    path: tuple[str, ...] = EVERYTHING
    pattern: str = ""


class Folded(NamedTuple):
    """A difference that is not shown, and the rule that says so.

    `chart-labels`, `checksum` and `hash-name` are built in (`compare/noise.py`), all others are rules of the user.
    """

    rule: str
    field: Field


class Danger(NamedTuple):
    """Something to look at twice: the rule's name (`--fail-on` takes it), and what happens, as a sentence's end."""

    rule: str
    text: str


class Cause(NamedTuple):
    """A line of a values file that changed: the value's path there, and what it was and is (None: not set).

    Of any other file the place is that, without a line and a path; a folder stands for several files in it.
    `overridden_by` is the place of a stronger layer that sets the same value, so that this change has no effect.
    """

    place: str
    path: tuple[str, ...]
    before: object
    after: object
    overridden_by: str = ""


class Move(NamedTuple):
    """The way of an object from one application to another one on the same cluster.

    `is_renaming` says that both are one Application of Argo CD, which gets another name.
    """

    source: Subject
    target: Subject
    is_renaming: bool = False


class Change(NamedTuple):
    """A change of one object of one application on one cluster.

    `identity` is the newer one (the older, where removed), `was` the older one where the object is renamed.
    A `moved` object leaves one application and comes in another, as `move` says: both have the same change, and its
    fields are the differences between the object of the one and that of the other.
    `api_versions` are before and after, empty where there is no object.  `fields` are what counts, `folded` the rest;
    `hunks` show `fields` (all of the object where it is added or removed).  `is_restart` says that the pods of a
    workload are replaced.  `summary` stands instead of hunks that nobody would read, such as those of a CRD.
    `unstable` are the indexes of fields that differ between two renders of the same revision: templates made them up.
    `touched` are changed files that the pair reads, where none is established as the cause.
    """

    subject: Subject
    what: Literal["added", "removed", "changed", "renamed", "moved"]
    identity: Identity
    was: Identity | None
    api_versions: tuple[str, str]
    source: str
    fields: tuple[Field, ...]
    folded: tuple[Folded, ...]
    hunks: tuple[Hunk, ...]
    dangers: tuple[Danger, ...] = ()
    causes: tuple[Cause, ...] = ()
    is_restart: bool = False
    summary: str = ""
    unstable: tuple[int, ...] = ()
    touched: tuple[str, ...] = ()
    move: Move | None = None


class Bump(NamedTuple):
    """Another version of an image, a chart or a tool on one side: `before` or `after` is empty on the side without one.

    `size` is `major`, `minor`, `patch`, `pin` (a tool) or empty where the versions tell nothing.
    """

    kind: Literal["image", "chart", "tool"]
    name: str
    before: str
    after: str
    size: str
    subject: Subject


class Failure(NamedTuple):
    """A pair that cannot be rendered: the lines of the error, and whether it could before this change.

    `needs_key` says that only the missing key is to blame.  `exit_code` is that of the error's kind.  `is_foreign` says
    that neither side is at fault but the run: a network, a key, a program that is not there.
    """

    subject: Subject
    lines: tuple[str, ...]
    is_new: bool
    needs_key: bool = False
    exit_code: int = 70
    is_foreign: bool = False


class Outcome(NamedTuple):
    """The result of the two renders of one pair.

    `status`: `equal` (rendered, and no difference), `changed`, `added` and `removed` (the pair itself), or `failed`.
    `causes` are the changed values of the pair, also those without effect.  `notes` are sentences about this pair.
    `findings` are those on objects of the newer side that the older one has not, `fixed` those that only the older one
    has; `unjudged` is what nothing judges of the objects that can have new ones.
    """

    subject: Subject
    status: Literal["equal", "changed", "added", "removed", "failed"]
    changes: tuple[Change, ...] = ()
    bumps: tuple[Bump, ...] = ()
    causes: tuple[Cause, ...] = ()
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    fixed: tuple[Finding, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()


class Delivery(NamedTuple):
    """The way in which an Application of Argo CD brings a pair to its cluster; `at_merge` is None where it is unknown.

    `at_merge` is true when it syncs by itself and follows the revision that the change is merged into.
    """

    subject: Subject
    application: str
    automated: bool
    prune: bool
    self_heal: bool
    target_revision: str
    at_merge: bool | None


class ApplicationChange(NamedTuple):
    """A change of an Application of Argo CD, beside what its manifests show.

    It is `added`, `removed`, `renamed` (`was` is the name before), `moved` to another cluster or namespace (`was` is
    the one before), or `changed` in its settings; or it `stays` as it is, whatever the change says of it.  `text` is
    the end of a sentence that begins with its name, `danger` the name of a rule where it deserves a second look.
    """

    subject: Subject
    application: str
    what: Literal["added", "removed", "renamed", "moved", "changed", "stays"]
    text: str
    was: str = ""
    danger: str = ""


class Member(NamedTuple):
    """A pair in a group, with its own values in the columns in which the group's members differ."""

    subject: Subject
    values: tuple[str, ...] = ()


class Part(NamedTuple):
    """An object of a lot: its change, and the pairs that have it so; `columns` are as in a group.

    `why` are sentences on what is otherwise than in most pairs of the lot with the same application.
    """

    change: Change
    members: tuple[Member, ...]
    columns: tuple[str, ...] = ()
    why: tuple[str, ...] = ()


class ObjectDifference(NamedTuple):
    """An object of an application that is not the same on a new cluster and on its sister.

    It is `added` where the new cluster alone has it, `removed` where the sister alone does; else `fields` are what is
    otherwise, from the sister's value to the new one's, with general terms such as `‹cluster›` for own texts of both.
    """

    identity: Identity
    what: Literal["added", "removed", "changed"]
    fields: tuple[Field, ...] = ()


class Likeness(NamedTuple):
    """A pair of a new cluster beside the pair of the same application on the sister of this cluster.

    `status`: `equal` (but for texts that are a cluster's own, and secrets), `different`, `missing` (on the sister),
    `failed` (it cannot be rendered there: `error`), `not-compared` (beyond the limit), or `not-rendered` (the new one).
    `secrets` counts the secret values that differ, `ciphertexts` those of which nothing else is known, without a key.
    `mentions` are the objects here in which the sister's name stands, and not that of their own cluster.  `same` are
    those that are as there, where others are not.
    """

    subject: Subject
    status: Literal["equal", "different", "missing", "failed", "not-compared", "not-rendered"]
    differences: tuple[ObjectDifference, ...] = ()
    secrets: int = 0
    ciphertexts: int = 0
    mentions: tuple[Identity, ...] = ()
    same: tuple[Identity, ...] = ()
    error: str = ""


class SisterCluster(NamedTuple):
    """The sister of new `clusters`, all `pairs` of these, and `others`, the applications of the sister alone."""

    name: str
    clusters: tuple[str, ...]
    pairs: tuple[Likeness, ...]
    others: tuple[str, ...] = ()


class Lot(NamedTuple):
    """All objects of pairs that come or go together, or objects that move between the same applications.

    `names` are those of the clusters or applications (of a move, from the first to the second) that `by` says.
    `pairs` are all pairs that come or go so, also those without an object and those that cannot be rendered.  `sisters`
    are those of clusters that come.
    """

    what: Literal["comes", "goes", "moves"]
    by: Literal["cluster", "application"]
    names: tuple[str, ...]
    pairs: tuple[Subject, ...]
    parts: tuple[Part, ...]
    sisters: tuple[SisterCluster, ...] = ()


class PartialCauses(NamedTuple):
    """Causes that are established for some members of a group alone, or the files that are touched for these alone."""

    subjects: tuple[Subject, ...]
    causes: tuple[Cause, ...]
    touched: tuple[str, ...] = ()


class Group(NamedTuple):
    """The same change in several pairs, shown once.

    `letter` is A, B, …, AA.  `change` is that of the first member.  With `columns` (paths) the members have different
    values there, which `members` tell; without, all is equal but for what is a cluster's own (its name, its domain) and
    what is an application's own: `app` is `‹app›` where the members are of several.  `differs_from` is the letter of
    the group that most pairs of the same application and object are in; `why` are sentences on why these are not.
    With a `lot` the group stands for all changes of its parts, and `change` is the first of them.  The causes of
    `change` are those of all members; `partial_causes` hold for some of them.
    """

    letter: str
    app: str
    change: Change
    members: tuple[Member, ...]
    columns: tuple[str, ...] = ()
    differs_from: str = ""
    why: tuple[str, ...] = ()
    lot: Lot | None = None
    partial_causes: tuple[PartialCauses, ...] = ()


class ChartNote(NamedTuple):
    """An entry of a chart's own list of changes (`artifacthub.io/changes`); `kind` is empty where it names none."""

    kind: str
    text: str
    links: tuple[str, ...] = ()


class ChartDefinition(NamedTuple):
    """A CustomResourceDefinition in the folder crds/ of a chart that came, went or changed.

    `text` says what of it is no longer there.  `is_rendered` says that it is among the rendered objects, too, so that
    Argo CD applies the change; one that is not has to be brought to the cluster by somebody else.
    """

    name: str
    what: Literal["added", "removed", "changed"]
    text: str
    is_rendered: bool


class ChartDefault(NamedTuple):
    """A default value of a chart that came, went or changed, by its path from the chart's own values.

    `before` and `after` are JSON, cut where it is long; empty on the side without it.  `overrides` are the places of
    this repository that set it, something in it or all around it.  `misfits` are those of them that set another shape
    (a map, a list, a single value) than the default has since.
    """

    path: tuple[str, ...]
    what: Literal["added", "removed", "changed"]
    before: str
    after: str
    overrides: tuple[str, ...] = ()
    misfits: tuple[str, ...] = ()


class ChartBumpDetails(NamedTuple):
    """The difference between two versions of a chart, as the charts themselves tell it.

    `notes` are the changes of the version `noted` alone, the weightiest kinds first; `is_next` says that none can lie
    between the two.  `deprecated` is `new`, `kept` or empty.  `kube_versions` are the constraints before and after, and
    `unmet` the pairs whose cluster does not meet the newer one, though helm renders (it asks the outermost chart
    alone).  `defaults` come in the order of their weight: gone or misfitting under an override, overridden, gone,
    others; `more_defaults` counts what is left out.  `keys` are the places of the chart's values in those of the chart
    that is rendered, where they moved.  `disabled` are pairs in which a condition or tag leaves the chart out.
    `remarks` are sentences about what could not be read.
    """

    noted: str = ""
    notes: tuple[ChartNote, ...] = ()
    is_next: bool = False
    deprecated: Literal["", "new", "kept"] = ""
    has_security_updates: bool = False
    is_prerelease: bool = False
    kube_versions: tuple[str, str] = ("", "")
    unmet: tuple[Subject, ...] = ()
    definitions: tuple[ChartDefinition, ...] = ()
    defaults: tuple[ChartDefault, ...] = ()
    more_defaults: int = 0
    keys: tuple[str, ...] = ()
    disabled: tuple[Subject, ...] = ()
    remarks: tuple[str, ...] = ()


class BumpLine(NamedTuple):
    """The same bump in several pairs; `is_without_effect` says that the manifests are equal all the same.

    `details` are what both versions of a chart tell: one for each chart that is called so, nothing for other bumps.
    """

    bump: Bump
    subjects: tuple[Subject, ...]
    is_without_effect: bool = False
    details: tuple[ChartBumpDetails, ...] = ()


class DangerLine(NamedTuple):
    """The same danger in several pairs: `where` names the object, as in `PersistentVolumeClaim shop/data`."""

    danger: Danger
    where: str
    subjects: tuple[Subject, ...]


class FindingLine(NamedTuple):
    """The same finding in several pairs."""

    finding: Finding
    subjects: tuple[Subject, ...]


class Findings(NamedTuple):
    """The findings of a comparison whose objects are judged: those of the newer side alone, and of the older alone.

    `unjudged` is what nothing judges of the objects that can have new ones, over all pairs.
    """

    new: tuple[FindingLine, ...]
    fixed: tuple[FindingLine, ...]
    unjudged: tuple[Unjudged, ...]


class Noise(NamedTuple):
    """The number of differences that one rule folded."""

    rule: str
    folded: int


class Unowned(NamedTuple):
    """A changed file that belongs to no pair, and what follows from that; `rule` ignored it, empty where none did."""

    path: str
    rule: str
    consequence: str


class LeftOut(NamedTuple):
    """Things that are not compared for one reason, which `text` says, by their names.

    `reached` are those that the change may reach: of the others nothing can be another one because of it.  `files` are
    the changed files that they may read.
    """

    noun: Literal["Application", "ApplicationSet", "chart", "file", "pair"]
    names: tuple[str, ...]
    reached: tuple[str, ...]
    text: str
    files: tuple[str, ...] = ()


class UnreadValue(NamedTuple):
    """A key that a change adds to a values file, or changes there, and that nothing reads.

    `path` is its path in the values.  `hint` is the end of a sentence: the key that may be meant, or what a schema
    says; it may be empty.  `subjects` are all pairs that have the file as a layer.
    """

    place: str
    path: tuple[str, ...]
    hint: str
    subjects: tuple[Subject, ...]


class Revision(NamedTuple):
    """A side of the comparison: what it was called (`merge base of main`), and the full commit; empty: a work tree.

    One that `is_live` is what runs in a cluster.
    """

    name: str
    commit: str
    is_live: bool = False


class Supposition(NamedTuple):
    """A version that the newer side has by supposition: nobody has edited a file.

    `text` names it (`helm 4.3.2`), `places` are the lines that are edited for it, from the root.  `remark` is a
    sentence on what else would have to be another one; empty for nothing.
    """

    text: str
    places: tuple[str, ...]
    remark: str = ""


class Counts(NamedTuple):
    """The numbers of pairs: on either side, touched by a changed file, and rendered.

    `clusters` is how many clusters there are on either side; 0 where it is not told.
    """

    pairs: int
    touched: int
    effective: int
    rendered: int
    clusters: int = 0


class Report(NamedTuple):
    """The whole result; every view shows a part of it, JSON all of it.

    `groups` come largest first (pairs, then danger, then size).  `outcomes` are those of all rendered pairs.
    `restarts` counts workloads whose pods are replaced.  `notes` are sentences for the footer.  `applications` are
    changes of Argo CD's Applications themselves.  `left_out` is all that is not in this report.  `findings` are None
    where rendered objects are not judged.  With `suppositions` the newer side is the older one with other versions.
    """

    base: Revision
    head: Revision
    counts: Counts
    outcomes: tuple[Outcome, ...]
    groups: tuple[Group, ...]
    failures: tuple[Failure, ...]
    dangers: tuple[DangerLine, ...]
    bumps: tuple[BumpLine, ...]
    noise: tuple[Noise, ...]
    deliveries: tuple[Delivery, ...]
    unowned: tuple[Unowned, ...]
    restarts: int
    notes: tuple[str, ...]
    applications: tuple[ApplicationChange, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    unread: tuple[UnreadValue, ...] = ()
    findings: Findings | None = None
    suppositions: tuple[Supposition, ...] = ()

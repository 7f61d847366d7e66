"""Synthetic Reports, from parts that read like a real repository's."""

from __future__ import annotations

from cmp.changes import (
    Bump,
    BumpLine,
    Cause,
    Change,
    ChartBumpDetails,
    ChartDefault,
    ChartDefinition,
    ChartNote,
    Counts,
    Danger,
    DangerLine,
    Delivery,
    Failure,
    Field,
    FindingLine,
    Findings,
    Folded,
    Group,
    Hunk,
    Member,
    Noise,
    Outcome,
    Report,
    Revision,
    Subject,
    Unowned,
)
from cmp.findings import Finding, Unjudged
from cmp.model import Identity

BASE = Revision("merge base of main", "9b1e44a0c7d2f1e5b6a798081726354433221100")
HEAD = Revision("", "d07c2f1e5b6a7980817263544332211009b1e44a")
EMPTY = Report(BASE, HEAD, Counts(640, 0, 0, 0, 16), (), (), (), (), (), (), (), (), 0, ())
REPLICAS = Cause("common/storefront.yaml:18", ("replicas",), 3, 5)
LABEL = Folded("chart-labels", Field(("metadata", "labels", "helm.sh/chart"), "changed", "web-1.0.0", "web-1.1.0"))
GONE = Danger("removed-storage", "is removed, and its data with it")


PROBE = Finding(
    rule="unknown-field",
    level="error",
    api_version="apps/v1",
    identity=Identity("apps", "Deployment", "shop", "web"),
    path=("spec", "template", "spec", "containers", "[0]", "livenessProb"),
    message="is not a known field: did you mean `livenessProbe`?",
)


def found(*lines: FindingLine, fixed: int = 0, unjudged: int = 0, start: Report = EMPTY) -> Report:
    """Return a Report whose objects are judged, with these new findings."""
    mended = FindingLine(PROBE._replace(path=("spec", "replica")), (Subject("web", "dev-01", "dev"),))
    what = (Unjudged("Certificate of cert-manager.io: no schema of it is at hand", unjudged),) if unjudged else ()
    counts = start.counts._replace(rendered=max(start.counts.rendered, 1))
    return start._replace(counts=counts, findings=Findings(lines, (mended,) * fixed, what))


def subjects(app: str, **environments: int) -> list[Subject]:
    """Return pairs such as `storefront` on `prod-01`."""
    return [
        Subject(app, f"{environment}-{number:02}", environment)
        for environment, count in environments.items()
        for number in range(1, count + 1)
    ]


def hunk(before: str, after: str, *keys: str) -> Hunk:
    """Return a hunk in which one line differs, below its keys."""
    lead = [f" {'  ' * depth}{key}:" for depth, key in enumerate(keys)]
    indent = "  " * len(keys)
    return Hunk((*lead, f"-{indent}{before}", f"+{indent}{after}"), (0,))


def change(subject: Subject, kind: str, name: str, *hunks: Hunk, **more: object) -> Change:
    """Return a changed object, its fields made up of its hunks."""
    identity = Identity("apps", kind, "shop", name)
    field = Field(("spec", "replicas"), "changed", 3, 5)
    made = Change(
        subject, "changed", identity, None, ("apps/v1", "apps/v1"), f"templates/{kind.lower()}.yaml",
        (field,) * len(hunks), (), hunks,
    )  # fmt: skip
    return made._replace(**more)  # type: ignore[arg-type]


def group(letter: str, first: Change, members: list[Subject], **more: object) -> Group:
    made = Group(letter, first.subject.app, first, tuple(Member(subject) for subject in members))
    return made._replace(**more)  # type: ignore[arg-type]


def report(groups: list[Group], **more: object) -> Report:
    """Return a Report in which the pairs of the groups, and no others, change."""
    changes: dict[Subject, list[Change]] = {}
    for each in groups:
        for member in each.members:
            changes.setdefault(member.subject, []).append(each.change._replace(subject=member.subject))
    outcomes = tuple(Outcome(subject, "changed", tuple(found)) for subject, found in changes.items())
    clusters = len({subject.cluster for subject in changes})
    counts = Counts(640, len(outcomes), len(outcomes), len(outcomes), clusters + 2)
    restarts = sum(len(each.members) for each in groups if each.change.is_restart)
    made = EMPTY._replace(counts=counts, outcomes=outcomes, groups=tuple(groups), restarts=restarts)
    return made._replace(**more)  # type: ignore[arg-type]


def failing(made: Report, *failures: Failure) -> Report:
    """Return the Report with pairs that cannot be rendered."""
    outcomes = tuple(Outcome(failure.subject, "failed", failures=(failure,)) for failure in failures)
    return made._replace(outcomes=made.outcomes + outcomes, failures=failures)


def delivered(members: list[Subject], *, at_merge: bool | None, revision: str = "main") -> tuple[Delivery, ...]:
    return tuple(
        Delivery(
            subject,
            f"{subject.app}-{subject.cluster}",
            automated=at_merge is not False or revision != "main",
            prune=False,
            self_heal=True,
            target_revision=revision,
            at_merge=at_merge,
        )
        for subject in members
    )


SCALE = hunk("replicas: 3", "replicas: 5", "spec")
DSN = Hunk(
    (
        " spec:",
        "   template:",
        "     spec:",
        "       containers:",
        "       - name: web",
        "         env:",
        "         - name: DB_DSN",
        "-          value: postgres://shop:‹secret 1›@db.‹cluster›.internal/shop",
        "+          value: postgres://shop:‹secret 2›@db.‹cluster›.internal/shop",
    ),
    (1,),
)


def one_cluster() -> Report:
    """Return a single change on one cluster, delivered when it is merged."""
    (subject,) = subjects("storefront", prod=1)
    made = change(subject, "Deployment", "web", SCALE, causes=(REPLICAS,))
    return report([group("A", made, [subject])], deliveries=delivered([subject], at_merge=True))


def many(dev: int, stg: int, prod: int) -> Report:
    """Return a common change on all clusters with everything that a report can have."""
    everywhere = subjects("storefront", dev=dev, stg=stg, prod=prod)
    *pattern, odd = everywhere
    billing = subjects("billing", stg=stg)
    web = change(
        everywhere[0], "Deployment", "web", SCALE, DSN, causes=(REPLICAS,), is_restart=True, folded=(LABEL, LABEL)
    )
    alone = change(odd, "Deployment", "web", DSN, folded=(LABEL, LABEL))
    claim = change(
        billing[0], "PersistentVolumeClaim", "data", what="removed", dangers=(GONE,), api_versions=("v1", "")
    )
    claim = claim._replace(
        hunks=(Hunk(("-apiVersion: v1", "-kind: PersistentVolumeClaim", "-metadata:", "-  name: data"), ()),)
    )
    quota = change(billing[0], "ConfigMap", "limits", hunk("max: 10", "max: 20", "data"))
    quota = quota._replace(fields=(Field(("data", "max"), "changed", "10", "20"),), unstable=(0,))
    why = "`clusters/prod/storefront.yaml:4` sets `replicas` to 12, so the common change has no effect here."
    groups = [
        group("A", web, pattern),
        group("B", alone, [odd], differs_from="A", why=(why,)),
        group("C", claim, billing),
        Group(
            "D",
            "billing",
            quota,
            tuple(Member(s, (f"{9 + n % 3} → 20",)) for n, s in enumerate(billing)),
            ("data.max",),
        ),
    ]
    made = report(
        groups,
        dangers=(DangerLine(GONE, "PersistentVolumeClaim shop/data", tuple(billing)),),
        bumps=(
            BumpLine(Bump("image", "shop/web", "8.2.0", "8.2.1", "patch", everywhere[0]), tuple(everywhere)),
            BumpLine(Bump("chart", "redis-ha", "4.9.1", "5.0.0", "major", billing[0]), tuple(billing[:1])),
            BumpLine(
                Bump("tool", "helm", "3.16.4", "3.18.0", "pin", billing[0]), tuple(billing), is_without_effect=True
            ),
        ),
        noise=(Noise("chart-labels", 2 * len(everywhere)), Noise("checksum", len(billing))),
        deliveries=(
            *delivered(pattern, at_merge=True),
            *delivered([odd], at_merge=False, revision="v1.4.0"),
            *delivered(billing[:1], at_merge=False),
        ),
        unowned=(
            Unowned("docs/notes.md", "*.md", "it cannot change a manifest"),
            Unowned("charts/old/x.yaml", "", "no application uses it, so all pairs were rendered"),
        ),
        notes=("API versions of `prod-01` are not known: capabilities may differ.",),
    )
    swallowed = Outcome(
        odd, "changed", (alone,), causes=(REPLICAS._replace(overridden_by="clusters/prod/storefront.yaml:4"),)
    )
    made = made._replace(outcomes=tuple(swallowed if each.subject == odd else each for each in made.outcomes))
    message = (
        'helm: required value "tax.region" is missing',
        "  at clusters/osaka-dr/billing.yaml",
        "  set tax.region",
    )
    return failing(
        made,
        Failure(Subject("billing", "kobe-dr", "prod"), ("helm: chart `tax` has no version 9",), is_new=False),
        Failure(Subject("billing", "osaka-dr", "prod"), message, is_new=True),
        Failure(Subject("vault", "prod-01", "prod"), ("sops: no key",), is_new=False, needs_key=True),
    )


def wide(apps: int) -> Report:
    """Return as many applications as are asked for, each changed in its own way on two clusters."""
    found = []
    for number in range(apps):
        members = subjects(f"app-{number}", dev=1, prod=1)
        found.append(group(letters(number), change(members[0], "Deployment", "web", SCALE, DSN), members))
    return report(found)


def letters(number: int) -> str:
    """Return A, B, …, Z, AA."""
    return (letters(number // 26 - 1) if number >= 26 else "") + chr(ord("A") + number % 26)


NASTY = "@team #12 <b>|`x`|</b> [l](http://e.example) *a* _b_ \x1b[31m\u202e日本語 GH-7 !3 &amp; --> $x$ 漢字\n/close"


def _nasty_details(subject: Subject) -> ChartBumpDetails:
    default = ChartDefault((NASTY, "a"), "changed", f'"{NASTY}"', f"[{NASTY}", (NASTY,), (NASTY,))
    return ChartBumpDetails(
        noted=NASTY,
        notes=(ChartNote("security", NASTY, (NASTY, "javascript:alert(1)")), ChartNote(NASTY, NASTY)),
        deprecated="new",
        kube_versions=("", NASTY),
        unmet=(subject,),
        definitions=(ChartDefinition(NASTY, "changed", f"no longer serves `{NASTY}`", is_rendered=False),),
        defaults=(default, default._replace(misfits=()), default._replace(overrides=(), misfits=())),
        more_defaults=1,
        keys=(NASTY, ""),
        disabled=(subject,),
        remarks=(f"`{NASTY}` is not compared",),
    )


def nasty() -> Report:
    """Return a Report in which every text that is not ours is hostile."""
    subject = Subject(NASTY, NASTY, NASTY)
    field = Field((NASTY, "a.b", "[0]"), "changed", NASTY, "")
    danger = Danger(NASTY, NASTY)
    made = change(
        subject, NASTY, NASTY, Hunk((f"-{NASTY}", f"+{'`' * 9} {NASTY}"), (0,)), api_versions=(NASTY, "v2"),
        fields=(field,), folded=(Folded(NASTY, field),), dangers=(danger,), source=NASTY, unstable=(0,),
        causes=(Cause(NASTY, (NASTY,), NASTY, None, NASTY),), what="renamed", was=Identity(NASTY, NASTY, NASTY, NASTY),
    )  # fmt: skip
    members = (Member(subject, (NASTY,)),)
    found = Group("A", NASTY, made, members, (NASTY,), "A", (NASTY,))
    whole = report(
        [found],
        base=Revision(NASTY, ""),
        dangers=(DangerLine(danger, NASTY, (subject,)),),
        bumps=(
            BumpLine(Bump("image", NASTY, NASTY, NASTY, "major", subject), (subject,)),
            BumpLine(Bump("chart", NASTY, NASTY, NASTY, "", subject), (subject,), details=(_nasty_details(subject),)),
        ),
        noise=(Noise(NASTY, 1),),
        deliveries=delivered([subject], at_merge=False, revision=NASTY),
        unowned=(Unowned(NASTY, NASTY, NASTY),),
        notes=(NASTY,),
        findings=Findings(
            (
                FindingLine(
                    Finding(NASTY, "error", NASTY, made.identity, (NASTY, "[0]"), NASTY, NASTY, NASTY, 1), (subject,)
                ),
            ),
            (),
            (Unjudged(NASTY, 1),),
        ),
    )
    whole = whole._replace(outcomes=tuple(each._replace(notes=(NASTY,), causes=made.causes) for each in whole.outcomes))
    return failing(whole, Failure(subject, (NASTY, NASTY), is_new=True))

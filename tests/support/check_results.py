"""Synthetic results of a check, from parts that read like a real repository's."""

from __future__ import annotations

from cmp.changes import Subject
from cmp.findings import Finding, Unjudged
from cmp.model import Identity
from cmp.report.findings.result import FailedPair, FoundOn, NotJudged, PassedOver, Result, UnusedSkip

EVIL = "\x1b[31m\u202e]]>&<'\"%,:\n::error::no"
SHOP_DEV, SHOP_PROD = Subject("shop", "dev", "dev"), Subject("shop", "prod", "prod")
TILL_DEV = Subject("till", "dev", "dev")


def finding(rule: str = "schema", level: str = "error", **changes: object) -> Finding:
    """Return a finding on a Deployment."""
    made = Finding(
        rule,
        "error",
        "apps/v1",
        Identity("apps", "Deployment", "shop", "web"),
        ("spec", "replicas"),
        "is text, not a whole number",
        source="shop/templates/web.yaml",
        file="namespaces/shop/templates/web.yaml",
    )
    return made._replace(level=level, **changes)  # type: ignore[arg-type]


EMPTY = Result(pairs=(SHOP_DEV,), objects=12, judged=12)
USUAL = Result(
    pairs=(SHOP_DEV, SHOP_PROD, TILL_DEV),
    objects=1412,
    judged=1400,
    findings=(
        FoundOn(finding(line=18, file="clusters/dev/shop/values.yaml"), (SHOP_DEV,)),
        FoundOn(finding("unknown-kind", path=(), message="is not served by Kubernetes 1.33"), (SHOP_DEV, SHOP_PROD)),
        FoundOn(
            finding("deprecated-api", "warning", path=("apiVersion",), message="is deprecated", file=""),
            (SHOP_DEV, SHOP_PROD),
        ),
        FoundOn(finding("policy/RequiredLabels/owner", "note", path=(), message="has no owner"), (SHOP_PROD,)),
    ),
    passed_over=(PassedOver(FoundOn(finding("value"), (SHOP_DEV,)), "the operator writes it", "cmp.yaml:30:7"),),
    unused_skips=(UnusedSkip("rule value, kind Pod", "cmp.yaml:31:7"),),
    not_judged=(NotJudged(Unjudged("CEL rules of CRDs", 3), ("dev", "prod")),),
    unversioned=("lab",),
    failures=(FailedPair(TILL_DEV, ("cmp: helm failed", "  where: till"), 7),),
    notes=("policies select namespaces by labels, which are not known here",),
)
NASTY = Result(
    pairs=(Subject(EVIL, EVIL),),
    objects=1,
    judged=1,
    findings=(
        FoundOn(
            finding(
                f"policy/{EVIL}/x",
                identity=Identity("apps", EVIL, EVIL, EVIL),
                path=(EVIL, "[0]"),
                message=f"is {EVIL}",
                file=f"a b%/{EVIL}ü.yaml",
                line=3,
            ),
            (Subject(EVIL, EVIL),),
        ),
    ),
    passed_over=(PassedOver(FoundOn(finding(message=EVIL), (SHOP_DEV,)), EVIL, EVIL),),
    unused_skips=(UnusedSkip(EVIL, EVIL),),
    not_judged=(NotJudged(Unjudged(EVIL, 1), (EVIL,)),),
    unversioned=(EVIL,),
    failures=(FailedPair(Subject(EVIL, "x"), (EVIL, EVIL), 8),),
    notes=(EVIL,),
)

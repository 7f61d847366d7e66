"""The whole report from outcomes: what is said once, in which order, and how secrets are called."""

from __future__ import annotations

from cmp.changes import (
    Bump,
    BumpLine,
    Counts,
    Danger,
    DangerLine,
    Delivery,
    Failure,
    Noise,
    Outcome,
    Report,
    Revision,
    Unowned,
)
from cmp.preview.diff import Frame, report
from cmp.preview.labels import number_secrets, own_texts
from cmp.preview.sides import Side
from tests.support.monorepos import git_tree
from tests.support.outcomes import config, deployment, outcome_of, subject_of
from tests.support.trees import REFERENCE

FRAME = Frame(Revision("merge base of main", "9b1e44a"), Revision("HEAD", "d07c2f1"), Counts(9, 3, 2, 2))


def _report(*outcomes: Outcome, frame: Frame = FRAME) -> Report:
    tokens = {outcome.subject.cluster: {outcome.subject.cluster: "‹cluster›"} for outcome in outcomes}
    return report(frame, outcomes, tokens)


def _failed(cluster: str, *, is_new: bool, needs_key: bool = False) -> Outcome:
    subject = subject_of(cluster)
    failure = Failure(subject, ("helm failed",), is_new, needs_key)
    return Outcome(subject, "failed", failures=(failure,))


def _bumped(cluster: str, *bumps: tuple[str, str, str, str], app: str = "storefront", status: str = "equal") -> Outcome:
    subject = subject_of(cluster, app)
    found = tuple(Bump(kind, name, before, after, "pin", subject) for kind, name, before, after in bumps)  # type: ignore[arg-type]
    return Outcome(subject, status, bumps=found)  # type: ignore[arg-type]


def test_nothing_is_a_report_too() -> None:
    nothing = Report(*FRAME[:3], (), (), (), (), (), (), (), (), 0, ())
    assert _report() == nothing


def test_what_is_only_handed_on_is_in_order() -> None:
    deliveries = [
        Delivery(
            subject_of(f"c-{n}"),
            "web",
            automated=True,
            prune=True,
            self_heal=True,
            target_revision="main",
            at_merge=None,
        )
        for n in (10, 2)
    ]
    unowned = [Unowned(path, "", "everything is rendered") for path in ("b", "a")]
    outcomes = [outcome_of(f"c-{n}", "", "") for n in (10, 2)]
    found = _report(*outcomes, frame=Frame(*FRAME[:3], tuple(deliveries), tuple(unowned), ("A note.",)))
    assert found.deliveries == tuple(reversed(deliveries))
    assert found.unowned == tuple(reversed(unowned))
    assert found.outcomes == tuple(reversed(outcomes))
    assert found.notes == ("A note.",)
    assert found[:3] == FRAME[:3]


def test_new_failures_come_first_and_missing_keys_last() -> None:
    found = _report(
        _failed("a", is_new=False),
        _failed("b", is_new=True, needs_key=True),
        _failed("d", is_new=True),
        _failed("c", is_new=True),
        _failed("e", is_new=False, needs_key=True),
    )
    assert [failure.subject.cluster for failure in found.failures] == ["c", "d", "b", "a", "e"]


def test_the_same_danger_is_one_line_the_most_severe_first() -> None:
    ingress = "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: web}}, spec: {{rules: [{}]}}}}"
    outcomes = [
        outcome_of(name, ingress.format(f"{{host: {name}.test}}") + deployment(1), ingress.format("") + deployment(0))
        for name in ("prod-1", "prod-2", "prod-3")
    ]
    outcomes.append(outcome_of("dev-1", ingress.format("{host: other.test}"), ingress.format("")))
    outcomes.append(outcome_of("dev-2", ingress.format("{host: dev-2.test}"), "", app="billing"))
    subjects = tuple(outcome.subject for outcome in outcomes)
    assert _report(*reversed(outcomes)).dangers == (
        DangerLine(
            Danger("replicas-zero", "goes from 1 to 0 replicas: nothing of it runs any more"),
            "Deployment shop/web",
            subjects[:3],
        ),
        DangerLine(
            Danger("host-removed", "no longer answers for `‹cluster›.test`"),
            "Ingress web",
            (subjects[4], *subjects[:3]),
        ),
        DangerLine(Danger("host-removed", "no longer answers for `other.test`"), "Ingress web", subjects[3:4]),
    )


def test_a_danger_of_one_pair_has_its_own_names() -> None:
    (line,) = _report(outcome_of("prod-1", deployment(1, name="prod-1"), deployment(0, name="prod-1"))).dangers
    assert line.where == "Deployment shop/prod-1"


def test_the_same_bump_is_one_line_but_not_where_it_is_without_effect() -> None:
    helm, image = ("tool", "helm", "3.16.4", "3.18.0"), ("image", "shop/web", "8.2.0", "8.2.1")
    outcomes = [
        _bumped("prod-2", helm),
        _bumped("prod-1", helm, app="billing"),
        _bumped("prod-1", helm, image, status="changed"),
    ]
    one, other = (Bump(*bump, "pin", outcomes[2].subject) for bump in (image, helm))  # type: ignore[arg-type]
    first = other._replace(subject=outcomes[1].subject)
    assert _report(*outcomes).bumps == (
        BumpLine(one, (outcomes[2].subject,)),
        BumpLine(other, (outcomes[2].subject,)),
        BumpLine(first, (outcomes[1].subject, outcomes[0].subject), is_without_effect=True),
    )


LABELLED = """
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: shop, labels: {{helm.sh/chart: web-{0}, app.kubernetes.io/version: '{0}'}}}}
spec: {{template: {{metadata: {{labels: {{helm.sh/chart: web-{0}}}}}}}}}
"""


def test_noise_is_counted_by_rule_and_restarts_with_it() -> None:
    outcomes = [outcome_of(f"prod-{n}", LABELLED.format("1.0.0"), LABELLED.format("1.0.1")) for n in range(5)]
    outcomes.append(outcome_of("dev-1", deployment(3, env="a"), deployment(3, env="b"), app="billing"))
    found = _report(*outcomes)
    assert found.noise == (Noise("chart-labels", 15),)
    assert found.restarts == 6
    assert [group.app for group in found.groups] == ["billing"]
    (note,) = found.notes
    assert note == (
        "`Deployment shop/web` of storefront restarts on `prod-0`, `prod-1`, `prod-2` and 2 more: "
        "what changes in it is folded (chart-labels)."
    )


def test_rules_are_ordered_by_how_much_they_fold() -> None:
    old, new = "2456789bcd", "fghkmt2456"
    before, after = ("".join(config(f"a: {hashed}-", f"{name}-{hashed}") for name in "abcd") for hashed in (old, new))
    labels = LABELLED.format("1.0.0"), LABELLED.format("1.0.1")
    found = _report(outcome_of("c", before + labels[0], after + labels[1]))
    assert found.noise == (Noise("hash-name", 4), Noise("chart-labels", 3))


def _label(digit: str) -> str:
    return f"‹secret {digit * 12}›"


def test_secrets_are_numbered_in_the_order_of_reading() -> None:
    failure = Failure(subject_of("z"), (f"helm: {_label('c')}",), is_new=True)
    before, after = (deployment(3, env=f"x:{_label(digit)}:{_label('c')}") for digit in ("b", "a"))
    outcomes = [outcome_of("prod-1", before, after), Outcome(failure.subject, "failed", failures=(failure,))]
    found = _report(*outcomes)
    assert found.failures[0].lines == ("helm: ‹secret 1›",)
    gone, new = found.groups[0].change.hunks[0].lines[-2:]
    assert "x:‹secret 2›:‹secret 1›" in gone
    assert "x:‹secret 3›:‹secret 1›" in new
    assert found.groups[0].change.fields[0][2:] == ("x:‹secret 2›:‹secret 1›", "x:‹secret 3›:‹secret 1›")
    assert found.outcomes[0].changes == (found.groups[0].change,)


def test_lines_are_read_before_the_values_that_they_show() -> None:
    (group,) = _report(outcome_of("prod-1", "", config(f"z: {_label('b')}, a: {_label('c')}"))).groups
    first, second = (line for line in group.change.hunks[0].lines if "secret" in line)
    assert ("‹secret 1›" in first, "‹secret 2›" in second) == (True, True)
    (field,) = group.change.fields
    assert isinstance(field.after, dict)
    assert field.after["data"] == {"z": "‹secret 2›", "a": "‹secret 1›"}


def test_keys_of_maps_are_numbered_too() -> None:
    (group,) = _report(outcome_of("prod-1", "", config(f'"a{_label("f")}": {_label("e")}'))).groups
    (field,) = group.change.fields
    assert isinstance(field.after, dict)
    assert field.after["data"] == {"a‹secret 1›": "‹secret 2›"}


def test_labels_that_are_paths_and_words_that_are_none_stay() -> None:
    found = _report(outcome_of("prod-1", config("a: ‹sops data.a›"), config("a: ‹secret db.password› secret aa")))
    assert found.groups[0].change.fields[0][2:] == ("‹sops data.a›", "‹secret db.password› secret aa")


def test_a_numbered_report_stays_as_it_is() -> None:
    found = _report(outcome_of("prod-1", deployment(env=_label("a")), deployment(env=_label("b"))))
    assert number_secrets(found) == found


def test_the_texts_that_are_a_clusters_own_are_its_name_its_servers_host_and_its_facts() -> None:
    clusters = "{dev: {server: 'https://dev.example.test:6443', env: test}, prod: {}}"
    side = Side(git_tree({**REFERENCE, "cmp.yaml": f"version: 1\nclusters: {clusters}\n"}))
    assert own_texts([side]) == {
        "dev": {"test": "‹env›", "dev.example.test": "‹server›", "dev": "‹cluster›"},
        "prod": {"prod": "‹cluster›"},
    }

"""The matrix: a row for each application, a column for each cluster or environment, letters of groups in the cells."""

from __future__ import annotations

from cmp.changes import Outcome
from cmp.report import FORMATS, Options
from cmp.report.document import Limits, Table, plain
from cmp.report.matrix import matrix
from tests.support import reports


def test_cells_have_the_letters_of_the_groups() -> None:
    everywhere = reports.subjects("storefront", dev=1, prod=2)
    change = reports.change(everywhere[0], "Deployment", "web", reports.SCALE)
    groups = [
        reports.group("A", change, everywhere),
        reports.group("B", change, everywhere[1:2], differs_from="A"),
        reports.group("C", change, everywhere[2:]),
    ]
    section = matrix(reports.report(groups), Limits(items=10, names=10, lines=10))
    assert section is not None
    table, legend = section.blocks
    assert isinstance(table, Table)
    assert [[plain(cell) for cell in row] for row in (table.head, *table.rows)] == [
        ["app", "dev-01", "prod-01", "prod-02"],
        ["storefront", "A", "A, B", "A, C"],
    ]
    assert "Letters are the changes below" in str(legend)


def test_nothing_rendered_is_no_matrix() -> None:
    assert matrix(reports.EMPTY, Limits(items=10, names=10, lines=10)) is None


def test_matrix_of_many_applications_has_only_those_that_stand_out() -> None:
    made = reports.failing(reports.wide(60), *reports.many(2, 1, 2).failures)
    shown = FORMATS["text"](made, Options())
    table = shown.split("Who changes\n")[1].split("\n\n")[0]
    assert table.splitlines()[0].split() == ["app", "dev-01", "kobe-dr", "osaka-dr", "prod-01"]
    assert [row.split()[0] for row in table.splitlines()[1:3]] == ["billing", "vault"]
    assert "60 more apps without outlier, danger or failure." in table


def test_matrix_of_many_applications_that_are_all_alike_is_their_number() -> None:
    assert "Who changes\n  60 apps without outlier, danger or failure.\n\n" in FORMATS["text"](
        reports.wide(60), Options()
    )


def test_matrix_of_more_outliers_than_there_is_room_for_counts_them() -> None:
    made = reports.wide(60)
    odd = tuple(group._replace(differs_from="ZZ") for group in made.groups[:50])
    shown = FORMATS["markdown"](made._replace(groups=odd + made.groups[50:]), Options())
    assert "10 more apps with an outlier, a danger or a failure.\n\n10 more apps without outlier" in shown


def test_matrix_tells_what_has_no_letter() -> None:
    made = reports.many(2, 1, 2)
    (equal, folded), rest = made.outcomes[:2], made.outcomes[2:]
    folded = folded._replace(changes=(made.groups[0].change,))
    outcomes = (equal._replace(status="equal", changes=()), folded, *rest)
    groups = tuple(group._replace(members=group.members[2:]) for group in made.groups[:1])
    shown = FORMATS["text"](made._replace(outcomes=outcomes, groups=groups), Options())
    assert "  storefront  =       ~       –        –         A        ~        A\n" in shown
    assert "❌ not rendered · ~ only what is folded · = no difference · – nothing rendered\n" in shown


def test_matrix_has_no_row_for_what_stays_as_it_is() -> None:
    made = reports.one_cluster()
    equal = tuple(Outcome(subject, "equal") for subject in reports.subjects("batch", prod=2))
    shown = FORMATS["text"](made._replace(outcomes=made.outcomes + equal), Options())
    assert "  app         prod-01  prod-02\n  storefront  A        –\n" in shown
    assert "\n  1 more app without a difference.\n" in shown
    shown = FORMATS["text"](reports.EMPTY._replace(outcomes=equal), Options())
    assert "Who changes\n  1 app without a difference.\n" in shown


def test_matrix_of_many_clusters_without_environment_counts() -> None:
    members = [subject._replace(environment="") for subject in reports.subjects("storefront", prod=31)]
    made = reports.report([reports.group("A", reports.change(members[0], "Deployment", "web", reports.SCALE), members)])
    assert "  app         clusters (31)\n  storefront  A ×31\n" in FORMATS["text"](made, Options())  # noqa: RUF001

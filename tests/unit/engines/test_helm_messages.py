"""The stderr of helm: warnings and the error of every version told apart.  The texts are those that it printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cmp.engines.helm_messages import part, unframed
from tests.support.repository import Repository
from tests.support.versions import DEFAULT_HELM

if TYPE_CHECKING:
    from tests.support.harness import Sandbox

CRASH = ("panic: runtime error: index out of range [1] with length 1", "goroutine 1 [running]:")


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("WARNING: This chart is deprecated", "This chart is deprecated"),
        (
            "coalesce.go:286: warning: skipped value for app.hosts: Not a table.",
            "skipped value for app.hosts: Not a table.",
        ),
        ("walk.go:74: found symbolic link in path: a", "found symbolic link in path: a"),
        ("W1130 10:00:00.000000       7 warnings.go:70] unknown field", "unknown field"),
        ("Flag --atomic has been deprecated, use --wait", "Flag --atomic has been deprecated, use --wait"),
        ('level=WARN msg="this chart is deprecated"', "this chart is deprecated"),
        (
            'level=INFO msg="warning: destination for a.b is a table (\\"c\\")"',
            'destination for a.b is a table (\\"c\\")',
        ),
        ('time=2026-11-30T10:00:00.000Z level=WARN msg="found a link" path=a to=b', "found a link (path=a to=b)"),
        ("level=INFO msg=done", "done"),
        ("a line of somebody else", "a line of somebody else"),
    ],
)
def test_a_warning_is_shown_without_the_frame_of_its_log(line: str, text: str) -> None:
    assert unframed(line) == text


@pytest.mark.parametrize(
    ("lines", "warnings", "error"),
    [
        (("Error: no", "Error: of its text"), (), ("no", "Error: of its text")),
        (("WARNING: old", "a line of it", "Error: no"), ("old", "a line of it"), ("no",)),
        (("coalesce.go:286: warning: a (map[b:1])", "Error: no"), ("a (map[b:1])",), ("no",)),
        (
            ("coalesce.go:286: warning: a (map[b:x", "Error: y", "z])", "Error: no"),
            ("a (map[b:x", "Error: y", "z])"),
            ("no",),
        ),
        (("coalesce.go:286: warning: a (never closed", "Error: no"), ("a (never closed",), ("no",)),
        (("WARNING: old", *CRASH), ("old",), CRASH),
        (("WARNING: all that it says",), (), ("WARNING: all that it says",)),
        ((), (), ()),
    ],
)
def test_warnings_stand_before_the_error(
    lines: tuple[str, ...], warnings: tuple[str, ...], error: tuple[str, ...]
) -> None:
    assert part(lines) == (warnings, error)


STEPS = """\
Error: shop/templates/a.yaml:4:11
  executing "shop/templates/a.yaml" at <include "boom" .>:
    error calling include:
shop/templates/_b.tpl:2:10
  executing "boom" at <.Values.a.b>:
    nil pointer: no b"""
AS_ONE_LINE = (
    'template: shop/templates/a.yaml:4:11: executing "shop/templates/a.yaml" at <include "boom" .>: error calling '
    'include: template: shop/templates/_b.tpl:2:10: executing "boom" at <.Values.a.b>: nil pointer: no b'
)
FAILED = 'Error: execution error at (shop/templates/a.yaml:1:3): a:1\n  executing "a" at <b>:\n    no'
YAML = "cannot load values.yaml: {}error converting YAML to JSON: yaml: line 2"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (STEPS, AS_ONE_LINE),
        (FAILED, FAILED.removeprefix("Error: ")),
        (f"Error: {YAML.format('cannot unmarshal yaml document: ')}", YAML.format("")),
    ],
)
def test_the_error_of_helm_4_reads_as_that_of_helm_3(said: str, error: str) -> None:
    assert "\n".join(part(said.splitlines()).error) == error


def test_many_warnings_leave_the_error_whole(sandbox: Sandbox) -> None:
    values = "".join(f"k{number}: {{a: {{b: {'x' * 80}}}}}\n" for number in range(100))
    repository = Repository(sandbox).write_app(
        {
            "Chart.yaml": "{apiVersion: v2, name: shop, version: 1.0.0}",
            "values.yaml": values,
            "common-values.yaml": "".join(f"k{number}: {{a: text}}\n" for number in range(100)),
            "templates/a.yaml": "{{ fail .Values.k0.a }}",
        }
    )
    ran = repository.run()
    first, where, *warnings = ran.stderr.splitlines()
    assert first == f"cmp: helm {DEFAULT_HELM}: execution error at (shop/templates/a.yaml:1:3): text"
    assert where == "  where: application shop, cluster dev, phase helm, namespaces/shop/templates/a.yaml:1"
    assert len(warnings) > 20
    assert all(line.startswith("cmp: warning: helm: cannot overwrite") and line.endswith("])") for line in warnings)
    assert 3800 < len(ran.stderr.encode()) <= 4096

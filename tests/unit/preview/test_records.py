"""Results of renders as JSON: read as what was written, and refused where a type says otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cmp.changes import Cause, Change, Danger, Failure, Field, Hunk, Outcome, Subject
from cmp.model import Identity
from cmp.preview.parts import Part
from cmp.preview.records import RecordError, loaded, record
from cmp.preview.shares import Plan
from cmp.preview.worker import WorkerResult

SUBJECT = Subject("web", "blue", "prod")
VALUES: list[object] = [None, True, 1, 1.0, -0.0, 10**30, "\udc80 ‹secret 0a›", {"b": [1], "a": {}}, []]
CHANGE = Change(
    SUBJECT,
    "renamed",
    Identity("apps", "Deployment", "shop", "web"),
    Identity("apps", "Deployment", "shop", "old"),
    ("apps/v1", "apps/v1"),
    "templates/web.yaml",
    tuple(Field(("spec", str(at)), "changed", value, None) for at, value in enumerate(VALUES)),
    (),
    (Hunk((" a:", "-  1"), (0,)),),
    dangers=(Danger("privileged", "may do all"),),
    unstable=(1, 2),
)
RESULT = WorkerResult(
    Outcome(
        SUBJECT,
        "changed",
        (CHANGE,),
        causes=(Cause("a.yaml:1", ("a",), 1, None),),
        failures=(Failure(SUBJECT, ("x",), is_new=True),),
    ),
    warnings=("cmp: warning: x",),
    seconds=0.5,
)


def written() -> Any:  # noqa: ANN401  # JSON
    return json.loads(json.dumps(record(RESULT)))


def test_a_result_is_read_as_it_was_written() -> None:
    read = loaded(WorkerResult, written())
    assert read == RESULT
    assert repr(read) == repr(RESULT), "also a whole number, and the order of keys"


@pytest.mark.parametrize("kind", [WorkerResult, Plan, Part])
def test_every_type_of_a_part_can_be_read(kind: type) -> None:
    with pytest.raises(RecordError, match=kind.__name__):
        loaded(kind, {})


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("outcome", "status"), "odd", r"outcome\.status: no .*Literal"),
        (("outcome", "changes", 0, "is_restart"), 1, r"outcome\.changes\[0\]\.is_restart: no .*bool"),
        (("outcome", "changes", 0, "api_versions"), ["v1"], "api_versions: no list, or of another length"),
        (("outcome", "changes", 0, "was"), 3, "was: no Identity"),
        (("outcome", "subject"), {"app": "web"}, r"outcome\.subject: no Subject"),
        (("outcome", "more"), 1, "outcome: no Outcome"),
        (("warnings",), "x", "warnings: no list"),
    ],
)
def test_another_value_than_the_type_says_is_refused(path: tuple[str | int, ...], value: object, said: str) -> None:
    data = written()
    inner = data
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    with pytest.raises(RecordError, match=said):
        loaded(WorkerResult, data)


@pytest.mark.parametrize("value", [{1: 2}, {1}, (1,), b"x"])
def test_a_value_that_json_would_change_is_a_bug(value: object) -> None:
    field = Field(("a",), "changed", value, None)
    with pytest.raises(TypeError):
        record(field)

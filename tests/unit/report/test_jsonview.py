"""The JSON of a Report, and the JSON Schema that it fits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from cmp.report import FORMATS, Options, schema
from tests.support import reports

if TYPE_CHECKING:
    from cmp.changes import Report


def test_keys_are_the_fields_of_the_types_and_a_version() -> None:
    read = json.loads(FORMATS["json"](reports.one_cluster(), Options()))
    assert read["version"] == 1
    assert read["base"] == {"name": "merge base of main", "commit": reports.BASE.commit, "is_live": False}
    (group,) = read["groups"]
    assert group["members"] == [
        {"subject": {"app": "storefront", "cluster": "prod-01", "environment": "prod"}, "values": []}
    ]
    assert group["change"]["fields"] == [{"path": ["spec", "replicas"], "kind": "changed", "before": 3, "after": 5}]


@pytest.mark.parametrize("made", [reports.EMPTY, reports.one_cluster(), reports.many(2, 1, 2), reports.nasty()])
def test_json_fits_its_schema(made: Report) -> None:
    closed = _closed(schema())
    Draft202012Validator.check_schema(closed)
    Draft202012Validator(closed).validate(json.loads(FORMATS["json"](made, Options())))


def test_json_reads_back_as_the_report() -> None:
    read = json.loads(FORMATS["json"](reports.nasty(), Options()))
    assert list(read) == ["version", "judgement", *reports.nasty()._fields]
    assert read["groups"][0]["change"]["identity"]["name"] == reports.NASTY
    assert read["groups"][0]["change"]["was"]["kind"] == reports.NASTY


def test_schema_tells_what_is_wrong() -> None:
    read = json.loads(FORMATS["json"](reports.one_cluster(), Options()))
    read["groups"][0]["change"]["what"] = "broken"
    (error,) = Draft202012Validator(schema()).iter_errors(read)
    assert list(error.absolute_path) == ["groups", 0, "change", "what"]


def _closed(part: Any) -> Any:  # noqa: ANN401  # JSON
    """Return the schema without leave for keys that it does not name."""
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    closed = {key: _closed(value) for key, value in part.items()}
    return {**closed, "additionalProperties": False} if isinstance(part.get("properties"), dict) else closed

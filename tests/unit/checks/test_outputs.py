"""The objects of a render judged: nothing that is said of one holds a secret of its."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cmp.changes import Object
from cmp.checks import outputs
from cmp.findings import Finding, Unjudged
from cmp.model import Identity
from cmp.render.masking import objects as masked_objects
from cmp.render.output import CheckedOutput, Manifest
from cmp.secrets.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp.checks.outputs import JudgedOutput

SECRET = "correct horse battery"
PIN = "4711"


class Said(NamedTuple):
    findings: tuple[Finding, ...]
    unjudged: tuple[Unjudged, ...] = ()
    custom: tuple[Object, ...] = ()


class Quoting:
    """A judge who refuses every text in `spec` and `data` and quotes it, as a validator of schemas may do.

    It stands for the worst that a judge can do; those of cmp quote less.
    """

    def judge(self, items: Sequence[Object], /) -> Said:
        found = []
        for item in items:
            for field in ("spec", "data"):
                part = item.value.get(field)
                for key, text in part.items() if isinstance(part, dict) else ():
                    found.append(
                        Finding("schema", "error", item.api_version, item.identity, (field, key), f"is not 1: {text!r}")
                    )
        custom = tuple(item for item in items if item.api_version == "example.com/v1")
        return Said(tuple(found), (Unjudged("CEL rules", 2),) * len(items), custom)


def _judged(*values: dict[str, object], secrets: tuple[str, ...] = ()) -> JudgedOutput:
    redactor = Redactor()
    for text in secrets:
        redactor.add(text)
    manifests = [
        Manifest(str(value["apiVersion"]), str(value["kind"]), "", "a", "", value, "chart/templates/a.yaml")
        for value in values
    ]
    output = CheckedOutput(tuple(manifests), ())
    masked = masked_objects(output, redactor, lambda secret: f"‹secret {secret.path}›")
    return outputs.judged(outputs.plain_objects(output), masked, Quoting(), redactor.mask)


def _object(kind: str = "ConfigMap", api_version: str = "v1", **fields: object) -> dict[str, object]:
    return {"apiVersion": api_version, "kind": kind, **fields}


@pytest.mark.parametrize("text", [SECRET, PIN, "x"])
def test_no_form_of_a_value_of_a_secret_is_in_a_finding(text: str) -> None:
    encoded = b64encode(text.encode()).decode()
    done = _judged(_object("Secret", data={"password": encoded}))
    assert [finding.message for finding in done.findings] == [outputs.WITHHELD]
    assert encoded not in repr(done)
    assert SECRET not in repr(done)


@pytest.mark.parametrize("text", [SECRET, PIN, f"{SECRET}\nand more"])
def test_a_decrypted_value_is_masked_wherever_it_stands(text: str) -> None:
    done = _judged(_object(data={"a": text, text: "b"}), secrets=(text,))
    assert len(done.findings) == 2
    assert text not in repr(done)
    assert SECRET not in repr(done)


def test_a_message_without_a_secret_stays_where_its_object_has_one() -> None:
    done = _judged(_object(spec={"replicas": "two"}, data={"a": SECRET}), secrets=(SECRET,))
    assert [finding.message for finding in done.findings] == ["is not 1: 'two'", outputs.WITHHELD]


def test_an_object_without_secrets_keeps_its_messages() -> None:
    done = _judged(_object(spec={"replicas": "two"}), secrets=(SECRET,))
    assert [finding.message for finding in done.findings] == ["is not 1: 'two'"]
    assert (done.total, done.unjudged) == (1, (Unjudged("CEL rules", 2),))


def test_objects_that_look_alike_are_told_apart() -> None:
    """Objects with a generateName have one identity, and only one of them has a secret."""
    done = _judged(_object(data={"a": SECRET}), _object(data={"a": "clear"}), secrets=(SECRET,))
    assert [finding.message for finding in done.findings] == [outputs.WITHHELD, "is not 1: 'clear'"]
    assert done.unjudged == (Unjudged("CEL rules", 4),)


def test_custom_objects_and_definitions_leave_masked() -> None:
    crd = _object("CustomResourceDefinition", "apiextensions.k8s.io/v1", spec={"group": "example.com"})
    done = _judged(_object("Thing", "example.com/v1", spec={"token": SECRET}), crd, secrets=(SECRET,))
    assert [item.value["spec"] for item in done.custom] == [{"token": "‹secret ›"}]
    assert [item.identity.kind for item in done.definitions] == ["CustomResourceDefinition"]


def test_nothing_is_said_of_a_masked_field_of_a_custom_object() -> None:
    value: dict[str, object] = {"spec": {"token": "‹secret a.b›", "size": "big"}}
    item = Object("example.com/v1", Identity("example.com", "Thing", "", "a"), value, "")
    paths = ("spec", "token"), ("spec", "size"), ("spec", "‹secret›"), ("spec",)
    schema = tuple(Finding("schema", "error", item.api_version, item.identity, path, "is wrong") for path in paths)
    unknown = schema[3]._replace(rule="unknown-field")
    kept, unjudged = outputs.on_masked(Said((*schema, unknown)), [item])
    assert kept == (schema[1], unknown)
    assert unjudged == (Unjudged(outputs.MASKED_VALUES, 3),)


@pytest.mark.parametrize("label", ["‹sops db.password 3fa2c1d0›", "postgres://‹sops db.password 3fa2c1d0›@db"])
def test_nothing_is_said_of_the_stand_in_of_a_secret(label: str) -> None:
    done = _judged(_object(data={"password": label, "port": "x"}))
    assert [finding.path for finding in done.findings] == [("data", "port")]
    assert Unjudged(outputs.STAND_INS, 1) in done.unjudged


def test_nothing_is_said_of_a_number_that_stands_for_a_secret() -> None:
    identity = Identity("", "ConfigMap", "", "a")
    plain, masked = (
        Object("v1", identity, _object(spec={"port": port, "other": 1}), "a.yaml")
        for port in (23456, "‹sops db.port 3fa2c1d0›")
    )
    done = outputs.judged([plain], [masked], Quoting(), str)
    assert [finding.path for finding in done.findings] == [("spec", "other")]
    assert Unjudged(outputs.STAND_INS, 1) in done.unjudged

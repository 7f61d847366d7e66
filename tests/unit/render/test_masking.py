"""Rendered objects are shown with a label in place of every secret."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from cmp.model import OutputRules
from cmp.render import masking, output
from cmp.secrets.redact import Redactor, Secret

if TYPE_CHECKING:
    from cmp.render.output import CheckedOutput

ENCRYPTED = b"""\
db:
  password: ENC[AES256_GCM,data:x,type:str]
  port: ENC[AES256_GCM,data:x,type:int]
pin: ENC[AES256_GCM,data:x,type:str]
flag: ENC[AES256_GCM,data:x,type:bool]
public: seen
sops: {mac: x}
"""
PLAIN = b"db: {password: correct-horse-battery, port: 54321}\npin: '7531'\nflag: true\npublic: seen\n"


def by_path(secret: Secret) -> str:
    return f"‹secret {secret.path}›"


def masked(text: str, label: masking.Label = by_path) -> dict[str, object]:
    redactor = Redactor()
    redactor.learn(ENCRYPTED, PLAIN)
    (found,) = masking.objects(rendered(text), redactor, label)
    return found.value


def rendered(text: str) -> CheckedOutput:
    return output.check(f"---\n{text}".encode(), rules=OutputRules(), noise=(), engine="test", mask=str)


def config_map(data: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{{data}}}\n"


def secret(field: str, data: str) -> str:
    return f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n{field}: {{{data}}}\n"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("correct-horse-battery", "‹secret db.password›"),
        ("postgres://shop:correct-horse-battery@db/shop", "postgres://shop:‹secret db.password›@db/shop"),
        (b64encode(b"correct-horse-battery").decode(), "‹secret db.password›"),
        ('"54321"', "‹secret db.port›"),
        ('"7531"', "‹secret pin›"),
        ("seen", "seen"),
        ('"true"', "‹secret flag›"),
        ("a75310", "a75310"),
    ],
)
def test_what_was_decrypted_is_masked_wherever_it_stands(written: str, shown: str) -> None:
    assert masked(config_map(f"x: {written}"))["data"] == {"x": shown}


def test_a_number_is_masked_and_a_boolean_is_not() -> None:
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {port: 54321, other: 54320, flag: true}\n"
    assert masked(text)["spec"] == {"port": "‹secret db.port›", "other": 54320, "flag": True}


def test_every_value_of_a_secret_is_masked_the_known_ones_by_their_own_path() -> None:
    known, other = b64encode(b"correct-horse-battery").decode(), b64encode(b"never-decrypted").decode()
    assert masked(secret("data", f"a: {known}, b: {other}, c: '%'"))["data"] == {
        "a": "‹secret db.password›",
        "b": "‹secret data.b›",
        "c": "‹secret data.c›",
    }


def test_equal_plaintext_has_an_equal_label_in_data_and_in_string_data() -> None:
    def by_text(found: Secret) -> str:
        return found.text

    encoded = b64encode(b"never-decrypted").decode()
    assert masked(secret("data", f"a: {encoded}"), by_text)["data"] == {"a": "never-decrypted"}
    assert masked(secret("stringData", "a: never-decrypted"), by_text)["stringData"] == {"a": "never-decrypted"}


def test_a_key_that_is_a_secret_is_masked_and_no_value_is_lost() -> None:
    data = masked(config_map("correct-horse-battery: a, correct-Horse: b, xcorrect-horse-battery: c"))["data"]
    assert data == {"‹secret db.password›": "a", "correct-Horse": "b", "x‹secret db.password›": "c"}


def test_ciphertext_that_stays_has_a_label_that_changes_with_it() -> None:
    text = (
        "apiVersion: example.com/v1\nkind: SopsSecret\nmetadata: {name: a}\nspec: {tokens: [{a: '%s'}], open: seen}\n"
        "sops: {mac: '%s', version: 3.10.2}\n"
    )
    one, two = "ENC[AES256_GCM,data:eA==,iv:x,tag:y,type:str]", "ENC[AES256_GCM,data:eQ==,iv:x,tag:y,type:str]"
    first, second = masked(text % (one, two)), masked(text % (two, two))
    assert re.fullmatch(
        r"\{'tokens': \[\{'a': '‹sops spec.tokens\[0\].a [0-9a-f]{8}›'\}\], 'open': 'seen'\}", str(first["spec"])
    )
    assert first["spec"] != second["spec"]
    assert first["sops"] == second["sops"]
    assert re.fullmatch(r"\{'mac': '‹sops sops.mac [0-9a-f]{8}›', 'version': '3.10.2'\}", str(first["sops"]))


def test_an_object_without_secrets_is_itself() -> None:
    found = masked(config_map("x: plain"))
    assert found["data"] == {"x": "plain"}


def test_of_several_secrets_with_one_text_the_first_path_counts_whoever_was_decrypted_first() -> None:
    labels = []
    for order in (("a", "b"), ("b", "a")):
        redactor = Redactor()
        for name in order:
            redactor.learn(f"{name}: ENC[AES256_GCM,x]\nsops: {{mac: x}}\n".encode(), f"{name}: same-secret\n".encode())
        labels.append(redactor.labelled("same-secret", by_path))
    assert labels == ["‹secret a›", "‹secret a›"]


def test_a_part_of_a_secret_is_masked_in_an_object_whatever_is_in_it() -> None:
    redactor = Redactor()
    redactor.add_secret(Secret('the "quoted" \\ part\nand more of it', "quoted"))
    (found,) = masking.objects(rendered(config_map("""x: 'quoted" \\ part', z: 'quoted" \\ p'""")), redactor, by_path)
    assert found.value["data"] == {"x": "‹secret quoted›", "z": 'quoted" \\ p'}


def test_labels_do_not_hide_the_folded_forms_of_a_text() -> None:
    redactor = Redactor()
    redactor.add_secret(Secret("two words of it", "words"))
    assert redactor.labelled("it says: two\n  words of it.", by_path) == "it says: ‹secret words›."
    assert not re.search("words of", redactor.mask("two\n  words of it"))

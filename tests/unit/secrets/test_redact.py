"""Known secrets never appear in text, whatever a program made of them."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp.errors import ConfigError
from cmp.secrets.redact import MASK, Redactor, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = 's3cr3t+/"<q>\\ &é'
CIPHER = "ENC[AES256_GCM,data:abc,iv:def,tag:ghi,type:str]"


def masked(text: str, *secrets: str) -> str:
    redactor = Redactor()
    for secret in secrets:
        redactor.add(secret)
    return redactor.mask(text)


def learned(text: str, encrypted: str, plain: str) -> str:
    redactor = Redactor()
    redactor.learn(encrypted.encode(), plain.encode())
    return redactor.mask(text)


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        b64encode(SECRET.encode()).decode(),
        b64encode(SECRET.encode()).decode().rstrip("="),
        urlsafe_b64encode(SECRET.encode()).decode(),
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        r"s3cr3t+/\"\u003cq\u003e\\ \u0026é",  # Go's encoding/json
        r"s3cr3t+/\"<q>\\ &\u00e9",  # Go's strconv.QuoteToASCII
        'S3CR3T+/"<Q>\\ &É',
        r"S3CR3T+/\"\u003cQ\u003e\\ \u0026É",
        "s3cr3t+/&#34;&lt;q&gt;\\ &amp;é",  # Go's html.EscapeString
        "s3cr3t&#43;/&#34;&lt;q&gt;\\ &amp;é",  # Go's html/template
        html.escape(SECRET),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
    ],
)
def test_every_form_of_a_secret_is_masked(form: str) -> None:
    assert masked(f"Error: `x{form}y` failed", SECRET) == f"Error: `x{MASK}y` failed"


def test_control_characters_are_found_as_go_quotes_them() -> None:
    assert masked(r'got "line\tone\x01\u200b\aend"', "line\tone\x01\u200b\aend") == f'got "{MASK}"'


def test_a_yaml_single_quoted_value_is_masked() -> None:
    assert masked("password: 'it''s secret'", "it's secret") == f"password: '{MASK}'"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("secret", ["correct-horse", "correct-horse1", "correct-horse12"])
def test_a_secret_inside_a_longer_base64_text_is_masked(before: str, secret: str, after: str) -> None:
    text = masked(b64encode(f"{before}{secret}{after}".encode()).decode(), secret)
    assert MASK in text
    remaining = text.replace(MASK, "").rstrip("=")
    assert len(remaining) <= len(b64encode(f"{before}{after}".encode())) + 2


def test_longer_secrets_go_first_and_masks_are_not_masked_again() -> None:
    assert masked("token-long-one token-long", "token-long", "token-long-one", "secret‹x", "cret›t") == f"{MASK} {MASK}"


def test_each_long_line_of_a_multi_line_value_is_masked() -> None:
    value = "-----BEGIN KEY-----\nMIIEvQIBADAN\n  indented line\nab\nseven77\n-----END KEY-----\n"
    text = masked("x: |\n    MIIEvQIBADAN\n      indented line\n    ab\n    seven77\n", value)
    assert text == f"x: |\n    {MASK}\n      {MASK}\n    ab\n    {MASK}\n"


@pytest.mark.parametrize(
    ("secret", "printed"),
    [
        ("Gruß-İzmir-Σίσυφος", "GRUß-İZMIR-ΣΊΣΥΦΟΣ"),  # letter by letter, as Go does it
        ("Gruß-İzmir-ΣΊΣΥΦΟΣ", "gruß-izmir-σίσυφοσ"),
        ("it's a 'Secret'", "it&#x27;s a &#x27;Secret&#x27;"),
        ("it's a 'Secret'", "it&apos;s a &apos;Secret&apos;"),
        ("ab-CD-ef", "AB-CD-EF"),
        ("ab-CD-ef", "ab-cd-ef"),
        ("zx81q", "ZX81Q"),
    ],
)
def test_capitals_and_entities_are_those_of_programs(secret: str, printed: str) -> None:
    assert masked(f"got {printed}", secret) == f"got {MASK}"


def test_two_digits_in_hexadecimal_are_a_number_as_any_other() -> None:
    assert masked("port: 35, retries: 5", "5") == f"port: 35, retries: {MASK}"


# Parts

LONG = "x1-Tq0Wm5Rj3Ke9Yb7Uv1Nz6Pc4Lo8Gd2"


@pytest.mark.parametrize("part", [LONG[:12], LONG[-12:], LONG[7:25], LONG[1:13], LONG[:-1], LONG[11:23]])
@pytest.mark.parametrize("around", ["{}", "cut at {}…", "a{}b"])
def test_a_part_of_twelve_characters_is_masked(part: str, around: str) -> None:
    assert masked(around.format(part), LONG) == around.format(MASK)


def test_a_shorter_part_is_not() -> None:
    assert masked(f"cut at {LONG[3:14]}…", LONG) == f"cut at {LONG[3:14]}…"


@pytest.mark.parametrize("secrets", [(LONG, f"my-{LONG[:20]}"), (f"my-{LONG[:20]}", LONG)])
def test_of_secrets_that_overlap_nothing_is_left(secrets: tuple[str, str]) -> None:
    assert masked(f"it is my-{LONG}!", *secrets) == f"it is {MASK}!"


CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


def test_the_armour_of_a_pem_file_is_no_secret() -> None:
    public, secret = CERTIFICATE.format("MIIBpublicPUBLICpublic0"), CERTIFICATE.format("MIIBsecretSECRETsecret0")
    assert masked(public, secret) == public
    assert masked(f"no PEM: {secret[:45]}", secret) == f"no PEM: {MASK}"
    assert masked(f"no PEM: {secret[:38]}", secret) == f"no PEM: {secret[:38]}"
    assert masked(secret[5:24], secret) == "BEGIN CERTIFICATE--"


def test_the_armour_of_a_key_that_is_encrypted_as_a_whole_is_no_secret() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIBsecretSECRETsecret0\n-----END PRIVATE KEY-----\n"
    binary = f'{{"data":"{CIPHER}","sops":{{"mac":"x"}}}}'
    text = "-----BEGIN PRIVATE KEY-----, MIIBsecretSECRETsecret0"
    assert learned(text, binary, key) == f"-----BEGIN PRIVATE KEY-----, {MASK}"


def beside(clear: bytes, secret: str, text: str) -> str:
    redactor = Redactor()
    redactor.add(secret)
    redactor.add_clear_text(lambda: (clear,))
    return redactor.mask(text)


SENTENCE = "postgres://shop:hunter2@db.shop.example.com/shop"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("cannot reach db.shop.example.com:5432", "cannot reach db.shop.example.com:5432"),
        ("cannot reach db.shop.example.com/shop", f"cannot reach {MASK}"),
        ("cannot reach @db.shop.example.com", f"cannot reach {MASK}"),
        (SENTENCE, MASK),
        ("db.shop.example.com", "db.shop.example.com"),
    ],
)
def test_a_part_that_stands_in_clear_elsewhere_is_shown(text: str, want: str) -> None:
    assert beside(b"host: db.shop.example.com\n", SENTENCE, text) == want


def test_a_whole_secret_is_masked_wherever_else_it_stands() -> None:
    assert beside(b"# was hunter2-hunter2\n", "hunter2-hunter2", "got hunter2-hunter2") == f"got {MASK}"


def test_a_line_that_stands_in_clear_elsewhere_is_shown() -> None:
    secret = "listen: 8080\ntoken: Kq81\npassword: hunter2\n"
    shown = beside(b"server:\n  listen: 8080\n", secret, "at `listen: 8080`: password: hunter2, token: Kq81")
    assert shown == f"at `listen: 8080`: {MASK}, {MASK}"


def test_what_is_in_clear_in_an_encrypted_file_is_no_secret() -> None:
    encrypted = f"host: db.shop.example.com\nurl: {CIPHER}\nsops: {{mac: x}}\n"
    plain = f"host: db.shop.example.com\nurl: {SENTENCE}\n"
    text = f"no route to db.shop.example.com ({SENTENCE})"
    assert learned(text, encrypted, plain) == f"no route to db.shop.example.com ({MASK})"


def test_what_is_in_clear_is_read_once_and_only_for_a_part() -> None:
    reads = []

    def inputs() -> list[bytes]:
        reads.append(1)
        return []

    redactor = Redactor()
    redactor.add(LONG)
    redactor.add_clear_text(inputs)
    redactor.mask(f"nothing, and {LONG}")
    assert reads == []
    redactor.mask(LONG[:20])
    redactor.mask(LONG[:15])
    assert reads == [1]


def test_where_what_is_in_clear_cannot_be_read_more_is_masked() -> None:
    def inputs() -> Iterator[bytes]:
        yield LONG[:14].encode()
        raise ConfigError("this file is gone")

    redactor = Redactor()
    redactor.add(LONG)
    redactor.add_clear_text(inputs)
    assert redactor.mask(f"{LONG[:14]} {LONG[:16]}") == f"{LONG[:14]} {MASK}"


def test_a_part_of_a_placeholder_is_no_secret() -> None:
    redactor = Redactor()
    redactor.add_secret(Secret("‹sops db.password 3fa2c1d0›", "db.password", "‹sops db.password 3fa2c1d0›"))
    assert redactor.mask("‹sops db.password 0d1c2af3›") == "‹sops db.password 0d1c2af3›"


def test_thousands_of_secrets_are_all_found() -> None:
    secrets = [f"{number * 7919 % 99991:05d}-secret-{number * 104729 % 99991:05d}" for number in range(2000)]
    text = "\n".join(f"key{number}: {secret}" for number, secret in enumerate(secrets))
    assert masked(text, *secrets) == "\n".join(f"key{number}: {MASK}" for number in range(2000))


def test_a_multi_line_value_is_masked_as_one_where_it_stands_whole() -> None:
    value = "first line\nsecond line\n"
    assert masked(r'got "first line\nsecond line\n"', value) == f'got "{MASK}"'
    assert masked(b64encode(value.encode()).decode(), value) == MASK


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("debug: true", f"debug: {MASK}"),
        ('{"debug":true,"x":"true"}', f'{{"debug":{MASK},"x":"{MASK}"}}'),
        ("it is true that trueness", "it is true that trueness"),
        ("- true\n  - true", f"- {MASK}\n  - {MASK}"),
        ("map[debug:true user:admin]", f"map[debug:{MASK} user:{MASK}]"),
        ("user admin: no", "user admin: no"),
        ("`admin` and 'admin'", f"`{MASK}` and '{MASK}'"),
        ("administrator: admin-x", "administrator: admin-x"),
        (f"pw: {b64encode(b'admin').decode()}", f"pw: {MASK}"),
        ("namespace default: default", f"namespace default: {MASK}"),
    ],
)
def test_short_and_trivial_values_are_masked_only_as_whole_scalars(text: str, want: str) -> None:
    assert masked(text, "true", "admin", "default") == want


def test_a_form_of_no_character_is_none() -> None:
    assert masked('a: "", b: "%"', "%") == f'a: "", b: "{MASK}"'


def test_nothing_known_changes_nothing() -> None:
    assert masked("any text", "", "  ", "\n") == "any text"


def test_only_leaves_that_were_ciphertext_are_secrets() -> None:
    encrypted = f"user: public-user\nlist:\n  - {CIPHER}\n  - public-item\npw: {CIPHER}\nsops: {{mac: x}}\n"
    plain = "user: public-user\nlist:\n  - hidden-item\n  - public-item\npw: hidden-password\n"
    text = "public-user public-item hidden-item hidden-password"
    assert learned(text, encrypted, plain) == f"public-user public-item {MASK} {MASK}"


def test_a_leaf_without_a_counterpart_is_a_secret() -> None:
    encrypted = f"a: {CIPHER}\nl:\n  - {CIPHER}\nsops: {{mac: x}}\n"
    plain = "a: {deep: hidden-deep}\nl: [hidden-one, hidden-two]\nextra: hidden-extra\n"
    assert learned("hidden-deep hidden-two hidden-extra", encrypted, plain) == f"{MASK} {MASK} {MASK}"


@pytest.mark.parametrize(
    ("plain", "printed"),
    [("12345678", "1.2345678e+07"), ("12345678", "12345678"), ("1500000.5", "1.5000005e+06"), ("100000000", "1e+08")],
)
def test_numbers_are_masked_as_go_prints_them(plain: str, printed: str) -> None:
    assert learned(f"port: {printed}", f"port: {CIPHER}\nsops: {{mac: x}}\n", f"port: {plain}\n") == f"port: {MASK}"


def test_infinity_and_huge_numbers_do_no_harm() -> None:
    encrypted = f"a: {CIPHER}\nb: {CIPHER}\nsops: {{mac: x}}\n"
    assert learned("n: 5", encrypted, f"a: .inf\nb: {10**400}\n") == "n: 5"


def test_booleans_and_small_numbers_are_masked_as_whole_scalars() -> None:
    encrypted = f"a: {CIPHER}\nb: {CIPHER}\nsops: {{mac: x}}\n"
    assert learned("a: true 5 b: 5", encrypted, "a: true\nb: 5\n") == f"a: true 5 b: {MASK}"


@pytest.mark.parametrize(
    ("encrypted", "plain"),
    [
        (f"OPEN=public-value\nTOKEN={CIPHER}\nsops_mac=x\n", "OPEN=public-value\nTOKEN=hidden-token\n"),
        (
            f"[a]\nopen = public-value\n[b]\nopen = {CIPHER}\n[sops]\nmac = x\n",
            "[a]\nopen = public-value\n[b]\nopen=hidden-token",
        ),
        (
            f'{{"open":"public-value","t":["{CIPHER}"],"sops":{{"mac":"x"}}}}',
            '{\n\t"open": "public-value",\n\t"t": ["hidden-token"]\n}',
        ),
    ],
    ids=["dotenv", "ini", "json"],
)
def test_other_formats_are_compared_too(encrypted: str, plain: str) -> None:
    assert learned("public-value hidden-token", encrypted, plain) == f"public-value {MASK}"


def test_leaves_are_found_where_only_the_plaintext_can_be_parsed() -> None:
    assert learned("hidden-one, hidden-two", "a: [", "a: {b: hidden-one, c: [hidden-two]}") == f"{MASK}, {MASK}"


@pytest.mark.parametrize(
    "encrypted", [f'{{"data":"{CIPHER}","sops":{{"mac":"x"}}}}', "a: [", "sops: {mac: x}\n---\nb: 1"]
)
def test_where_the_files_cannot_be_compared_all_of_the_plaintext_is_secret(encrypted: str) -> None:
    plain = "a whole line\n  user: hidden-user\nTOKEN=hidden-token\n---\n\n}\n"
    text = "a whole line; hidden-user, hidden-token; --- }"
    assert learned(text, encrypted, plain) == f"{MASK}; {MASK}, {MASK}; --- }}"
    assert learned(b64encode(plain.encode()).decode(), encrypted, plain) == MASK


def test_bytes_that_are_no_text_are_masked_in_base64() -> None:
    redactor = Redactor()
    secret = bytes(range(128, 200))
    redactor.learn(f'{{"data":"{CIPHER}","sops":{{"mac":"x"}}}}'.encode(), secret)
    assert redactor.mask(f"data: {b64encode(secret).decode()}") == f"data: {MASK}"


def test_files_are_parsed_once_and_more_can_be_learned_later() -> None:
    redactor = Redactor()
    redactor.learn(f"a: {CIPHER}\nsops: {{mac: x}}".encode(), b"a: hidden-one")
    assert redactor.mask("hidden-one hidden-two") == f"{MASK} hidden-two"
    redactor.learn(f"a: {CIPHER}\nsops: {{mac: x}}".encode(), b"a: hidden-two")
    assert redactor.mask("hidden-one hidden-two") == f"{MASK} {MASK}"


@given(st.text(min_size=6).filter(lambda text: len(text.strip()) >= 6), st.text(), st.text())
def test_no_text_around_a_secret_hides_it(secret: str, before: str, after: str) -> None:
    assert secret not in masked(before + secret + after, secret).replace(MASK, "\0")


@pytest.mark.parametrize(
    ("secret", "printed"),
    [
        ("one two three", "one two\n      three"),
        ("one two  three", '"one two\n  \\ three"'),
        ("line-one\nline two", "line-one\n    line\n  two"),
        ("key 🔑\x1b\xa0!", r'"key \U0001F511\e\_!"'),
        ('鍵-"\\x1', r'parsing time "\xe9\x8d\xb5-\"\\x1"'),
        ('it\'s "quoted"', r"""'it\'s "quoted"' does not match"""),
        ("100%x of 50%% z", "100%!x(MISSING) of 50% z"),
        ("secret-ends-in-50%20", "START secret-ends-in-50%!E(MISSING)ND"),
    ],
)
def test_what_only_some_programs_make_of_a_secret_is_masked(secret: str, printed: str) -> None:
    assert masked(printed, secret).count(MASK) >= 1
    assert not re.search("three|line|key|x1|quoted|100|secret-", masked(printed, secret))


@pytest.mark.parametrize(
    "printed",
    ["9.007199254740994×10¹⁶", "90,071,992,547,409,940", "90071992547409936", "9.007199254740994e+16"],  # noqa: RUF001
)
def test_a_number_beyond_the_precision_of_a_float_is_masked(printed: str) -> None:
    cipher = f"n: {CIPHER}\nsops: {{mac: x}}\n"
    assert learned(f"got {printed}, want 7", cipher, "n: 90071992547409931\n") == f"got {MASK}, want 7"


def test_a_message_whose_secrets_cannot_be_told_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(value: str) -> set[str]:
        raise ValueError(value)

    monkeypatch.setattr("cmp.secrets.disguises.disguises", fail)
    withheld = f"{MASK} (a bug in cmp: what is secret in this message cannot be told, so it is withheld)"
    assert learned("hidden-token", f"a: {CIPHER}\nsops: {{mac: x}}\n", "a: hidden-token\n") == withheld


def test_blanks_around_a_secret_stay() -> None:
    assert masked("was: hidden-token\n  where: here", "hidden-token\n") == f"was: {MASK}\n  where: here"

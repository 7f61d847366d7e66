"""The formats of texts in custom kinds: what the API server takes is taken, and the near misses are not."""

from __future__ import annotations

import pytest

from cmp.checks.formats import FORMATS, known_format

CASES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "bsonobjectid": (("507f1f77bcf86cd799439011",), ("507f1f77bcf86cd79943901", "x07f1f77bcf86cd799439011")),
    "byte": (("YQ==", "YWI=", "YWJj"), ("", "YQ=", "YQ", "a b=", "YQ==\n")),
    "cidr": (
        ("10.0.0.0/8", "010.0.0.0/08", "::/0", "fd00::1/128"),
        ("10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1"),
    ),
    "date": (("2024-02-29", "0000-02-29"), ("2023-02-29", "2024-2-29", "2024-13-01", "2024-02-29T00:00:00Z")),
    "datetime": (
        ("2024-02-29T23:59:59Z", "2024-02-29t00:00:00.123+02:00", "2024-01-01T00:00:00z"),
        ("2024-02-29", "2024-02-29 00:00:00Z", "2024-02-29T24:00:00Z", "2024-02-29T00:00:00", "2023-02-29T00:00:00Z"),
    ),
    "duration": (("1h30m", "0", "-1.5h", "1.h", "3 days", "100 ms", "5 µs"), ("", "fast", "10", "h1", "1.5")),
    "email": (("a@b.example", "A <a@b.example>"), ("a", "")),
    "hexcolor": (("#fff", "ff8800"), ("#ffff", "#ggg", "")),
    "ipv4": (("10.0.0.1", "010.000.0.1", "::ffff:10.0.0.1"), ("10.0.0", "10.0.0.256", "10.0.0.٣", "::1", "")),
    "ipv6": (("::1", "fd00::", "::ffff:10.0.0.1"), ("10.0.0.1", "::1%eth0", ":::", "")),
    "mac": (
        ("00:11:22:33:44:55", "00-11-22-33-44-55-66-77", "0011.2233.4455", "0011.2233.4455.6677"),
        ("00:11:22:33:44", "00:11-22:33:44:55", "00112233445566", "0011.2233"),
    ),
    "uri": (("https://a.example/b", "/path", "mailto:a@b.example", "*", "urn:x"), ("", "a/b", "a.example", "*/*")),
    "uuid": (
        ("123e4567-e89b-12d3-a456-426614174000", "123E4567E89B12D3A456426614174000"),
        ("123e4567-e89b-12d3-a456-42661417400", "g23e4567-e89b-12d3-a456-426614174000"),
    ),
    "uuid3": (("123e4567-e89b-32d3-a456-426614174000",), ("123e4567-e89b-42d3-a456-426614174000",)),
    "uuid4": (
        ("123e4567-e89b-42d3-a456-426614174000",),
        ("123e4567-e89b-42d3-c456-426614174000", "123e4567-e89b-32d3-a456-426614174000"),
    ),
    "uuid5": (("123e4567-e89b-52d3-b456-426614174000",), ("123e4567-e89b-52d3-0456-426614174000",)),
}


def test_every_format_has_cases() -> None:
    assert CASES.keys() == FORMATS.keys()


@pytest.mark.parametrize("name", CASES)
def test_a_format_takes_what_the_server_takes(name: str) -> None:
    is_valid, _ = FORMATS[name]
    taken, refused = CASES[name]
    assert [text for text in taken if not is_valid(text)] == []
    assert [text for text in refused if is_valid(text)] == []


def test_a_number_of_any_length_takes_bounded_time() -> None:
    is_valid, _ = FORMATS["ipv4"]
    assert not is_valid("1.1.1." + "9" * 100_000)
    assert is_valid("1.1.1." + "0" * 100_000)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("date-time", "string", "datetime"),
        ("datetime", "", "datetime"),
        ("date-time", "integer", ""),  # the server ignores it there
        ("int32", "integer", ""),
        ("password", "string", ""),
        ("k8s-short-name", "string", ""),  # which servers before 1.34 ignore
        (None, "string", ""),
    ],
)
def test_formats_go_by_their_names_without_hyphens(name: object, kind: object, expected: str) -> None:
    assert known_format(name, kind) == expected

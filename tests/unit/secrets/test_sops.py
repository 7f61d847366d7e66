"""Real sops, real age and PGP keys: what is encrypted is found and opened, and each failure says what to do."""

from __future__ import annotations

import json
import os
import re
import textwrap
from typing import TYPE_CHECKING

import pytest

from cmp.errors import CACHED_HINT, SecretError
from cmp.secrets import sops
from cmp.secrets.redact import MASK, Redactor
from cmp.secrets.sops import masterkeys
from cmp.system.process import ChildProcesses, Deadline, Result
from tests.support import versions
from tests.support.keys import Keys, decrypt, encrypt, failure, give, make_key, sops_tool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cmp.model import Tool

PLAIN = {
    "values.yaml": "# note\nuser: admin\npassword: unique-yaml-1\nnested:\n    - unique-yaml-2\n    - 8.5\n",
    "values.json": '{\n\t"password": "unique-json-1",\n\t"n": 12345678\n}',
    "app.env": "TOKEN=unique-dotenv-1\nURL=https://u:unique-dotenv-2@h\n",
    "app.ini": "[db]\npassword = unique-ini-1\n",
    "blob.bin": "\0\x01unique-binary-1\n\n",
    "notes.txt": "unique-text-1\n",
}
LEAVES: tuple[str, ...] = (
    "unique-yaml-1",
    "unique-yaml-2",
    "unique-json-1",
    "12345678",
    "unique-dotenv-1",
    "https://u:unique-dotenv-2@h",
)
LEAVES += ("unique-ini-1", "\0\x01unique-binary-1", "unique-text-1")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory, test_tools_dir: str) -> Keys:
    return make_key(tmp_path_factory.mktemp("age"), test_tools_dir)


@pytest.fixture(scope="module")
def other_key(tmp_path_factory: pytest.TempPathFactory, test_tools_dir: str) -> Keys:
    return make_key(tmp_path_factory.mktemp("other"), test_tools_dir)


@pytest.fixture(scope="module", params=versions.SOPS)
def tool(tools_dir: str, request: pytest.FixtureRequest) -> Tool:
    return sops_tool(tools_dir, request.param)


@pytest.fixture(scope="module")
def env(key: Keys) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": "/nonexistent", "SOPS_AGE_KEY_FILE": str(key.file)}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, tool: Tool, key: Keys) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("files")
    return {name: encrypt(tool, folder / name, text, "--age", key.recipient) for name, text in PLAIN.items()}


# What is encrypted?


@pytest.mark.parametrize("name", PLAIN)
def test_an_encrypted_file_is_known_by_its_content(name: str, files: dict[str, bytes]) -> None:
    assert sops.is_encrypted(name, files[name])
    assert sops.is_encrypted(f"some/folder/{name}", files[name].replace(b"\n", b"\r\n"))
    assert not sops.is_encrypted(name, PLAIN[name].encode())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", ""),
        ("a.yaml", "sops:\n  version: 1\nother:\n  mac: aa\n"),
        ("a.yaml", "nested:\n  sops:\n    mac: aa\n"),
        ("a.yaml", "text: |\n  sops:\n    mac: aa\n"),
        ("a.yaml", "sops: a tool for the mac\n"),
        ("a.yaml", "sops: [mac]\n"),
        ("a.yaml", "sops: {mac: [}\n"),
        ("a.yaml", "sops_mac=x\n"),
        ("a.json", '{"sops": {"version": "1"}, "mac": 1}'),
        ("a.json", '{"a": {"sops": {"mac": 1}}}'),
        ("a.json", '{"sops": {"mac": 1}'),
        ("a.env", "#sops_mac=x\nA_sops_mac=x\n"),
        ("a.ini", "[sops]\nversion = 1\n[other]\nmac = x\n"),
        ("a.txt", "sops and the mac\n"),
    ],
)
def test_what_only_looks_encrypted_is_not(name: str, text: str) -> None:
    assert not sops.is_encrypted(name, text.encode())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "a: 1\nsops: {version: 3, mac: x}\n"),
        ("a.yaml", '{"a": 1, "sops": {"mac": "x"}}'),
        ("a.yaml", "'sops':\n  'mac': x\n"),
        ("a.yaml", "a: 1\n---\nsops:\n    age: []\n\n    mac: x\n"),
        ("a.YML", "sops:\n    mac: x\n"),
        ("a.json", '{"a": "\\/\\ud83d\\ude00", "sops": {"mac": "x"}}'),
        ("config", "a: 1\nsops:\n    mac: x\n"),
    ],
)
def test_metadata_that_somebody_reformatted_is_found(name: str, text: str) -> None:
    assert sops.is_encrypted(name, text.encode())


@pytest.mark.parametrize(
    "text", ["", "\n \n", "# only\n  # comments\n", "---\n# a\n...\n", "\ufeff# a\n", "---   # a\n"]
)
def test_a_file_of_comments_holds_nothing(text: str) -> None:
    assert sops.holds_nothing(text.encode())


@pytest.mark.parametrize("text", ["a: 1", "# c\na: 1\n", "null", "{}", "- # x\n"])
def test_anything_else_is_something(text: str) -> None:
    assert not sops.holds_nothing(text.encode())


@pytest.mark.parametrize("name", PLAIN)
def test_the_metadata_that_sops_writes_can_be_read_in_one_way(name: str, files: dict[str, bytes]) -> None:
    assert masterkeys.read(sops.format_of(name, files[name]), name, files[name]) == ()


# Opening


@pytest.mark.parametrize("name", PLAIN)
def test_each_format_is_decrypted_in_its_own_format(
    name: str, files: dict[str, bytes], tool: Tool, env: dict[str, str]
) -> None:
    plain = sops.plaintext(decrypt(tool, name, files[name], env), name).decode()
    if name == "values.json":
        assert json.loads(plain) == json.loads(PLAIN[name])
    else:
        assert plain.rstrip("\n") == PLAIN[name].rstrip("\n")


def test_several_files_are_decrypted_at_once(files: dict[str, bytes], tool: Tool, env: dict[str, str]) -> None:
    with ChildProcesses(Deadline(60)) as processes:
        children = [
            processes.start(sops.decrypt_command(tool, name, data, env, file_format=sops.format_of(name, data)))
            for name, data in files.items()
        ]
        results = processes.wait(*children)
    assert [re.findall(rb"unique-\w+-1", result.stdout) for result in results] == [
        [found] for text in PLAIN.values() for found in re.findall(rb"unique-\w+-1", text.encode())
    ]


def test_a_large_file_is_decrypted(tmp_path: Path, tool: Tool, key: Keys, env: dict[str, str]) -> None:
    text = "".join(f"key{n}: value-{n}-{'x' * 400}\n" for n in range(1500))
    data = encrypt(tool, tmp_path / "large.yaml", text, "--age", key.recipient)
    assert sops.plaintext(decrypt(tool, "large.yaml", data, env), "large.yaml").decode() == text


def test_the_command_holds_no_data_and_only_the_given_environment(tool: Tool, files: dict[str, bytes]) -> None:
    command = sops.decrypt_command(tool, "values.yaml", files["values.yaml"], {"A": "b"}, file_format="yaml")
    assert command.argv == (tool.path, "decrypt", "--input-type", "yaml", "--output-type", "yaml", "/dev/stdin")
    assert (command.label, command.env, command.cwd, command.inputs) == ("sops for values.yaml", {"A": "b"}, "/", ())


def test_what_was_decrypted_is_masked(files: dict[str, bytes], tool: Tool, env: dict[str, str]) -> None:
    redactor = Redactor()
    for name, data in files.items():
        redactor.learn(data, sops.plaintext(decrypt(tool, name, data, env), name))
    assert redactor.mask("\n".join(f"a: {leaf}" for leaf in LEAVES)) == "\n".join([f"a: {MASK}"] * len(LEAVES))


# Failing


def test_no_key_at_all(files: dict[str, bytes], tool: Tool, key: Keys) -> None:
    want = [
        "cmp: no key is configured that opens this file",
        "  where: app.env",
        f"  hint: {give(key.recipient, 'app.env')}; {CACHED_HINT}",
    ]
    for env in ({}, {"HOME": "/nonexistent"}):
        assert failure(tool, "app.env", files["app.env"], env).lines(is_cached=True) == want


def test_a_wrong_key(files: dict[str, bytes], tool: Tool, key: Keys, other_key: Keys) -> None:
    error = failure(tool, "values.yaml", files["values.yaml"], {"SOPS_AGE_KEY_FILE": str(other_key.file)})
    assert error.lines(is_cached=True) == [
        "cmp: none of the age keys that are configured opens this file",
        "  where: values.yaml",
        f"  hint: {give(key.recipient, 'values.yaml')}; {CACHED_HINT}",
    ]


def test_a_missing_key_file(files: dict[str, bytes], tool: Tool) -> None:
    path = "/a rather/long path/to a folder/with a/key file that is/not there/keys.txt"
    error = failure(tool, "values.yaml", files["values.yaml"], {"SOPS_AGE_KEY_FILE": path})
    assert error.lines(is_cached=True) == [
        f"cmp: SOPS_AGE_KEY_FILE names a file that does not exist: {path}",
        "  where: values.yaml",
        f"  hint: mount the key there, or correct the variable; {CACHED_HINT}",
    ]


def test_a_key_file_that_may_not_be_read() -> None:
    report = (  # what sops 3.10.2 prints; root may read everything, so that it cannot be asked here
        "Failed to get the data key required to decrypt the SOPS file.\n\nGroup 0: FAILED\n  age1xyz: FAILED\n"
        "    - | failed to load age identities: failed to open\n      | SOPS_AGE_KEY_FILE file: open /keys/age.txt: "
        "permission\n      | denied\n\nRecovery failed because no master key was able to decrypt the file.\n"
    )
    with pytest.raises(SecretError) as caught:
        sops.plaintext(Result(128, b"", report.encode()), "a.yaml")
    assert caught.value.lines(is_cached=True) == [
        "cmp: SOPS_AGE_KEY_FILE names a file that cannot be read: /keys/age.txt",
        "  where: a.yaml",
        f"  hint: give this user the right to read it; {CACHED_HINT}",
    ]


@pytest.mark.parametrize("name", ["SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE"])
def test_a_key_that_is_none(name: str, tmp_path: Path, files: dict[str, bytes], tool: Tool) -> None:
    (tmp_path / "broken").write_text("AGE-SECRET-KEY-1BROKEN\n")
    value = str(tmp_path / "broken") if name.endswith("FILE") else "AGE-SECRET-KEY-1BROKEN"
    error = failure(tool, "values.yaml", files["values.yaml"], {name: value})
    assert error.lines(is_cached=True) == [
        f"cmp: {name} holds no valid age key",
        "  where: values.yaml",
        f"  hint: an age key is a line that starts with AGE-SECRET-KEY-1; {CACHED_HINT}",
    ]


def test_another_kind_of_key_is_explained_in_sops_own_words(files: dict[str, bytes], tool: Tool) -> None:
    data = re.sub(rb"    age:\n(?:        .*\n)+", b"    hc_vault:\n" + VAULT, files["values.yaml"])
    error = failure(
        tool,
        "values.yaml",
        data,
        {"HOME": "/nonexistent", "VAULT_ADDR": "http://127.0.0.1:9", "VAULT_MAX_RETRIES": "0"},
    )
    assert re.fullmatch(r"sops has no key for this file: .*connection refused.*", error.what)
    assert error.hint == (
        "let the sidecar reach and use http://127.0.0.1:9/v1/transit/keys/k, or add another key with "
        "`sops updatekeys values.yaml`"
    )
    assert error.is_external


# The words of sops 3.10.2 and 3.13.3 about recipients.
HOMELESS = (
    "failed to load age identities. Errors while loading age identities: $HOME is not defined; user config directory "
    "could not be determined: neither $XDG_CONFIG_HOME nor $HOME are defined. Did not find keys in location 'X'."
)
OTHER_IDENTITY = (
    "failed to create reader for decrypting sops data key with age: identity did not match any of the recipients: "
    "incorrect identity for recipient block. Did not find keys in locations 'SOPS_AGE_KEY', and 'SOPS_AGE_KEY_CMD'."
)
NO_KEY = (
    "failed to load age identities: failed to open file: open /nonexistent/.config/sops/age/keys.txt: no such file",
    "failed to load age identities. Did not find keys in locations 'SOPS_AGE_SSH_PRIVATE_KEY_FILE', and '/a/b.txt'.",
    HOMELESS,
    "failed to create reader for decrypting sops data key with age: no identities specified",
)
OTHER_KEY = (
    "failed to create reader for decrypting sops data key with age: no identity matched any of the recipients",
    OTHER_IDENTITY,
)
ARN = "arn:aws:kms:eu-west-1:111122223333:key/0b1c2d3e"
DENIED = (
    "failed to decrypt sops data key with AWS KMS: operation error KMS: Decrypt, https response error StatusCode: 400, "
    "RequestID: 1b2c, api error AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/argocd/1 is not "
    "authorized to perform: kms:Decrypt"
)
NO_ROLE = "operation error KMS: Decrypt, get identity: get credentials: no EC2 IMDS role found"
NO_PGP = "failed to decrypt sops data key with pgp: gpg: decryption failed: No secret key"
NO_GPG = "failed to decrypt sops data key with pgp:"


def report(reasons: Mapping[str, str]) -> Result:
    """Return the end of a sops that had no key, with the reason of each recipient."""
    wrapped = (
        f"  {recipient}: FAILED\n    - | " + "\n      | ".join(textwrap.wrap(reason, 60, break_on_hyphens=False))
        for recipient, reason in reasons.items()
    )
    return Result(
        128, b"", ("Failed to get the data key.\n\nGroup 0: FAILED\n" + "\n  \n".join(wrapped) + "\n").encode()
    )


def key_failure(reasons: Mapping[str, str]) -> SecretError:
    with pytest.raises(SecretError) as caught:
        sops.plaintext(report(reasons), "a.yaml")
    return caught.value


@pytest.mark.parametrize("reason", NO_KEY)
def test_without_a_key_every_version_is_told_alike(reason: str) -> None:
    assert key_failure({"age1x": reason}).what == "no key is configured that opens this file"


@pytest.mark.parametrize("reason", OTHER_KEY)
def test_with_another_key_every_version_is_told_alike(reason: str) -> None:
    assert key_failure({"age1x": reason}).what == "none of the age keys that are configured opens this file"


@pytest.mark.parametrize("reason", [*NO_KEY, *OTHER_KEY, NO_PGP, NO_GPG])
def test_the_answer_of_a_service_tells_more_than_a_key_that_is_not_there(reason: str) -> None:
    for reasons in ({"X": reason, ARN: DENIED}, {ARN: DENIED, "X": reason}):
        error = key_failure(reasons)
        first, second = error.what.split("\n")
        assert first == f"sops has no key for this file: {ARN}: {DENIED}"
        assert second == f"  X: {key_failure({'X': reason}).what}"
        assert error.hint == f"let the sidecar reach and use {ARN}, or add another key with `sops updatekeys a.yaml`"


@pytest.mark.parametrize(
    ("told", "other"),
    [
        ("failed to open SOPS_AGE_KEY_FILE file: open /keys/age.txt: no such file or directory", DENIED),
        ("failed to load age identities: failed to execute command x from SOPS_AGE_KEY_CMD: exit status 1", DENIED),
        (OTHER_KEY[0], NO_ROLE),
        (OTHER_KEY[1], NO_GPG),
        (NO_ROLE, NO_KEY[0]),
        (NO_GPG, NO_KEY[1]),
    ],
)
def test_of_several_recipients_the_most_telling_failure_comes_first(told: str, other: str) -> None:
    want = key_failure({"A": told}).what.removeprefix("sops has no key for this file: ")
    for reasons in ({"A": told, "B": other}, {"B": other, "A": told}):
        first, second = key_failure(reasons).what.split("\n")
        assert first.removeprefix("sops has no key for this file: A: ") == want
        assert second.startswith("  B: ")


def test_recipients_with_the_same_failure_share_a_line() -> None:
    assert key_failure({"age1a": NO_KEY[0], "age1b": NO_KEY[0]}).lines(is_cached=True) == [
        "cmp: no key is configured that opens this file",
        "  where: a.yaml",
        f"  hint: {give('age1a, age1b', 'a.yaml')}; {CACHED_HINT}",
    ]
    error = key_failure({"age1a": NO_KEY[0], "B": DENIED, "age1b": NO_KEY[0], "C": ""})
    assert error.what.split("\n")[1:] == [
        "  age1a, age1b: no key is configured that opens this file",
        "  C: sops gives no reason",
    ]


@pytest.mark.parametrize(
    ("said", "place"),
    [  # of 3.13.3, where it differs
        ("yaml: line 3: did not find expected ',' or ']'", "a.yaml:3"),
        ('yaml: unmarshal errors:\n  line 19: mapping key "port" already defined at line 2', "a.yaml:19"),
        ("Could not unmarshal input data: invalid character '}' looking for beginning of value", "a.yaml"),
        ("invalid dotenv input line: password on line 7", "a.yaml"),
        ("Could not unmarshal input data: unclosed section: [db line 7", "a.yaml"),
        ("unclosed section: [db", "a.yaml"),
    ],
)
def test_a_broken_file_is_told_alike_for_every_version(said: str, place: str) -> None:
    with pytest.raises(SecretError) as caught:
        sops.plaintext(Result(1, b"", said.encode()), "a.yaml")
    assert (caught.value.what, caught.value.file) == ("sops cannot parse this file", place)


VAULT = b"""        - vault_address: http://127.0.0.1:9
          engine_path: transit
          key_name: k
          created_at: "2026-01-01T00:00:00Z"
          enc: vault:v1:abc
"""
BY_HAND = "it was edited or merged by hand: restore it from Git, and change it with `sops edit values.yaml` only"


def test_a_mac_mismatch(files: dict[str, bytes], tool: Tool, env: dict[str, str]) -> None:
    data = re.sub(rb"    - ENC.*type:float\]\n", b"", files["values.yaml"])
    assert data != files["values.yaml"]
    assert failure(tool, "values.yaml", data, env).lines() == [
        "cmp: this file was changed after sops encrypted it (MAC mismatch)",
        "  where: values.yaml",
        f"  hint: {BY_HAND}",
    ]


def test_a_value_added_in_clear_is_not_quoted(files: dict[str, bytes], tool: Tool, env: dict[str, str]) -> None:
    data = b"added: plaintext-by-hand\n" + files["values.yaml"]
    result = decrypt(tool, "values.yaml", data, env)
    assert b"plaintext-by-hand" in result.stderr, "sops quotes it, so we must not repeat what sops says"
    assert failure(tool, "values.yaml", data, env).lines() == [
        "cmp: a value in this file was changed or added without sops",
        "  where: values.yaml",
        f"  hint: {BY_HAND}",
    ]


def test_a_value_that_was_moved_is_an_error(files: dict[str, bytes], tool: Tool, env: dict[str, str]) -> None:
    error = failure(tool, "values.yaml", files["values.yaml"].replace(b"password:", b"passphrase:"), env)
    assert (error.what, error.hint) == ("a value in this file was changed or added without sops", BY_HAND)


@pytest.mark.parametrize("added", ["a: b: c\n", "user: again\n"])
def test_a_broken_file(added: str, files: dict[str, bytes], tool: Tool, env: dict[str, str]) -> None:
    lines = files["values.yaml"].count(b"\n")
    assert failure(tool, "values.yaml", files["values.yaml"] + added.encode(), env).lines() == [
        "cmp: sops cannot parse this file",
        f"  where: values.yaml:{lines + 1}",
        "  hint: is it half-merged or cut off? restore it from Git, and change it with `sops edit values.yaml` only",
    ]


def test_a_file_with_marks_of_a_merge(files: dict[str, bytes], tool: Tool, env: dict[str, str]) -> None:
    error = failure(tool, "values.yaml", b"<<<<<<< HEAD\n" + files["values.yaml"], env)
    assert (error.what, error.file) == ("sops cannot parse this file", "values.yaml:1")


def test_a_file_whose_metadata_is_cut_off(files: dict[str, bytes], tool: Tool, env: dict[str, str]) -> None:
    data = re.sub(rb"    lastmodified.*\n", b"", files["values.yaml"])
    assert failure(tool, "values.yaml", data, env).lines() == [
        "cmp: sops failed with exit status 1",
        "  where: values.yaml",
        "  hint: `sops decrypt values.yaml` shows what it says; that may hold values and is not repeated here",
    ]


@pytest.mark.parametrize(
    ("result", "what", "foreign"),
    [
        (Result(0, b"", b""), "sops reported success and printed nothing", False),
        (Result(1, b"password: unique-1", b""), "sops failed with exit status 1", False),
        (Result(3, b"password: unique-1", b"password: unique-1"), "sops failed with exit status 3", False),
        (Result(-9, b"password: unique-1", b""), "sops was ended by signal 9", True),
        (Result(128, b"password: unique-1", b""), "sops has no key for this file", True),
    ],
)
def test_a_sops_that_fails_silently_is_an_error(result: Result, what: str, foreign: bool) -> None:  # noqa: FBT001
    with pytest.raises(SecretError) as caught:
        sops.plaintext(result, "a.yaml")
    assert (caught.value.what, caught.value.file, caught.value.is_external) == (what, "a.yaml", foreign)
    assert "unique-1" not in "\n".join(caught.value.lines())

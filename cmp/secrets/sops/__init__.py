"""Encrypted file -> plaintext: a small wrapper of the `sops` binary, bytes in and bytes out.

The ciphertext goes in through stdin, so that sops decrypts the very bytes that were read and checked here; the
plaintext comes back through a socket.  It is never in argv, in a file, or in an error: messages of sops can quote
values, so only those are repeated that it writes before it has a key.

metadata.py    the metadata that sops wrote beside the ciphertext, refused where they can be read in two ways
failures.py    the errors of a sops that fails
masterkeys.py  the keys of services in the metadata, and with them the hosts that sops would ask
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cmp.errors import CmpError, ToolError
from cmp.system import signals
from cmp.system.process import Command, Deadline, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cmp.model import Tool
    from cmp.system.process import Result

PGP_MESSAGE = b"-----BEGIN PGP MESSAGE-----"
GPG_END_SECONDS = 3.0  # gpgconf tells the agent to stop and needs a few milliseconds

FORMATS = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".env": "dotenv", ".ini": "ini"}  # sops' names
CIPHERTEXT = b"ENC[AES256_GCM,"  # the beginning of an encrypted value

# Not compiled: most runs need none of these patterns.
YAML_KEY = rb"""(?m)(?:^|[{,])\s*["']?sops["']?\s*:"""
DOTENV_METADATA = rb"(?m)^sops_mac="
INI_METADATA = rb"(?m)^\[sops\][ \t]*\r?\n(?:[^\[\n].*\n|\r?\n)*?mac[ \t]*="


# The names of the keys of services in the metadata (`kms` stands for three of them), and the characters that could
# spell one otherwise: an escape, a tag, a letter whose other case is in ASCII.
MAY_NAME_SERVICE = rb"(?i)kms|azure_kv|hc_vault|[\\!\x80-\xff]"
# The variables that hold the credentials and addresses of each service.
VARIABLES = {
    "kms": ("AWS_",),
    "gcp_kms": ("GOOGLE_", "GCP_", "CLOUDSDK_"),
    "azure_kv": ("AZURE_",),
    "hc_vault": ("VAULT_",),
    "hckms": ("HUAWEICLOUD_",),
}
# Programs of the administrator, which sops runs for keys of age and PGP; they may ask any service.
PROGRAMS = ("SOPS_AGE_KEY_CMD", "SOPS_AGE_SSH_PRIVATE_KEY_CMD", "SOPS_GPG_EXEC")


def is_encrypted(path: str, data: bytes) -> bool:
    """Tell whether sops wrote this file: it has top-level metadata with a `mac`, in a format that sops knows."""
    return bool(format_of(path, data))


def holds_nothing(data: bytes) -> bool:
    """Tell whether a file has no value that sops could encrypt: it is empty or has only comments and separators."""
    lines = (line.split(b"#", 1)[0].strip() for line in data.removeprefix(b"\xef\xbb\xbf").splitlines())
    return all(line in (b"", b"---", b"...") for line in lines)


def without_empty_documents(data: bytes) -> bytes:
    """Return a decrypted YAML stream without its empty maps, which sops writes for a document of comments alone."""
    if b"{}" not in data:
        return data
    documents = re.split(rb"(?m)^(?=---(?:[ \t]|\r?$))", data)
    return b"".join(re.sub(rb"(?m)^\{\}[ \t]*(?=\r?$)", b"", one) if _is_empty_map(one) else one for one in documents)


def _is_empty_map(document: bytes) -> bool:
    lines = (line.strip() for line in document.splitlines())
    return [line for line in lines if line and not line.startswith((b"#", b"---"))] == [b"{}"]


def format_of(path: str, data: bytes) -> str:
    """Return sops' name for the format of an encrypted file; empty when it is not encrypted."""
    if b"sops" not in data or b"mac" not in data:
        return ""
    named = FORMATS.get(os.path.splitext(path)[1].lower(), "")
    if named == "yaml":
        return named if _has_yaml_metadata(data) or _metadata_documents(data) else ""
    for kind, pattern in (("dotenv", DOTENV_METADATA), ("ini", INI_METADATA)):
        if named in (kind, "") and re.search(pattern, data):
            return kind
    return _structured_format(named, data) if named in ("json", "") else ""


def _has_yaml_metadata(data: bytes) -> bool:
    """Look for the metadata as sops itself writes it; a reformatted file must be parsed."""
    _, _, metadata = (b"\n" + data.replace(b"\r\n", b"\n")).partition(b"\nsops:\n")
    for line in metadata.splitlines():
        if line and not line.startswith((b" ", b"\t")):
            return False
        if line.lstrip().startswith(b"mac:"):
            return True
    return False


def _structured_format(named: str, data: bytes) -> str:
    documents = _metadata_documents(data)
    if not documents:
        return ""
    if not data.lstrip().startswith(b"{"):
        return "" if named else "yaml"
    return "binary" if not named and documents[0].keys() == {"data", "sops"} else "json"


def _metadata_documents(data: bytes) -> list[dict[object, object]]:
    """Return the documents with top-level metadata; a file without the key `sops` is not even parsed."""
    documents = _documents(data) if re.search(YAML_KEY, data) else []
    return [document for document in documents if isinstance(document, dict) and _has_mac(document.get("sops"))]


def _documents(data: bytes) -> list[object]:
    import json  # noqa: PLC0415  # rare: mostly a pattern decides

    from cmp import yamldoc  # noqa: PLC0415  # likewise

    if data.lstrip().startswith(b"{"):
        with suppress(ValueError):
            return [json.loads(data)]
    try:
        return yamldoc.load_all(data)
    except yamldoc.YamlError:
        return []


def _has_mac(metadata: object) -> bool:
    return isinstance(metadata, dict) and "mac" in metadata


def may_name_service(data: bytes) -> bool:
    """Tell whether an encrypted file may have keys of a service; most are encrypted for age or PGP alone.

    No parser is needed for a file that has none: its bytes cannot spell the name of one.
    """
    return bool(re.search(MAY_NAME_SERVICE, data))


def environment(env: Mapping[str, str], services: Iterable[str]) -> Mapping[str, str]:
    """Return the environment for a file with keys of these services, without the credentials of the others."""
    if any(env.get(name) for name in PROGRAMS):
        return env
    used = {*services}
    unused = tuple(prefix for name, prefixes in VARIABLES.items() if name not in used for prefix in prefixes)
    return {name: value for name, value in env.items() if not name.startswith(unused)}


@contextmanager
def gpg_home(
    env: Mapping[str, str], files: Iterable[bytes], make_folder: Callable[[str], str], deadline: Deadline
) -> Iterator[Mapping[str, str]]:
    """Yield the environment for sops; where one of the encrypted files has a PGP recipient, with a private GNUPGHOME.

    gpg leaves its agent running, in a session of its own.  A running agent is used and left alone: it may know a
    passphrase.  Otherwise gpg gets a home of symlinks in a folder that `make_folder` makes, so that no other run uses
    the agent and it can be ended; that also works for a GNUPGHOME that is read-only or a long path.  After a SIGKILL
    the agent ends by itself once that folder is swept: it watches its socket.
    """
    if not any(PGP_MESSAGE in data for data in files) or _gpg_agent_runs(env, deadline):
        yield env
        return
    ours = {**env, "GNUPGHOME": make_folder("gnupg")}
    _link_gpg_home(env.get("GNUPGHOME") or os.path.join(env.get("HOME", "/"), ".gnupg"), ours["GNUPGHOME"])
    try:
        yield ours
    finally:
        with (
            signals.held(),
            suppress(CmpError),
        ):  # without gpgconf gpg could not start either, as the error of sops says
            run(Command("gpgconf", ("gpgconf", "--kill", "all"), ours), Deadline(GPG_END_SECONDS))


def _gpg_agent_runs(env: Mapping[str, str], deadline: Deadline) -> bool:
    argv = ("gpg-connect-agent", "--no-autostart", "GETINFO pid", "/bye")
    try:
        return run(Command("gpg-connect-agent", argv, env), deadline).stdout.startswith(b"D ")
    except ToolError:  # not installed, so that no agent is either
        return False


def _link_gpg_home(source: str, target: str) -> None:
    """Link the files of a gpg home, except those of running processes: sockets, locks, the random state."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(source):
            if not name.startswith(("S.", ".#")) and not name.endswith(".lock") and name != "random_seed":
                os.symlink(os.path.join(os.path.abspath(source), name), os.path.join(target, name))


def decrypt_command(tool: Tool, path: str, data: bytes, env: Mapping[str, str], *, file_format: str) -> Command:
    """Return the command that prints the plaintext of `data`, in the file's own format (`format_of`).

    It runs at the root folder, where no `.sops.yaml` of the repository configures sops.
    """
    argv = (tool.path, "decrypt", "--input-type", file_format, "--output-type", file_format, "/dev/stdin")
    return Command(f"sops for {path}", argv, env, stdin=data, place=path)


def plaintext(result: Result, path: str) -> bytes:
    """Return the plaintext that sops printed; SecretError, with the cause, when it failed."""
    if result.returncode == 0 and result.stdout:
        return result.stdout
    from cmp.secrets.sops.failures import failure  # noqa: PLC0415  # most decryptions succeed

    raise failure(result, path)

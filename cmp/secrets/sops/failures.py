"""The failures of sops as errors: its words are repeated only where it has decrypted nothing yet.

Versions say the same thing in other texts, which all stand here: a failure has the same words of ours with each.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cmp.errors import SecretError

if TYPE_CHECKING:
    from cmp.system.process import Result

# sops' own exit codes (cmd/sops/codes)
COULD_NOT_DECRYPT_TREE = 25
MAC_MISMATCH = 51
COULD_NOT_GET_DATA_KEY = 128

MAX_REASON = 400  # characters of a message of sops about a key

# The first line of what the parsers of sops say: of YAML and JSON (the spellings are theirs), dotenv and INI.
_NOT_PARSED = re.compile(
    r"Error unmarshall?ing input|Could not unmarshal input|yaml: |invalid dotenv input line: |unclosed section: "
    r"|key-value delimiter not found: "
)
_LINE = re.compile(r"[^\n]*yaml: (?:unmarshal errors:\n\s*)?line (\d+):")


def failure(result: Result, path: str) -> SecretError:
    """Return the error of a sops that failed on a file."""
    stderr = result.stderr.decode("utf-8", "replace")
    restore = f"restore it from Git, and change it with `sops edit {path}` only"
    if result.returncode == COULD_NOT_GET_DATA_KEY:
        return _key_failure(stderr, path)
    if result.returncode == MAC_MISMATCH:
        what = "this file was changed after sops encrypted it (MAC mismatch)"
        return SecretError(what, file=path, hint=f"it was edited or merged by hand: {restore}")
    if result.returncode == COULD_NOT_DECRYPT_TREE:
        what = "a value in this file was changed or added without sops"
        return SecretError(what, file=path, hint=f"it was edited or merged by hand: {restore}")
    if result.returncode > 0 and _NOT_PARSED.match(stderr):
        line = _LINE.match(stderr)
        place = f"{path}:{line[1]}" if line else path
        return SecretError("sops cannot parse this file", file=place, hint=f"is it half-merged or cut off? {restore}")
    return _unexplained(result, path)


def _unexplained(result: Result, path: str) -> SecretError:
    """Return the error for an unknown end of sops, without its messages, which may hold values."""
    if result.returncode == 0:
        what = "sops reported success and printed nothing"
    elif result.returncode < 0:
        what = f"sops was ended by signal {-result.returncode}"
    else:
        what = f"sops failed with exit status {result.returncode}"
    hint = f"`sops decrypt {path}` shows what it says; that may hold values and is not repeated here"
    return SecretError(what, file=path, hint=hint, is_external=result.returncode < 0)


class _Trouble(NamedTuple):
    """A failure with one recipient: a pattern of sops' words, and ours (`{0}` is the pattern's group).

    Without words of ours those of sops are repeated; without a hint it names the recipients.
    """

    pattern: str
    what: str = ""
    hint: str = ""


_ANSWER = _Trouble(r"(?!)")  # all that no pattern knows: the words of a service
# Of several recipients, the one whose failure stands first here explains that of the file: a means that is set up and
# broken, then the answer of a service, then keys for other files, and last what is not set up at all, which is usual
# where a file has recipients for several places.
_TROUBLES = (
    _Trouble(
        r"SOPS_AGE_KEY_FILE file: open (.+?): (?:no such file|not a directory)",
        "SOPS_AGE_KEY_FILE names a file that does not exist: {0}",
        "mount the key there, or correct the variable",
    ),
    _Trouble(
        r"SOPS_AGE_KEY_FILE file: open (.+?): permission denied",
        "SOPS_AGE_KEY_FILE names a file that cannot be read: {0}",
        "give this user the right to read it",
    ),
    _Trouble(
        r"failed to parse '(SOPS_AGE_\w+)' age identities",
        "{0} holds no valid age key",
        "an age key is a line that starts with AGE-SECRET-KEY-1",
    ),
    # of SOPS_AGE_KEY_CMD, SSH keys, and keys with a passphrase
    _Trouble(r"failed to (?:parse|execute) command |SSH identity|SSH key|passphrase"),
    _Trouble(
        r"failed to start agent|can't connect to the(?: gpg-)?agent",
        "gpg cannot start its agent",
        "install gpg-agent; if GNUPGHOME or CMP_TMPDIR is a long path, choose one of less than 80 characters",
    ),
    _ANSWER,
    _Trouble(
        r"no identity matched any of the recipients|identity did not match any of the recipients",
        "none of the age keys that are configured opens this file",
    ),
    _Trouble(r"decryption failed: No secret key", "the PGP key that opens this file is not in the keyring"),
    # without credentials: AWS, GCP, Azure, Vault
    _Trouble(
        r"no EC2 IMDS role found|could not find default credentials|DefaultAzureCredential: |missing client token"
    ),
    _Trouble(
        r"failed to decrypt sops data key with pgp:\s*$",
        "gpg cannot be started",
        "install GnuPG, or set SOPS_GPG_EXEC to its path",
    ),
    _Trouble(
        r"failed to load age identities|with age: no identities specified",
        "no key is configured that opens this file",
    ),
    _Trouble(r"^$"),
)
_ELSEWHERE = re.compile(r"\.? Did not find keys in locations? .*")  # which 3.13 says behind all others


def _key_failure(stderr: str, path: str) -> SecretError:
    """Return the error for a missing key.  Sops has decrypted nothing yet, so that its words may be repeated.

    The most telling failure comes first; those of the other recipients follow, one a line.
    """
    told: dict[tuple[int, str], list[str]] = {}
    reasons = _reasons(stderr)
    for recipient, reason in reasons.items():
        told.setdefault(_explained(reason), []).append(recipient)
    recipients = ", ".join(reasons) or "unknown recipients"
    give = f"it is encrypted for {recipients}: give the sidecar that key, or add one with `sops updatekeys {path}`"
    if not told:
        return SecretError("sops has no key for this file", file=path, hint=give, is_external=True)
    first, *others = sorted(told)
    trouble = _TROUBLES[first[0]]
    if trouble is _ANSWER:
        give = f"let the sidecar reach and use {told[first][0]}, or add another key with `sops updatekeys {path}`"
    subject = f"{told[first][0]}: " if others else ""
    own = f"sops has no key for this file: {subject}{first[1]}".removesuffix(": ")
    lines = [f"\n  {', '.join(told[other])}: {other[1] or 'sops gives no reason'}" for other in others]
    what = "".join((first[1] if trouble.what else own, *lines))
    return SecretError(what, file=path, hint=trouble.hint or give, is_external=True)


def _explained(reason: str) -> tuple[int, str]:
    """Return the place of a reason in the table above, and its words."""
    words = _ELSEWHERE.sub("", reason)
    for index, trouble in enumerate(_TROUBLES):
        if match := re.search(trouble.pattern, words):
            return index, trouble.what.format(*match.groups()) or words[:MAX_REASON]
    return _TROUBLES.index(_ANSWER), words[:MAX_REASON]


def _reasons(stderr: str) -> dict[str, str]:
    """Parse the report of sops, wrapped to 60 columns behind `|`: each recipient, and the reason of its failure."""
    reasons: dict[str, str] = {}
    recipient = ""
    for line in stderr.splitlines():
        if match := re.fullmatch(r"  (\S.*): FAILED", line):
            recipient = match[1]
            reasons[recipient] = ""
        elif recipient and (match := re.fullmatch(r"\s+(?:- )?\|\s*(.*)", line)):
            reasons[recipient] = f"{reasons[recipient]} {match[1]}".strip()
    return reasons

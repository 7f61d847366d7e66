"""The failures of sops as errors: its words are repeated only where it has decrypted nothing yet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp.errors import SecretError

if TYPE_CHECKING:
    from cmp.system.process import Result

# sops' own exit codes (cmd/sops/codes)
COULD_NOT_DECRYPT_TREE = 25
MAC_MISMATCH = 51
COULD_NOT_GET_DATA_KEY = 128

MAX_REASON = 300  # characters of a message of sops about a key


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
    if "Error unmarshalling input" in stderr:
        line = re.search(r"\bline (\d+)", stderr)
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


# A pattern of sops' words, the words of the error (`{0}` is the pattern's group), and its hint, by default the
# recipients.  The most specific comes first: of several recipients, the one nearest to success explains the failure.
_KEY_TROUBLES = (
    (
        r"SOPS_AGE_KEY_FILE file: open (.+?): (?:no such file|not a directory)",
        "SOPS_AGE_KEY_FILE names a file that does not exist: {0}",
        "mount the key there, or correct the variable",
    ),
    (
        r"SOPS_AGE_KEY_FILE file: open (.+?): permission denied",
        "SOPS_AGE_KEY_FILE names a file that cannot be read: {0}",
        "give this user the right to read it",
    ),
    (
        r"failed to parse '(SOPS_AGE_\w+)' age identities",
        "{0} holds no valid age key",
        "an age key is a line that starts with AGE-SECRET-KEY-1",
    ),
    (
        r"no identity matched any of the recipients",
        "none of the age keys that are configured opens this file",
        "",
    ),
    (
        r"failed to start agent|can't connect to the(?: gpg-)?agent",
        "gpg cannot start its agent",
        "install gpg-agent; if GNUPGHOME or CMP_TMPDIR is a long path, choose one of less than 80 characters",
    ),
    (r"decryption failed: No secret key", "the PGP key that opens this file is not in the keyring", ""),
    (
        r"failed to decrypt sops data key with pgp:\s*$",
        "gpg cannot be started",
        "install GnuPG, or set SOPS_GPG_EXEC to its path",
    ),
    (r"failed to load age identities", "no key is configured that opens this file", ""),
)


def _key_failure(stderr: str, path: str) -> SecretError:
    """Return the error for a missing key.  Sops has decrypted nothing yet, so that its words may be repeated."""
    reasons = _reasons(stderr)
    recipients = ", ".join(reasons) or "unknown recipients"
    give = f"it is encrypted for {recipients}: give the sidecar that key, or add one with `sops updatekeys {path}`"
    for pattern, what, hint in _KEY_TROUBLES:
        for reason in reasons.values():
            if match := re.search(pattern, reason):
                return SecretError(what.format(*match.groups()), file=path, hint=hint or give, is_external=True)
    reason = next(iter(reasons.values()), "")[:MAX_REASON]
    what = f"sops has no key for this file: {reason}" if reason else "sops has no key for this file"
    return SecretError(what, file=path, hint=give, is_external=True)


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
